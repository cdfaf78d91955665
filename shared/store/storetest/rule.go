package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

func testInsert(t *testing.T, s store.Store) {
	first := Events(0, 10)
	errs, err := s.Insert(t.Context(), first)
	must(t, err)
	for i, err := range errs {
		if err != nil {
			t.Errorf("document %d: %v", i, err)
		}
	}
	mixed := Events(5, 10)
	errs, err = s.Insert(t.Context(), mixed)
	must(t, err)
	for i, err := range errs {
		if taken := i < 5; taken != errors.Is(err, store.ErrDuplicate) {
			t.Errorf("document %d of the second bulk: taken is %v, error %v", i, taken, err)
		}
	}
	expectKept(t, s, Events(0, 15)...)

	bad := With(Event(20), func(d *store.Document) { d.Name = "\xff" })
	errs, err = s.Insert(t.Context(), []*store.Document{Event(19), bad, Event(21)})
	must(t, err)
	if errs[0] != nil || !errors.Is(errs[1], store.ErrUnencodable) || errs[2] != nil {
		t.Errorf("results with text that is not UTF-8 between good ones: %v", errs)
	}
	expectKept(t, s, Event(19), Event(21))
}

// testGuard compares the adapter's condition with MayReplace over every pair of
// neighbouring origins, revisions and slots.
func testGuard(t *testing.T, s store.Store) {
	var versions []*store.Document
	for _, hash := range []string{"a", "b"} {
		for _, epoch := range []int64{Epoch - 1, Epoch, Epoch + 1} {
			for _, seq := range []uint64{1, 1 << 60} {
				for _, revision := range []uint64{4, 5} {
					versions = append(versions, With(Event(0), func(d *store.Document) {
						d.ContentHash, d.Revision = hash, revision
						d.Origin = store.Origin{Epoch: epoch, Seq: seq}
					}))
				}
			}
		}
	}
	for ms := range int64(4) { // around the border of two slots, with and without their own
		d := With(versions[0], func(d *store.Document) { d.ReceivedAt = Start().Add(time.Duration(ms-2) * time.Millisecond) })
		slot := store.SlotOf(Start()) - 1
		better := With(d, func(d *store.Document) { d.Revision++ })
		versions = append(versions, better.InSlot(slot), better.InSlot(slot+1))
	}
	var holders, mine []*store.Document
	for i, h := range versions {
		for j, m := range versions {
			id := func(d *store.Document) { d.EventID = string(rune('A'+i)) + string(rune('A'+j)) }
			holders = append(holders, With(h, id))
			mine = append(mine, With(m, id))
		}
	}
	_, err := s.Insert(t.Context(), holders)
	must(t, err)
	_, err = s.Replace(t.Context(), mine)
	must(t, err)
	want := make([]*store.Document, len(mine))
	for i, h := range holders {
		want[i] = h
		if store.MayReplace(mine[i], store.HolderOf(h)) {
			want[i] = mine[i]
		}
	}
	expectKept(t, s, want...)

	absent := Event(1)
	errs, err := s.Replace(t.Context(), []*store.Document{absent})
	must(t, err)
	if !errors.Is(errs[0], store.ErrNoMatch) {
		t.Errorf("replacing what is absent: %v", errs[0])
	}
	expectAbsent(t, s, absent.ID)
}

func testHolders(t *testing.T, s store.Store) {
	docs := Events(0, 250)
	write(t, s, docs...)
	ids := append(idsOf(docs), "demo/unknown")
	holders, err := s.Holders(t.Context(), ids)
	must(t, err)
	if len(holders) != len(docs) {
		t.Fatalf("%d holders of %d ids", len(holders), len(docs))
	}
	for _, d := range docs {
		if want := store.HolderOf(d); holders[d.ID] != want {
			t.Fatalf("holder of %s is %+v, want %+v", d.ID, holders[d.ID], want)
		}
	}
	holders, err = s.Holders(t.Context(), nil)
	must(t, err)
	if len(holders) != 0 {
		t.Fatalf("holders of nothing: %v", holders)
	}
}

// atOrigin returns the document at another position of the stream and another
// revision.
func atOrigin(d *store.Document, seq, revision uint64) *store.Document {
	return With(d, func(d *store.Document) { d.Origin.Seq, d.Revision = seq, revision })
}

// other returns the document with other content under the same id.
func other(d *store.Document, hash string) *store.Document {
	return With(d, func(d *store.Document) { d.ContentHash, d.Data = hash, []byte(`{"other":"`+hash+`"}`) })
}

// conflict returns how a document is kept whose id another content holds.
func conflict(t *testing.T, s store.Store, d *store.Document) *store.Document {
	t.Helper()
	c := With(d, func(d *store.Document) {
		d.ID = store.ConflictID(d.Application, d.ContentHash, d.EventID)
		d.Status = store.Rejected
	})
	got, err := s.Lookup(t.Context(), []string{c.ID})
	must(t, err)
	if len(got) != 1 || len(got[0].Errors) != 1+len(d.Errors) {
		t.Fatalf("conflict %q: %d documents", c.ID, len(got))
	}
	f := got[0].Errors[0]
	if f.Code != event.CodeIDConflict || f.Path != "/event_id" || f.Message == "" {
		t.Fatalf("reason of a conflict: %+v", f)
	}
	c.Errors = append(got[0].Errors[:1:1], d.Errors...)
	return c
}

func testRule(t *testing.T, s store.Store) {
	base := Event(0)
	expectResults(t, write(t, s, atOrigin(base, 5, 2)), store.Inserted)
	expectResults(t, write(t, s, atOrigin(base, 5, 2)), store.Unchanged)
	expectResults(t, write(t, s, atOrigin(base, 6, 9)), store.Unchanged) // a later copy, whatever its revision
	expectResults(t, write(t, s, atOrigin(base, 5, 1)), store.Unchanged)
	expectResults(t, write(t, s, atOrigin(base, 5, 3)), store.Replaced)
	expectResults(t, write(t, s, atOrigin(base, 4, 1)), store.Replaced) // the earlier position wins over revisions
	expectKept(t, s, atOrigin(base, 4, 1))

	second := other(base, "b")
	expectResults(t, write(t, s, atOrigin(second, 1, 1)), store.Conflict) // came second, though from an earlier position
	expectResults(t, write(t, s, atOrigin(second, 1, 1)), store.Conflict)
	expectResults(t, write(t, s, atOrigin(second, 1, 4)), store.Conflict)
	expectKept(t, s, atOrigin(base, 4, 1), conflict(t, s, atOrigin(second, 1, 4)))
	expectResults(t, write(t, s, atOrigin(second, 2, 9)), store.Conflict)
	expectKept(t, s, atOrigin(base, 4, 1), conflict(t, s, atOrigin(second, 1, 4)))

	// A conflict has every other reason of its event beside it, by the revision.
	faulty := With(atOrigin(second, 1, 6), func(d *store.Document) { d.Errors = Rejected(0).Errors })
	expectResults(t, write(t, s, With(faulty, func(d *store.Document) { d.Status = store.Rejected })), store.Conflict)
	expectKept(t, s, atOrigin(base, 4, 1), conflict(t, s, faulty))
	expectResults(t, write(t, s, atOrigin(second, 1, 7)), store.Conflict)
	expectKept(t, s, atOrigin(base, 4, 1), conflict(t, s, atOrigin(second, 1, 7)))

	rejected := With(atOrigin(base, 4, 8), func(d *store.Document) {
		d.Status, d.Errors = store.Rejected, Rejected(0).Errors
	})
	expectResults(t, write(t, s, rejected), store.Replaced)
	expectKept(t, s, rejected)
	expectResults(t, write(t, s, atOrigin(base, 4, 9)), store.Replaced) // valid again
	expectKept(t, s, atOrigin(base, 4, 9))
}

func testRuleInOneBulk(t *testing.T, s store.Store) {
	a, b, c := Event(0), other(Event(0), "b"), other(Event(0), "c")
	expectResults(t,
		write(t, s, atOrigin(b, 9, 1), atOrigin(a, 3, 1), Event(1), atOrigin(a, 3, 2), atOrigin(a, 2, 1), atOrigin(c, 5, 1), atOrigin(b, 8, 1)),
		store.Unchanged, store.Unchanged, store.Inserted, store.Unchanged, store.Inserted, store.Conflict, store.Conflict)
	expectKept(t, s,
		atOrigin(a, 2, 1), Event(1), conflict(t, s, atOrigin(b, 8, 1)), conflict(t, s, atOrigin(c, 5, 1)))

	// The holder decides, not the order in the bulk.
	expectResults(t, write(t, s, atOrigin(b, 1, 1), atOrigin(a, 1, 3)), store.Conflict, store.Replaced)
	expectKept(t, s, atOrigin(a, 1, 3), conflict(t, s, atOrigin(b, 1, 1)))
}
