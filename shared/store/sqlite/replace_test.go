package sqlite_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

// replacements are documents that a replacement meets, made from the holder.
var replacements = map[string]func(d *store.Document){
	"a higher revision":      func(d *store.Document) { d.Revision++ },
	"other data":             func(d *store.Document) { d.Revision, d.Data = d.Revision+1, []byte(`{"other":1}`) },
	"other versions":         func(d *store.Document) { d.Revision++; d.SchemaVersion++; d.SentSchemaVersion++; d.ClockOffsetMS++ },
	"an earlier copy":        func(d *store.Document) { d.Origin.Seq-- },
	"an earlier copy, older": func(d *store.Document) { d.Origin.Epoch--; d.Revision-- },
	"a later copy":           func(d *store.Document) { d.Origin.Seq++; d.Revision++ },
	"the same revision":      func(d *store.Document) { d.Data = []byte(`{"other":1}`) },
	"a lower revision":       func(d *store.Document) { d.Revision--; d.Data = nil },
	"other content":          func(d *store.Document) { d.ContentHash += "x"; d.Revision++ },
	"another status":         func(d *store.Document) { d.Revision++; d.Status = otherStatus(d.Status) },
	"other reasons":          func(d *store.Document) { d.Revision++; reject(d, "/other") },
	"another expiry": func(d *store.Document) {
		d.Revision++
		d.ExpiresAt = time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	},
	"another session":             func(d *store.Document) { d.Revision++; d.SessionID = storetest.Session(99) },
	"another type":                func(d *store.Document) { d.Revision++; d.Category += "x"; d.Name += "y" },
	"another name":                func(d *store.Document) { d.Revision++; d.Name += "y" },
	"another time":                func(d *store.Document) { d.Revision++; d.Timestamp = d.Timestamp.Add(time.Microsecond) },
	"another event id":            func(d *store.Document) { d.Revision++; d.EventID += "x" },
	"another received time":       func(d *store.Document) { d.Revision++; d.ReceivedAt = d.ReceivedAt.Add(time.Millisecond) },
	"a slot of its own":           func(d *store.Document) { d.Revision++; *d = *d.InSlot(d.EffectiveSlot() + 3) },
	"other reasons and originals": func(d *store.Document) { d.Revision++; reject(d, "/other"); d.Original = []byte(`{}`) },
}

func otherStatus(s store.Status) store.Status {
	if s == store.Stored {
		return store.Rejected
	}
	return store.Stored
}

func reject(d *store.Document, path string) {
	d.Status, d.Errors = store.Rejected, []event.Fault{{Code: event.CodeSchemaViolation, Path: path}}
}

// checkReplacements replaces holders by all kinds of documents, and returns the first
// fault: a document is the whole one that was sent, and its slot is marked, where
// store.MayReplace is true, and the holder else.
func checkReplacements(t *testing.T, s *sqlite.Store) error {
	t.Helper()
	n := 0
	for name, change := range replacements {
		for _, rejected := range []bool{false, true} {
			held := storetest.Event(n)
			held.ReceivedAt = held.ReceivedAt.Add(time.Duration(n) * time.Minute) // a slot of its own
			if rejected {
				reject(held, "/data")
			}
			n++
			held.Revision, held.Origin = 7, store.Origin{Epoch: 5, Seq: 100}
			sent := storetest.With(held, change)
			sent.ID = held.ID
			if sent.Status == store.Stored {
				sent.Errors, sent.Original = nil, nil
			}
			if errs, err := s.Insert(t.Context(), []*store.Document{held}); err != nil || errs[0] != nil {
				t.Fatal(errs, err)
			}
			before := generationOf(t, s, held)
			if _, err := s.Replace(t.Context(), []*store.Document{sent}); err != nil {
				t.Fatal(err)
			}
			want, replaced := held, store.MayReplace(sent, store.HolderOf(held))
			if replaced {
				want = sent
			}
			docs, err := s.Lookup(t.Context(), []string{held.ID})
			if err != nil || len(docs) != 1 {
				t.Fatalf("%d documents: %v", len(docs), err)
			}
			if diff := cmp.Diff(storetest.Kept(want), docs[0]); diff != "" {
				return fmt.Errorf("%s, rejected %v (-want +got):\n%s", name, rejected, diff)
			}
			if marked := generationOf(t, s, held) > before; marked != replaced {
				return fmt.Errorf("%s, rejected %v: the slot is marked: %v", name, rejected, marked)
			}
		}
	}
	return nil
}

func generationOf(t *testing.T, s *sqlite.Store, d *store.Document) uint64 {
	t.Helper()
	slot := store.MarkOf(d).Slot
	marks, err := s.SlotMarks(t.Context(), slot.Application, slot.Day())
	if err != nil {
		t.Fatal(err)
	}
	return marks[slot.Number]
}

func TestReplaceLeavesNothingOfTheHolder(t *testing.T) {
	t.Parallel()
	if err := checkReplacements(t, openPrepared(t, sqlite.Config{})); err != nil {
		t.Error(err)
	}
}

func TestMistakesOfReplacementsInPlaceAreFound(t *testing.T) {
	t.Parallel()
	for name, mistake := range map[string][]string{
		"no guard":                {"AND (epoch > ?13 OR epoch = ?13 AND (seq > ?14 OR seq = ?14 AND revision < ?15))", ""},
		"no content in the guard": {"AND content_hash = ?12", ""},
		"any other revision":      {"revision < ?15", "revision <> ?15"},
		"an equal revision":       {"revision < ?15", "revision <= ?15"},
		"a later copy":            {"seq > ?14", "seq <> ?14"},
		// The reasons of an event say its status, too.
		"the status is not read":    {"(status, ", "(?2, ", "errors, slot)", "?17, slot)"},
		"the session is not read":   {"session_id, category", "?5, category"},
		"the name is not read":      {"name, timestamp_us", "?7, timestamp_us"},
		"the time is not read":      {"timestamp_us, received_at", "?9, received_at"},
		"the expiry is not read":    {"expires_at, errors", "?11, errors"},
		"the reasons are not read":  {"errors, slot)", "?17, slot)"},
		"the event id is not read":  {"event_id, session_id", "?4, session_id"},
		"the data is not written":   {"(?8, ", "(data, "},
		"the origin is not written": {"?13, ?14, ?15, ?16", "epoch, seq, ?15, ?16"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openPrepared(t, sqlite.Config{})
			for change := range slices.Chunk(mistake, 2) {
				if !s.ChangeInPlace(change[0], change[1]) {
					t.Fatalf("the statement has no %q", change[0])
				}
			}
			err := checkReplacements(t, s)
			if err == nil {
				t.Fatal("no replacement shows the planted mistake")
			}
			t.Log(err)
		})
	}
}
