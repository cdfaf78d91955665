package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// poisoned is data that the tests' database refuses.
const poisoned = `{"poison":1}`

// poison makes the documents unstorable in their first form.
func poison(list []*store.Document, at ...int) []*store.Document {
	for _, i := range at {
		list[i].Data = []byte(poisoned)
	}
	return list
}

// refusing returns a database that refuses poisoned documents with the error.
func refusing(err error) *memory {
	m := newMemory()
	m.refuse = func(d *store.Document) error {
		if string(d.Data) == poisoned {
			return fmt.Errorf("refused: %w", err)
		}
		return nil
	}
	return m
}

// wholeBulks is a Backend that refuses a bulk whole because of one document.
type wholeBulks struct {
	*memory
	bulks int
}

func (w *wholeBulks) checkBulk(list []*store.Document) error {
	w.bulks++
	if slices.ContainsFunc(list, func(d *store.Document) bool { return string(d.Data) == poisoned }) {
		return fmt.Errorf("bulk refused: %w", store.ErrUnstorable)
	}
	return nil
}

func (w *wholeBulks) Insert(ctx context.Context, list []*store.Document) ([]error, error) {
	if err := w.checkBulk(list); err != nil {
		return nil, err
	}
	return w.memory.Insert(ctx, list)
}

func (w *wholeBulks) Replace(ctx context.Context, list []*store.Document) ([]error, error) {
	if err := w.checkBulk(list); err != nil {
		return nil, err
	}
	return w.memory.Replace(ctx, list)
}

// TestRefusedBulksAreHalved until each poisoned document is alone.
func TestRefusedBulksAreHalved(t *testing.T) {
	at := []int{0, 333, 334, 999}
	list := poison(docs(1000), at...)
	b := &wholeBulks{memory: newMemory()}
	w := store.NewWriter(store.WriterConfig{Backend: b})
	for _, revision := range []uint64{1, 2} { // inserted, then replaced
		for _, d := range list {
			d.Revision = revision
		}
		b.bulks = 0
		got, err := w.Write(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range got {
			if (o == store.Unstorable) != slices.Contains(at, i) {
				t.Errorf("document %d: %v", i, o)
			}
		}
		for _, i := range at {
			expectStripped(t, b.memory, list[i])
		}
		if most := 2 * 2 * 10 * len(at); b.bulks > most {
			t.Errorf("%d bulks for %d poisoned documents of 1,000", b.bulks, len(at))
		}
	}
}

func expectStripped(t *testing.T, m *memory, d *store.Document) {
	t.Helper()
	got := m.docs[d.ID]
	if got == nil {
		t.Fatalf("%s is lost", d.ID)
	}
	if got.Status != store.Rejected || got.Data != nil || string(got.Original) != string(d.Original) ||
		len(got.Errors) == 0 || got.Errors[0].Code != event.CodeUnstorable {
		t.Errorf("unstorable document is kept as %+v", got)
	}
}

func TestUnstorableDocumentLeavesOthersStored(t *testing.T) {
	for name, class := range map[string]error{"refused": store.ErrUnstorable, "no encoding": store.ErrUnencodable} {
		t.Run(name, func(t *testing.T) {
			list := poison(docs(10), 2, 3, 9)
			list[3].Status, list[3].Errors = store.Rejected, []event.Fault{{Code: event.CodeUnknownType, Path: "/name"}}
			m := refusing(class)
			got, err := store.NewWriter(store.WriterConfig{Backend: m}).Write(t.Context(), list)
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range got {
				if bad := i == 2 || i == 3 || i == 9; bad != (o == store.Unstorable) {
					t.Errorf("document %d: %v", i, o)
				}
				if o == store.Unstorable {
					expectStripped(t, m, list[i])
				}
			}
			if kept := m.docs[list[3].ID].Errors; len(kept) != 2 || kept[1].Code != event.CodeUnknownType {
				t.Errorf("its earlier reasons are lost: %+v", kept)
			}
			if len(m.docs) != len(list) {
				t.Errorf("%d documents", len(m.docs))
			}
		})
	}
}

// TestLoneUnstorableDocumentIsStripped: its stripped form is the witness.
func TestLoneUnstorableDocumentIsStripped(t *testing.T) {
	list := poison(docs(1), 0)
	m := refusing(store.ErrUnstorable)
	w := store.NewWriter(store.WriterConfig{Backend: m})
	for _, revision := range []uint64{1, 2} { // inserted, then replaced
		list[0].Revision = revision
		got, err := w.Write(t.Context(), list)
		if err != nil || got[0] != store.Unstorable {
			t.Fatalf("%v, %v", got, err)
		}
		expectStripped(t, m, list[0])
		if m.docs[list[0].ID].Revision != revision {
			t.Errorf("revision %d is kept", m.docs[list[0].ID].Revision)
		}
	}
}

// TestRefusalOfEverythingIsNotBelieved: a broken database must not reject
// events.
func TestRefusalOfEverythingIsNotBelieved(t *testing.T) {
	for name, m := range map[string]*memory{
		"with data":    refusing(store.ErrUnstorable),
		"even without": {docs: map[string]*store.Document{}, refuse: func(*store.Document) error { return store.ErrUnstorable }},
	} {
		for _, n := range []int{1, 2, 50} {
			if name == "with data" && n == 1 {
				continue // TestLoneUnstorableDocumentIsStripped
			}
			t.Run(fmt.Sprintf("%s %d", name, n), func(t *testing.T) {
				list := docs(n)
				for i := range list {
					poison(list, i)
				}
				alarms := 0
				w := store.NewWriter(store.WriterConfig{Backend: m, Alarm: func(error) { alarms++ }})
				_, err := w.Write(t.Context(), list)
				if !errors.Is(err, store.ErrUnavailable) || alarms != 1 || len(m.docs) != 0 {
					t.Errorf("error %v, %d alarms, %d documents", err, alarms, len(m.docs))
				}
			})
		}
	}
}

// TestNoEncodingNeedsNoWitness: a refusal by the adapter itself is believed for
// any number of documents.
func TestNoEncodingNeedsNoWitness(t *testing.T) {
	list := poison(docs(3), 0, 1, 2)
	m := refusing(store.ErrUnencodable)
	if _, err := store.NewWriter(store.WriterConfig{Backend: m}).Write(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		expectStripped(t, m, d)
	}
}

// TestStrippedConflictStaysAConflict: so its reason does not depend on which of
// the two is found first.
// codesOf returns the codes of the reasons of a document.
func codesOf(d *store.Document) (codes []string) {
	for _, f := range d.Errors {
		codes = append(codes, f.Code)
	}
	return codes
}

func TestStrippedConflictStaysAConflict(t *testing.T) {
	m := newMemory(doc("a", 1))
	m.refuse = func(d *store.Document) error {
		if d.Data != nil && strings.Contains(d.ID, "#") {
			return store.ErrUnstorable
		}
		return nil
	}
	second := doc("a", 2)
	second.ContentHash = "b"
	// Beside it a document that is stripped in the same round: both go into the
	// next one, whose bulk must be sorted, too.
	list := []*store.Document{second, poison(docs(1), 0)[0]}
	bad := m.refuse
	m.refuse = func(d *store.Document) error {
		if string(d.Data) == poisoned {
			return store.ErrUnencodable
		}
		return bad(d)
	}
	got, err := store.NewWriter(store.WriterConfig{Backend: m}).Write(t.Context(), list)
	if err != nil || got[0] != store.Conflict || got[1] != store.Unstorable {
		t.Fatalf("%v, %v", got, err)
	}
	kept := m.docs["demo#b/a"]
	if kept == nil || kept.Data != nil || !slices.Equal(codesOf(kept), []string{event.CodeIDConflict, event.CodeUnstorable}) {
		t.Errorf("kept as %+v", kept)
	}
}
