//go:build !race

// The models are sequential: the race detector would find nothing in them, and make them
// ten times slower. `make test` runs them without it.

package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// version returns content a or b of the one event, at a position, in a revision.
// Even revisions reject it.
func version(content string, seq, revision uint64) *store.Document {
	d := &store.Document{
		ID: "demo/x", Status: store.Stored, Application: "demo", EventID: "x",
		ContentHash: content, Data: []byte(`{"content":"` + content + `"}`),
		Origin: store.Origin{Epoch: 1, Seq: seq}, Revision: revision, Original: []byte(content),
	}
	if revision%2 == 0 {
		d.Status = store.Rejected
		d.Errors = []event.Fault{{Code: event.CodeSchemaViolation, Path: "/data", Message: fmt.Sprintf("by revision %d", revision)}}
	}
	return d
}

// reasonsOf returns the reasons of the kept form of a document.
func reasonsOf(d *store.Document, conflict bool) (codes []string) {
	if conflict {
		codes = append(codes, event.CodeIDConflict)
	}
	for _, f := range d.Errors {
		codes = append(codes, f.Code+" "+f.Message)
	}
	return codes
}

// matchReasons reports whether faults are those of reasonsOf, in their order.
func matchReasons(faults []event.Fault, reasons []string) bool {
	for i, f := range faults {
		if reason := f.Code + " " + f.Message; !strings.HasPrefix(reason, reasons[i]) {
			return false
		}
	}
	return true
}

// expected returns the check of an end state. One content holds the id: the first
// write decides which. Every content that was written is kept once, from its
// earliest position, in the highest revision of that position.
func expected(batches [][]*store.Document) func(*database) error {
	best := make(map[string]*store.Document)
	for _, docs := range batches {
		for _, d := range docs {
			// Not by store.Supersedes, which is under test.
			b, ok := best[d.ContentHash]
			if !ok || d.Origin.Seq < b.Origin.Seq || d.Origin.Seq == b.Origin.Seq && d.Revision > b.Revision {
				best[d.ContentHash] = d
			}
		}
	}
	return func(db *database) error {
		main, ok := db.docs["demo/x"]
		if !ok {
			return fmt.Errorf("the id is free: %s", db)
		}
		for content, want := range best {
			id, status := "demo/x", want.Status
			conflict := content != main.ContentHash
			if conflict {
				id, status = store.ConflictID("demo", content, "x"), store.Rejected
			}
			got, ok := db.docs[id]
			if !ok {
				return fmt.Errorf("content %s is lost: %s", content, db)
			}
			holder := store.HolderOf(want)
			if conflict {
				holder.Timestamps = store.Span{} // as of every rejected event
			}
			if store.HolderOf(got) != holder || got.Status != status || string(got.Data) != string(want.Data) {
				return fmt.Errorf("content %s is not %+v: %s", content, store.HolderOf(want), db)
			}
			if reasons := reasonsOf(want, conflict); len(got.Errors) != len(reasons) || !matchReasons(got.Errors, reasons) {
				return fmt.Errorf("content %s has the reasons %+v, want %v", content, got.Errors, reasons)
			}
		}
		if len(db.docs) != len(best) {
			return fmt.Errorf("%d documents of %d contents: %s", len(db.docs), len(best), db)
		}
		return nil
	}
}

// notLost returns the check of an end state with a removal in between: every
// document that did not expire is kept, as holder or as conflict.
func notLost(batches [][]*store.Document) func(*database) error {
	return func(db *database) error {
		for _, docs := range batches {
			for _, d := range docs {
				main, held := db.docs[d.ID]
				_, beside := db.docs[store.ConflictID("demo", d.ContentHash, "x")]
				if db.expired != d.ContentHash && !beside && (!held || main.ContentHash != d.ContentHash) {
					return fmt.Errorf("content %s is lost: %s", d.ContentHash, db)
				}
			}
		}
		return nil
	}
}

// versions returns versions of one event: two contents, each at two positions and
// in two revisions of the earlier one.
func versions() []*store.Document {
	return []*store.Document{
		version("a", 1, 1), version("a", 1, 2), version("a", 3, 1),
		version("b", 2, 1), version("b", 2, 2), version("b", 4, 2),
	}
}

// cases returns the documents of the writers: every three versions by a writer
// each, also the same version more than once, and bulks of several versions.
func cases() [][][]*store.Document {
	v := versions()
	var list [][][]*store.Document
	for i := range v {
		for j := i; j < len(v); j++ {
			for k := j; k < len(v); k++ {
				list = append(list, [][]*store.Document{{v[i]}, {v[j]}, {v[k]}})
			}
		}
	}
	return append(list,
		[][]*store.Document{{v[0], v[3]}, {v[5], v[2]}},
		[][]*store.Document{{v[0], v[3]}, {v[4], v[1]}},
		[][]*store.Document{{v[2], v[1], v[3]}, {v[0], v[5]}},
		[][]*store.Document{{v[0], v[3]}, {v[4]}, {v[1]}},
		[][]*store.Document{{v[0], v[1], v[2]}, {v[3], v[4]}},
	)
}

// TestEveryInterleavingEndsInTheSameDocuments is the promise of the package.
func TestEveryInterleavingEndsInTheSameDocuments(t *testing.T) {
	total, err := exploreAll(bug{}, cases(), expected)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("explored %d states, %d of them ends", total.states, total.ends)
}

// raiseCases returns cases in which documents of two revisions differ in nothing else.
func raiseCases() [][][]*store.Document {
	v := []*store.Document{
		version("a", 1, 1), version("a", 1, 2), version("a", 1, 3), version("a", 3, 1), version("a", 3, 3), version("b", 2, 1), version("b", 2, 3),
		rejectedWithoutReasons(version("a", 1, 5)),
	}
	var list [][][]*store.Document
	for i := range v {
		for j := i; j < len(v); j++ {
			for k := j; k < len(v); k++ {
				list = append(list, [][]*store.Document{{v[i]}, {v[j]}, {v[k]}})
			}
		}
	}
	return append(list, [][]*store.Document{{v[0]}, {v[2], v[5]}, {v[6], v[3]}})
}

// rejectedWithoutReasons returns a document that differs from a stored one in its status
// alone.
func rejectedWithoutReasons(d *store.Document) *store.Document {
	d.Status = store.Rejected
	return d
}

// raising are the databases that write less than a document where the rest stays as it
// is: one raises the revision, in two steps, as package mongo, and one replaces in place,
// in a single statement, as package sqlite.
var raising = map[string]setting{
	"two steps":     {raising: true, handed: true},
	"one statement": {raising: true, replay: true, embedded: true},
}

// exploreRaises explores the cases of raises in one database until one shows a fault.
func exploreRaises(with setting, b bug) (total exploration, err error) {
	with.bug, with.crashes = b, 1
	for i, batches := range raiseCases() {
		counted, err := explore(with, batches, expected(batches))
		total.states += counted.states
		total.ends += counted.ends
		if err != nil {
			return total, fmt.Errorf("case %d %w", i, err)
		}
	}
	return total, nil
}

// A raise of the revision alone keeps the rule.
func TestRaisesEndInTheSameDocuments(t *testing.T) {
	for name, with := range raising {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			total, err := exploreRaises(with, bug{})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("explored %d states, %d of them ends", total.states, total.ends)
		})
	}
}

func TestExplorerFindsPlantedMistakesWithRaises(t *testing.T) {
	for _, b := range []bug{
		{name: "a raise of what differs", raisesDifferent: true},
		{name: "a raise of another copy", raisesCopies: true},
		{name: "a raise over a newer revision", raisesNewer: true},
		{name: "a raise without a guard", raisesUnguarded: true},
		{name: "a raise of another status", raisesAnyStatus: true},
		{name: "a raise to a lower revision", lowersRevision: true},
	} {
		for name, with := range raising {
			if with.embedded && (b.raisesCopies || b.raisesNewer) {
				continue // nothing comes between the comparison and the raise
			}
			t.Run(b.name+", "+name, func(t *testing.T) {
				t.Parallel()
				total, err := exploreRaises(with, b)
				if err == nil {
					t.Fatal("no interleaving shows the planted mistake")
				}
				t.Logf("found after %d states: %v", total.states, err)
			})
		}
	}
}

// TestNothingIsLostBesideExpiry: the expiry of a holder at any moment loses no
// other event.
func TestNothingIsLostBesideExpiry(t *testing.T) {
	if _, err := exploreAll(bug{}, withExpiry(), notLost); err != nil {
		t.Fatal(err)
	}
}

// withExpiry returns the cases of two writers and a removal.
func withExpiry() [][][]*store.Document {
	v := versions()
	var list [][][]*store.Document
	for i := range v {
		for j := i; j < len(v); j++ {
			list = append(list, [][]*store.Document{{v[i]}, {v[j]}, nil})
			list = append(list, [][]*store.Document{{v[i], v[3]}, {v[j], v[0]}, nil})
		}
	}
	return list
}

// exploreAll explores cases until one shows a fault.
func exploreAll(
	b bug, cases [][][]*store.Document, check func([][]*store.Document) func(*database) error,
) (total exploration, err error) {
	for _, with := range []setting{
		{embedded: true}, {replay: true}, {handed: true, embedded: true}, {handed: true, replay: true},
	} {
		with.bug, with.crashes = b, 2
		for i, batches := range cases {
			counted, err := explore(with, batches, check(batches))
			total.states += counted.states
			total.ends += counted.ends
			if err != nil {
				return total, fmt.Errorf("%+v, case %d %w", with, i, err)
			}
		}
	}
	return total, nil
}

// TestExplorerFindsPlantedBugs: a checker is trusted only after it has failed.
func TestExplorerFindsPlantedBugs(t *testing.T) {
	for _, b := range bugs() {
		t.Run(b.name, func(t *testing.T) {
			_, err := exploreAll(b, cases(), expected)
			if err == nil {
				_, err = exploreAll(b, withExpiry(), notLost)
			}
			if err == nil {
				t.Fatal("no interleaving shows the planted bug")
			}
			t.Logf("found: %v", err)
		})
	}
}
