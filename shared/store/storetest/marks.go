package storetest

import (
	"errors"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// raised returns the slots of a document's day whose generation do raises. It fails
// unless do raises that of the day exactly if it raises one of those.
func raised(t *testing.T, s store.Store, d *store.Document, do func()) []int64 {
	t.Helper()
	day := store.Slot{Number: d.EffectiveSlot()}.Day()
	read := func() (slots map[int64]uint64, ofDay uint64) {
		slots, err := s.SlotMarks(t.Context(), d.Application, day)
		must(t, err)
		days, err := s.DayMarks(t.Context(), []string{d.Application}, day, day+1)
		must(t, err)
		if len(days) == 1 {
			ofDay = days[0].Generation
		}
		return slots, ofDay
	}
	before, dayBefore := read()
	do()
	after, dayAfter := read()
	var list []int64
	for _, slot := range slices.Sorted(maps.Keys(after)) {
		if after[slot] < before[slot] {
			t.Errorf("the generation of slot %d fell from %d to %d", slot, before[slot], after[slot])
		}
		if after[slot] > before[slot] {
			list = append(list, slot)
		}
	}
	if len(list) > 0 != (dayAfter > dayBefore) {
		t.Errorf("slots %v are marked, and the day went from %d to %d", list, dayBefore, dayAfter)
	}
	return list
}

func expectRaised(t *testing.T, s store.Store, d *store.Document, want []int64, do func()) {
	t.Helper()
	if diff := cmp.Diff(want, raised(t, s, d, do)); diff != "" {
		t.Errorf("marked slots (-want +got):\n%s", diff)
	}
}

// receivedIn returns the document as received so many slots later.
func receivedIn(d *store.Document, slots int64) *store.Document {
	return With(d, func(d *store.Document) { d.ReceivedAt = d.ReceivedAt.Add(time.Duration(slots) * store.SlotLength) })
}

// testMarks: every delivery marks the slot of its document, whatever the result, and
// an expired one marks none.
func testMarks(t *testing.T, s store.Store) {
	d := atOrigin(Event(0), 5, 2)
	slot := d.EffectiveSlot()
	for _, c := range []struct {
		result store.WriteResult
		doc    *store.Document
		want   []int64
	}{
		{store.Inserted, d, []int64{slot}},
		{store.Unchanged, d, []int64{slot}},
		{store.Unchanged, receivedIn(atOrigin(d, 6, 2), 1), []int64{slot}},
		{store.Replaced, atOrigin(d, 5, 3), []int64{slot}},
		{store.Replaced, receivedIn(atOrigin(d, 4, 2), 2), []int64{slot}},
		{store.Conflict, receivedIn(other(d, "b"), 3), []int64{slot + 3}},
		{store.Conflict, receivedIn(atOrigin(other(d, "b"), 4, 2), 4), []int64{slot + 3}},
		{store.Expired, withExpiry(receivedIn(Event(1), 5), time.Now().Add(-time.Hour)), nil},
	} {
		expectRaised(t, s, d, c.want, func() { expectResults(t, write(t, s, c.doc), c.result) })
	}
	// One bulk of several slots, with one that is held already.
	expectRaised(t, s, d, []int64{slot, slot + 6, slot + 7}, func() {
		write(t, s, receivedIn(Event(2), 7), d, receivedIn(Event(3), 6), receivedIn(Rejected(40), 6))
	})
}

func span(first, last int64) store.Span { return store.Span{First: first, Last: last, Some: true} }

// testDaySpans: the timestamps of a day are those of its stored events, of every copy
// that was written, whatever the received times.
func testDaySpans(t *testing.T, s store.Store) {
	d := atOrigin(Event(0), 5, 2)
	day := store.DayOf(d.ReceivedAt)
	at := func(d *store.Document, after time.Duration) *store.Document {
		return With(d, func(d *store.Document) { d.Timestamp = Start().Add(after) })
	}
	us := Start().UnixMicro()
	for _, c := range []struct {
		doc         *store.Document
		first, last int64
	}{
		{at(d, time.Second), us + 1e6, us + 1e6},
		{at(Rejected(1), 900*time.Hour), us + 1e6, us + 1e6},
		{at(Event(2), -9000*time.Hour), us - 9000*3600e6, us + 1e6},
		{at(atOrigin(d, 4, 2), time.Minute), us - 9000*3600e6, us + 60e6},       // replaces
		{at(atOrigin(d, 7, 2), 2*time.Minute), us - 9000*3600e6, us + 120e6},    // is no better
		{at(Event(3), 50*time.Hour), us - 9000*3600e6, us + 50*3600e6},          // of a later day
		{at(other(d, "b"), 90*time.Hour), us - 9000*3600e6, us + 50*3600e6},     // a conflict is rejected
		{at(Event(4), 10*time.Hour), us - 9000*3600e6, us + 50*3600e6},          // within
		{at(atOrigin(d, 4, 3), 51*time.Hour), us - 9000*3600e6, us + 51*3600e6}, // another revision
	} {
		write(t, s, c.doc)
		marks, err := s.DayMarks(t.Context(), []string{"demo"}, day, day+1)
		must(t, err)
		want := span(c.first, c.last)
		if len(marks) != 1 || !marks[0].Bounded || marks[0].Timestamps != want {
			t.Errorf("after %s at %s: %+v, want %+v", c.doc.EventID, c.doc.Timestamp, marks, want)
		}
	}
}

func testDayMarks(t *testing.T, s store.Store) {
	const day = int64(20_000)
	first, end := store.SlotsOf(day)
	must(t, s.Mark(t.Context(), nil))
	for range 2 {
		must(t, s.Mark(t.Context(), []store.SlotMark{
			{Slot: store.Slot{Application: "b", Number: first}, Timestamps: span(3, 4)},
			{Slot: store.Slot{Application: "a", Number: end}},
			{Slot: store.Slot{Application: "a", Number: end - 1}, Timestamps: span(-9, 9)},
			{Slot: store.Slot{Application: "a-b", Number: 0}, Timestamps: span(5, 5)},
			{Slot: store.Slot{Application: "a", Number: end - 2}, Timestamps: span(10, 11)},
		}))
	}
	must(t, s.Mark(t.Context(), []store.SlotMark{{Slot: store.Slot{Application: "b", Number: first + 1}, Timestamps: span(-1, 1)}}))
	must(t, s.Mark(t.Context(), []store.SlotMark{{Slot: store.Slot{Application: "b", Number: first + 1}}})) // no timestamps change none
	a0 := store.DayMark{Application: "a", Day: day, Generation: 2, Timestamps: span(-9, 11), Bounded: true}
	a1 := store.DayMark{Application: "a", Day: day + 1, Generation: 2, Bounded: true}
	b := store.DayMark{Application: "b", Day: day, Generation: 4, Timestamps: span(-1, 4), Bounded: true}
	zero := store.DayMark{Application: "a-b", Generation: 2, Timestamps: span(5, 5), Bounded: true}
	for _, c := range []struct {
		applications []string
		from, to     int64
		want         []store.DayMark
	}{
		{nil, 0, math.MaxInt64, []store.DayMark{a0, a1, zero, b}},
		{nil, math.MinInt64, day + 1, []store.DayMark{a0, zero, b}},
		{nil, day + 1, day + 2, []store.DayMark{a1}},
		{[]string{"b", "a", "b", "c"}, day, day + 1, []store.DayMark{a0, b}},
		{[]string{"a"}, 0, math.MaxInt64, []store.DayMark{a0, a1}},
		{[]string{}, 0, math.MaxInt64, nil},
		{[]string{"a"}, day + 2, day + 1, nil},
	} {
		got, err := s.DayMarks(t.Context(), c.applications, c.from, c.to)
		must(t, err)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("days %d to %d of %v (-want +got):\n%s", c.from, c.to, c.applications, diff)
		}
	}
	slots, err := s.SlotMarks(t.Context(), "b", day)
	must(t, err)
	if diff := cmp.Diff(map[int64]uint64{first: 2, first + 1: 2}, slots); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	id, err := s.StoreID(t.Context())
	must(t, err)
	must(t, s.Prepare(t.Context()))
	again, err := s.StoreID(t.Context())
	must(t, err)
	if id == "" || id != again {
		t.Errorf("the identity is %q, then %q", id, again)
	}
}

// testKeptSlot: a document is in the slot of the copy that was inserted first, as long
// as it exists.
func testKeptSlot(t *testing.T, s store.Store) {
	first := atOrigin(Event(0), 9, 1)
	slot := first.EffectiveSlot()
	write(t, s, first)
	earlier := receivedIn(atOrigin(first, 8, 1), -2)
	write(t, s, earlier)
	expectKept(t, s, earlier.InSlot(slot))
	write(t, s, receivedIn(atOrigin(first, 7, 1), 3))
	expectKept(t, s, receivedIn(atOrigin(first, 7, 1), 3).InSlot(slot))
	write(t, s, atOrigin(first, 6, 1)) // received in the slot again
	expectKept(t, s, atOrigin(first, 6, 1))
	held, err := s.Held(t.Context(), []string{first.ID})
	must(t, err)
	if h := held[first.ID].Holder; h != store.HolderOf(atOrigin(first, 6, 1)) {
		t.Errorf("the holder is %+v", h)
	}

	// A replacement that was meant for a document in another slot has no effect.
	stale := receivedIn(atOrigin(first, 5, 1), 1)
	errs, err := s.Replace(t.Context(), []*store.Document{stale, stale.InSlot(slot - 1)})
	must(t, err)
	for _, err := range errs {
		if !errors.Is(err, store.ErrNoMatch) {
			t.Errorf("a replacement in another slot: %v", err)
		}
	}
	expectKept(t, s, atOrigin(first, 6, 1))
}

// scanned returns the documents of slots, sorted by ID.
func scanned(t *testing.T, s store.Store, application string, from, to int64) []*store.Document {
	t.Helper()
	var docs []*store.Document
	for d, err := range s.Scan(t.Context(), application, from, to) {
		must(t, err)
		docs = append(docs, d)
	}
	sortByID(docs)
	return docs
}

func testScan(t *testing.T, s store.Store) {
	start := store.SlotOf(Start())
	border := With(Event(0), func(d *store.Document) { d.ReceivedAt = store.SlotStart(start + 2) })
	before := With(Event(1), func(d *store.Document) { d.ReceivedAt = store.SlotStart(start + 2).Add(-time.Millisecond) })
	rejected := With(Rejected(2), func(d *store.Document) { d.ReceivedAt = store.SlotStart(start + 2).Add(time.Second) })
	foreign := With(border, func(d *store.Document) { d.Application = "other" })
	expired := withExpiry(With(Event(3), func(d *store.Document) { d.ReceivedAt = border.ReceivedAt }), time.Now().Add(-time.Hour).UTC())
	in := receivedIn(Event(4), 9).InSlot(start + 2)
	out := With(Event(5), func(d *store.Document) { d.ReceivedAt = border.ReceivedAt }).InSlot(start + 9)
	ancient := With(Event(6), func(d *store.Document) { d.ReceivedAt = time.UnixMilli(-1).UTC() })
	_, err := s.Insert(t.Context(), []*store.Document{border, before, rejected, foreign, expired, in, out, ancient})
	must(t, err)
	for _, c := range []struct {
		application string
		from, to    int64
		want        []*store.Document
	}{
		{"demo", start + 2, start + 3, []*store.Document{border, rejected, in}},
		{"demo", start + 1, start + 2, []*store.Document{before}},
		{"demo", start + 9, start + 10, []*store.Document{out}},
		{"demo", 0, 1, []*store.Document{ancient}},
		{"demo", 0, math.MaxInt64, []*store.Document{border, before, rejected, in, out, ancient}},
		{"demo", 1, math.MaxInt64, []*store.Document{border, before, rejected, in, out}},
		{"other", math.MinInt64, start + 3, []*store.Document{foreign}},
		{"demo", start + 3, start + 2, nil},
		{"unknown", 0, math.MaxInt64, nil},
	} {
		want := make([]*store.Document, 0, len(c.want))
		for _, d := range c.want {
			want = append(want, Kept(d))
		}
		sortByID(want)
		if diff := cmp.Diff(want, append([]*store.Document{}, scanned(t, s, c.application, c.from, c.to)...)); diff != "" {
			t.Errorf("slots %d to %d of %s (-want +got):\n%s", c.from-start, c.to-start, c.application, diff)
		}
	}
	for _, err := range s.Scan(t.Context(), "demo", 0, math.MaxInt64) {
		must(t, err)
		break // it ends without a complaint
	}
	for _, err := range s.Scan(endedContext(t), "demo", 0, math.MaxInt64) {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("scan with an ended context: %v", err)
		}
	}
}

func testAt(t *testing.T, s store.Store) {
	at := func(n int, us int64) *store.Document {
		return With(Event(n), func(d *store.Document) { d.Timestamp = Start().Add(time.Duration(us) * time.Microsecond) })
	}
	docs := []*store.Document{at(0, 0), at(1, 1), at(2, 1), at(3, 7)}
	foreign := With(at(1, 1), func(d *store.Document) { d.Application = "other" })
	rejected := With(Rejected(5), func(d *store.Document) { d.Timestamp = docs[1].Timestamp })
	write(t, s, append([]*store.Document{foreign, rejected, at(6, 2)}, docs...)...)
	times := []time.Time{docs[3].Timestamp, docs[1].Timestamp, docs[0].Timestamp, docs[1].Timestamp}
	for i := range 300 {
		times = append(times, Start().Add(time.Hour+time.Duration(i)*time.Second))
	}
	var got []*store.Document
	for d, err := range s.At(t.Context(), "demo", times) {
		must(t, err)
		got = append(got, d)
	}
	expectIDs(t, got, nil, docs...)
	for _, err := range s.At(t.Context(), "demo", times) {
		must(t, err)
		break
	}
	for _, err := range s.At(t.Context(), "demo", make([]time.Time, query.MaxIDs+1)) {
		if !errors.Is(err, query.ErrInvalid) {
			t.Errorf("too many timestamps: %v", err)
		}
	}
}

// testRetentionMarks: a changed retention marks the slots of the documents that it
// changes, also where it is applied again.
func testRetentionMarks(t *testing.T, s store.Store) {
	changed, kept := laterThanNow(Event(0)), laterThanNow(receivedIn(Rejected(1), 1))
	write(t, s, changed, kept)
	p := store.RetentionPortion{Retention: keepFor(retentionRevision, time.Hour, 0), Limit: 10}
	expectRaised(t, s, changed, []int64{changed.EffectiveSlot()}, func() { ApplyAll(t, s, p) })
}
