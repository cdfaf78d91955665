package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// changes are all ways in which the outcome of an event may differ between two
// revisions.
func changes() []func(d *store.Document) {
	return []func(d *store.Document){
		func(d *store.Document) { d.Data = []byte(`{"another":1}`) },
		func(d *store.Document) { d.Data = nil },
		func(d *store.Document) { d.Timestamp = d.Timestamp.Add(time.Microsecond) },
		func(d *store.Document) { d.ClockOffsetMS++ },
		func(d *store.Document) { d.SchemaVersion++ },
		func(d *store.Document) { d.SentSchemaVersion++ },
		func(d *store.Document) { d.SessionID = "" },
		func(d *store.Document) { d.Name += "x" },
		func(d *store.Document) { d.Category += "x" },
		func(d *store.Document) { d.ExpiresAt = time.Now().Add(24 * time.Hour).UTC().Truncate(time.Millisecond) },
		func(d *store.Document) {
			d.Status, d.Errors, d.Original = store.Rejected, []event.Fault{{Code: event.CodeSchemaViolation, Path: "/data"}}, []byte(`{}`)
		},
		func(d *store.Document) {
			d.Status, d.Errors = store.Rejected, []event.Fault{{Code: event.CodeSchemaViolation, Path: "/data"}}
		},
	}
}

// testRaise: a bulk in which most documents stay as they are, as in a replay, changes
// those that do not, and leaves a newer outcome alone.
func testRaise(t *testing.T, s store.Store) {
	held := Events(0, 100)
	for i := 4; i < len(held); i += 5 {
		held[i] = With(held[i], func(d *store.Document) { d.Revision += 5 })
	}
	_, err := s.Insert(t.Context(), held)
	must(t, err)
	mine := make([]*store.Document, len(held))
	want := make([]*store.Document, len(held))
	for i, h := range held {
		mine[i] = With(Event(i), func(d *store.Document) {
			d.Revision++
			if i >= 50 { // several schemas have another version
				d.SchemaVersion += int64(1 + i/10)
			}
			if i%5 == 3 {
				changes()[i/5%len(changes())](d)
			}
		})
		if want[i] = mine[i]; i%5 == 4 {
			want[i] = h
		}
	}
	for attempt := range 2 { // the second one finds everything raised
		errs, err := s.Replace(t.Context(), mine)
		must(t, err)
		for i, err := range errs {
			// A database may report that any of a bulk has no match.
			if err != nil && !errors.Is(err, store.ErrNoMatch) || err == nil && (i%5 == 4 || attempt == 1) {
				t.Errorf("document %d, attempt %d: %v", i, attempt, err)
			}
		}
		expectKept(t, s, want...)
	}
	expectResults(t, write(t, s, With(mine[0], func(d *store.Document) { d.Revision++ }), mine[4]), store.Replaced, store.Unchanged)
}
