package columns

import (
	"bytes"
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"
)

// ReceivedCounts are the numbers of rows of one outcome by the quarter of an hour in which
// they were received, by type and, of rejected rows, by the list of reasons, expired rows
// included. They are read-only. The zero value has none.
type ReceivedCounts struct {
	quarterIndex

	types, reasons, rows Codes
	// first and last are the earliest and latest received time, in milliseconds since the
	// start of the quarter.
	first, last []uint32
	// samples are the event ids of one rejected row each: that with the lowest document id.
	// ownIDs has the ids of documents that do not follow from the event id, by the places
	// of their counts.
	samples *Texts
	ownIDs  map[int]string
	// totals are merged over the quarters, sorted by type and reasons.
	totals []ReceivedTotal
	span   [2]int64
}

// ReceivedCount is a number of rows of one type and list of reasons.
type ReceivedCount struct {
	// Type is a place in Part.Types, Reasons one in Part.Reasons.
	Type, Reasons uint32
	N             int64
	// First and Last are the earliest and latest received time in milliseconds since 1970.
	First, Last int64

	place int
}

// ReceivedTotal is a number of rows of one type and list of reasons over all quarters.
type ReceivedTotal struct {
	ReceivedCount
	// SampleID is the lowest document id of the rows, SampleEventID its event id. Only those
	// of rejected rows have them.
	SampleID, SampleEventID string
}

// Span returns the earliest and latest received time of all rows in milliseconds since
// 1970; ok is false without rows.
func (c *ReceivedCounts) Span() (first, last int64, ok bool) {
	return c.span[0], c.span[1], len(c.numbers) > 0
}

// Totals returns the counts of all quarters together, sorted by type and reasons. The
// caller must not change them.
func (c *ReceivedCounts) Totals() []ReceivedTotal { return c.totals }

// SpanAt returns the earliest and latest received time of a quarter by its place.
func (c *ReceivedCounts) SpanAt(i int) (first, last int64) {
	from, to := c.entries(i)
	start := c.numbers[i] * quarterMillis
	return start + int64(slices.Min(c.first[from:to])), start + int64(slices.Max(c.last[from:to]))
}

// CountsAt yields the counts of a quarter by its place, sorted by type and reasons.
func (c *ReceivedCounts) CountsAt(i int) iter.Seq[ReceivedCount] {
	return func(yield func(ReceivedCount) bool) {
		start := c.numbers[i] * quarterMillis
		for at, to := c.entries(i); at < to; at++ {
			n := ReceivedCount{
				Type: c.types.CodeAt(at), N: int64(c.rows.CodeAt(at)),
				First: start + int64(c.first[at]), Last: start + int64(c.last[at]), place: at,
			}
			if c.samples != nil {
				n.Reasons = c.reasons.CodeAt(at)
			}
			if !yield(n) {
				return
			}
		}
	}
}

// SampleOf returns the lowest document id of the rejected rows of a count of CountsAt, and
// its event id.
func (c *ReceivedCounts) SampleOf(n *ReceivedCount, application string) (documentID, eventID string) {
	return c.sampleAt(n.place, application)
}

func (c *ReceivedCounts) sampleAt(place int, application string) (id, eventID string) {
	if own, ok := c.ownIDs[place]; ok {
		return own, string(c.samples.At(place))
	}
	id = documentID(application, "", c.samples.At(place))
	return id, id[len(application)+1:]
}

// compareSamples orders the samples of two counts by their document ids.
func (c *ReceivedCounts) compareSamples(a, b int, application string) int {
	if len(c.ownIDs) == 0 {
		if c.samples.offsets == nil { // in lower case, UUIDs are in the order of their bytes
			return bytes.Compare(c.samples.uuids[a][:], c.samples.uuids[b][:])
		}
		return bytes.Compare(c.samples.At(a), c.samples.At(b))
	}
	first, _ := c.sampleAt(a, application)
	second, _ := c.sampleAt(b, application)
	return strings.Compare(first, second)
}

// countedRows is a count before it is packed.
type countedRows struct {
	quarter       int64
	typ, reasons  uint32
	n             uint32
	first, last   int64
	sampleID      string
	sampleEventID []byte
}

// packReceived returns counts, which are sorted by quarter, type and reasons.
func packReceived(list []countedRows, rejected bool, application string) ReceivedCounts {
	var c ReceivedCounts
	n := len(list)
	types, reasons, rows := make([]uint32, n), make([]uint32, n), make([]uint32, n)
	c.first, c.last = make([]uint32, n), make([]uint32, n)
	if rejected && n > 0 {
		c.samples = newIDs(n)
	}
	for i := range list {
		e := &list[i]
		c.noteCount(e.quarter)
		types[i], reasons[i], rows[i] = e.typ, e.reasons, e.n
		c.first[i], c.last[i] = uint32(e.first-e.quarter*quarterMillis), uint32(e.last-e.quarter*quarterMillis)
		if !rejected {
			continue
		}
		c.samples.addID(e.sampleEventID)
		if e.sampleID != documentID(application, "", e.sampleEventID) {
			c.noteOwnID(i, e.sampleID)
		}
	}
	c.types, c.rows = PackCodes(types), PackCodes(rows)
	if rejected {
		c.reasons = PackCodes(reasons)
	}
	c.addUp(application)
	return c
}

func (c *ReceivedCounts) noteOwnID(place int, id string) {
	if c.ownIDs == nil {
		c.ownIDs = make(map[int]string)
	}
	c.ownIDs[place] = id
}

// addUp fills totals and span.
func (c *ReceivedCounts) addUp(application string) {
	places := make(map[[2]uint32]int)
	for i := range c.CountQuarters() {
		for n := range c.CountsAt(i) {
			if n.place == 0 {
				c.span = [2]int64{n.First, n.Last}
			}
			c.span[0], c.span[1] = min(c.span[0], n.First), max(c.span[1], n.Last)
			at, known := places[[2]uint32{n.Type, n.Reasons}]
			if !known {
				places[[2]uint32{n.Type, n.Reasons}] = len(c.totals)
				c.totals = append(c.totals, ReceivedTotal{ReceivedCount: n})
				continue
			}
			t := &c.totals[at]
			t.N += n.N
			t.First, t.Last = min(t.First, n.First), max(t.Last, n.Last)
			if c.samples != nil && c.compareSamples(n.place, t.place, application) < 0 {
				t.place = n.place
			}
		}
	}
	for i := range c.totals {
		if t := &c.totals[i]; c.samples != nil {
			t.SampleID, t.SampleEventID = c.sampleAt(t.place, application)
		}
	}
	slices.SortFunc(c.totals, func(a, b ReceivedTotal) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Reasons, b.Reasons))
	})
	c.totals = slices.Clip(c.totals)
}

// totalBytes is the memory of a total, and of its ids.
const totalBytes = 88 + 2*uuidLength

func (c *ReceivedCounts) countBytes() int {
	size := c.quarterIndex.countBytes() + c.types.countBytes() + c.reasons.countBytes() + c.rows.countBytes() +
		4*len(c.first) + 4*len(c.last) + totalBytes*len(c.totals)
	if c.samples != nil {
		size += c.samples.size()
	}
	for _, id := range c.ownIDs {
		size += entryBytes + len(id)
	}
	return size
}

func (c *ReceivedCounts) appendTo(w *listWriter) {
	c.quarterIndex.appendTo(w)
	for at := range c.types.Len() {
		w.addNumber(uint64(c.types.CodeAt(at)))
		w.addNumber(uint64(c.rows.CodeAt(at)))
		w.addNumber(uint64(c.first[at]))
		w.addNumber(uint64(c.last[at] - c.first[at]))
		if c.samples != nil {
			w.addNumber(uint64(c.reasons.CodeAt(at)))
			w.addID(c.samples.At(at))
		}
	}
	if c.samples == nil {
		return
	}
	w.addCount(len(c.ownIDs))
	for at := range c.types.Len() {
		if id, ok := c.ownIDs[at]; ok {
			w.addNumber(uint64(at))
			w.addText(id)
		}
	}
}

// readReceived reads counts of so many types and, of rejected rows, lists of reasons.
func readReceived(r *listReader, types, lists int, rejected bool, application string) (c ReceivedCounts, err error) {
	var n int
	if c.quarterIndex, n, err = readQuarterIndex(r); err != nil {
		return c, err
	}
	codes, rows, reasons := make([]uint32, n), make([]uint32, n), make([]uint32, n)
	c.first, c.last = make([]uint32, n), make([]uint32, n)
	if rejected && n > 0 {
		c.samples = newIDs(n)
	}
	for i := range n {
		codes[i], rows[i] = r.readBelow(uint64(types)), r.readBelow(maxRows+1)
		c.first[i] = r.readBelow(quarterMillis)
		if c.last[i] = c.first[i] + r.readBelow(quarterMillis); c.last[i] >= quarterMillis {
			return c, errors.New("a time that is not within its quarter of an hour")
		}
		if rejected {
			reasons[i] = r.readBelow(uint64(lists))
			r.readID(c.samples)
		}
		if r.err != nil {
			return c, r.err
		}
	}
	c.types, c.rows = PackCodes(codes), PackCodes(rows)
	if rejected {
		c.reasons = PackCodes(reasons)
	}
	if c.samples != nil {
		for range r.readCount() {
			at := int(r.readBelow(uint64(n)))
			c.noteOwnID(at, r.readText())
		}
	}
	if r.err == nil {
		c.addUp(application)
	}
	return c, r.err
}
