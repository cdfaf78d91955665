package analytics

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/theeye/theeye/shared/store"
)

// listedEvent is an event of an answer: its time in microseconds since 1970 and its
// document id in two parts.
type listedEvent struct {
	time       int64
	prefix, id string
}

// documentPrefix is what the document ids of the stored events of an application begin
// with. That of no application begins with that of another, since names have no slash:
// so prefixes and event ids are in the order of document ids.
func documentPrefix(application string) string { return store.DocumentID(application, "") }

// eventList keeps the first events in the order of an answer, one more than it holds. It
// is safe for concurrent use.
type eventList struct {
	descending bool
	room       int
	after      *listedEvent

	mu sync.Mutex
	// kept is in no order; it is cut when it has twice the room that is needed.
	kept []listedEvent
	// last is the greatest event of kept after a cut that left all room used.
	last *listedEvent
}

func newEventList(q *EventsQuery) *eventList {
	l := &eventList{descending: q.Descending, room: q.Limit + 1}
	if p := q.After; p != nil {
		l.after = &listedEvent{time: p.Time.UnixMicro()}
		at := strings.IndexByte(p.ID, '/') + 1
		l.after.prefix, l.after.id = p.ID[:at], p.ID[at:]
	}
	return l
}

// compareTimes orders times as the answer.
func (l *eventList) compareTimes(a, b int64) int {
	if l.descending {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// compareTo compares an event with a listed one before its id is copied. Ids decide where
// times are equal.
func (l *eventList) compareTo(t int64, prefix string, id []byte, other *listedEvent) int {
	if c := l.compareTimes(t, other.time); c != 0 {
		return c
	}
	c := cmp.Or(strings.Compare(prefix, other.prefix), strings.Compare(string(id), other.id))
	if l.descending {
		return -c
	}
	return c
}

// addEvent keeps an event if it belongs to the answer.
func (l *eventList) addEvent(t int64, prefix string, id []byte) {
	if l.after != nil && l.compareTo(t, prefix, id, l.after) <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && l.compareTo(t, prefix, id, l.last) > 0 {
		return
	}
	l.kept = append(l.kept, listedEvent{t, prefix, string(id)})
	if len(l.kept) >= 2*l.room {
		l.cut()
	}
}

// cut drops what lies behind the room. The caller holds mu.
func (l *eventList) cut() {
	slices.SortFunc(l.kept, func(a, b listedEvent) int {
		c := cmp.Or(cmp.Compare(a.time, b.time), strings.Compare(a.prefix, b.prefix), strings.Compare(a.id, b.id))
		if l.descending {
			return -c
		}
		return c
	})
	if len(l.kept) >= l.room {
		clear(l.kept[l.room:])
		l.kept = l.kept[:l.room]
		last := l.kept[l.room-1]
		l.last = &last
	}
}

// settle makes bound as near as the kept events allow.
func (l *eventList) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) > l.room || l.last == nil {
		l.cut()
	}
}

// bound returns the time behind which no further event is kept, if there is one.
func (l *eventList) bound() (t int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		return 0, false
	}
	return l.last.time, true
}

// sorted returns the kept events, in order: at most one more than the answer holds.
func (l *eventList) sorted() []listedEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
	return l.kept
}

// timeHeap keeps the first times of an order, as many as it has room for. The last of
// them is at the top.
type timeHeap struct {
	room       int
	descending bool
	kept       []int64
}

// reset makes the heap empty.
func (h *timeHeap) reset(room int, descending bool) {
	h.room, h.descending, h.kept = room, descending, h.kept[:0]
}

// last returns the last time that is kept, if all room is used.
func (h *timeHeap) last() (t int64, full bool) {
	if len(h.kept) < h.room {
		return 0, false
	}
	return h.rank(h.kept[0]), true
}

// rank turns a time into its rank in the order, and back. ^t and not -t, which
// overflows.
func (h *timeHeap) rank(t int64) int64 {
	if h.descending {
		return ^t
	}
	return t
}

// addTime keeps a time if it is among the first.
func (h *timeHeap) addTime(t int64) {
	t = h.rank(t)
	if len(h.kept) < h.room {
		h.kept = append(h.kept, t)
		for i := len(h.kept) - 1; i > 0; {
			parent := (i - 1) / 2
			if h.kept[parent] >= h.kept[i] {
				return
			}
			h.kept[parent], h.kept[i] = h.kept[i], h.kept[parent]
			i = parent
		}
		return
	}
	if t >= h.kept[0] {
		return
	}
	h.kept[0] = t
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h.kept) {
			return
		}
		if child+1 < len(h.kept) && h.kept[child+1] > h.kept[child] {
			child++
		}
		if h.kept[i] >= h.kept[child] {
			return
		}
		h.kept[i], h.kept[child] = h.kept[child], h.kept[i]
		i = child
	}
}
