package storetest

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/store"
)

// UpgradeDocuments returns documents as a store without marks may have them: of two
// applications and both outcomes, received in several slots, on several days, and
// before 1970.
func UpgradeDocuments() []*store.Document {
	var docs []*store.Document
	for i, after := range []time.Duration{0, time.Second, time.Minute, time.Hour, 24 * time.Hour, 24*time.Hour + time.Millisecond, 400 * 24 * time.Hour} {
		d := Event(i)
		if i%3 == 2 {
			d = Rejected(i)
		}
		docs = append(docs, With(d, func(d *store.Document) {
			d.ReceivedAt = Start().Add(after)
			if i%2 == 1 {
				d.Application = "other"
			}
		}))
	}
	return append(docs, With(Event(20), func(d *store.Document) { d.ReceivedAt = time.UnixMilli(-1).UTC() }))
}

// ExpectMarked fails unless exactly the slots and days of the documents have marks, the days with their timestamps,
// and scans of them return the documents.
func ExpectMarked(t *testing.T, s store.Store, docs []*store.Document) {
	t.Helper()
	want, got := map[store.Slot]bool{}, map[store.Slot]bool{}
	spans := map[store.Slot]store.Span{}
	for _, d := range docs {
		m := store.MarkOf(d)
		want[m.Slot] = true
		day := store.Slot{Application: d.Application, Number: m.Day()}
		spans[day] = spans[day].Join(m.Timestamps)
	}
	days, err := s.DayMarks(t.Context(), nil, 0, math.MaxInt64)
	must(t, err)
	found := 0
	for _, day := range days {
		slots, err := s.SlotMarks(t.Context(), day.Application, day.Day)
		must(t, err)
		if day.Generation == 0 || len(slots) == 0 {
			t.Errorf("the mark %+v has %d slots", day, len(slots))
		}
		if want := spans[store.Slot{Application: day.Application, Number: day.Day}]; !day.Bounded || day.Timestamps != want {
			t.Errorf("the timestamps of %+v are not %+v", day, want)
		}
		for slot, generation := range slots {
			got[store.Slot{Application: day.Application, Number: slot}] = generation > 0
			found += len(scanned(t, s, day.Application, slot, slot+1))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("slots with marks (-want +got):\n%s", diff)
	}
	if found != len(docs) {
		t.Errorf("scans have %d documents, want %d", found, len(docs))
	}
}
