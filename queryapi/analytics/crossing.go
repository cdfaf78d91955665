package analytics

import (
	"bytes"
	"context"
	"encoding/binary"
	"runtime"
	"sort"
)

// crossing is a session of one view that occurs in another view as well.
type crossing struct {
	// index is that of the session in its view, ordinal the same number in all views.
	index, ordinal uint32
}

// crossings are the sessions that occur in several views of one application.
type crossings struct {
	// lists has one list for each view, in the order of the sessions there.
	lists [][]crossing
	// count is the number of ordinals.
	count int
}

// crossingChunks is the number of ranges of session ids that are merged apart.
const crossingChunks = 16

// findCrossings merges the sorted session ids of views. Its cost is that of one step of
// a heap of the views for each session; it keeps nothing of sessions that occur once.
func findCrossings(ctx context.Context, views [][][16]byte) (crossings, error) {
	chunks := make([]crossings, crossingChunks)
	err := inParallel(ctx, runtime.GOMAXPROCS(0), crossingChunks, func(_, i int) error {
		chunks[i] = mergeSessions(views, i)
		return nil
	})
	if err != nil {
		return crossings{}, err
	}
	whole := crossings{lists: make([][]crossing, len(views))}
	for _, c := range chunks {
		for view, list := range c.lists {
			for _, x := range list {
				x.ordinal += uint32(whole.count)
				whole.lists[view] = append(whole.lists[view], x)
			}
		}
		whole.count += c.count
	}
	return whole, nil
}

// sessionCursor is the next session of a view in a merge.
type sessionCursor struct {
	high, low uint64 // the id, in the order of its bytes
	view      int
	at, end   int
}

func (c *sessionCursor) readID(ids [][16]byte) {
	c.high, c.low = binary.BigEndian.Uint64(ids[c.at][:8]), binary.BigEndian.Uint64(ids[c.at][8:])
}

func (c *sessionCursor) before(other *sessionCursor) bool {
	return c.high < other.high || c.high == other.high && c.low < other.low
}

// sessionHeap is a heap of cursors, the least id first.
type sessionHeap []sessionCursor

// sink moves the cursor i down to its place.
func (h sessionHeap) sink(i int) {
	for {
		least := 2*i + 1
		if least >= len(h) {
			return
		}
		if least+1 < len(h) && h[least+1].before(&h[least]) {
			least++
		}
		if !h[least].before(&h[i]) {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// mergeSessions finds the crossings within one of the ranges of ids.
func mergeSessions(views [][][16]byte, chunk int) crossings {
	found := crossings{lists: make([][]crossing, len(views))}
	heap := make(sessionHeap, 0, len(views))
	for view, ids := range views {
		c := sessionCursor{view: view, at: chunkStart(ids, chunk), end: chunkStart(ids, chunk+1)}
		if c.at < c.end {
			c.readID(ids)
			heap = append(heap, c)
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		heap.sink(i)
	}
	var last sessionCursor // of the previous step; end is 0 before the first
	crosses := false       // last is in found
	for len(heap) > 0 {
		next := heap[0]
		if last.end > 0 && next.high == last.high && next.low == last.low {
			if !crosses {
				found.addSession(last)
				crosses = true
			}
			found.addSession(next)
		} else if crosses {
			found.count++
			crosses = false
		}
		last = next
		if heap[0].at++; heap[0].at == heap[0].end {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		} else {
			heap[0].readID(views[next.view])
		}
		heap.sink(0)
	}
	if crosses {
		found.count++
	}
	return found
}

func (x *crossings) addSession(c sessionCursor) {
	x.lists[c.view] = append(x.lists[c.view], crossing{index: uint32(c.at), ordinal: uint32(x.count)})
}

// chunkStart returns where a range of ids starts in a sorted list.
func chunkStart(ids [][16]byte, chunk int) int {
	if chunk == crossingChunks {
		return len(ids)
	}
	least := [16]byte{byte(chunk * (256 / crossingChunks))}
	return sort.Search(len(ids), func(i int) bool { return bytes.Compare(ids[i][:], least[:]) >= 0 })
}
