package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/store"
)

// expectKept fails unless a read of their ids returns exactly the documents.
func expectKept(t *testing.T, s store.Store, want ...*store.Document) {
	t.Helper()
	ids := make([]string, len(want))
	kept := make([]*store.Document, len(want))
	for i, d := range want {
		ids[i], kept[i] = d.ID, Kept(d)
	}
	got, err := s.Lookup(t.Context(), ids)
	must(t, err)
	sortByID(got)
	sortByID(kept)
	if diff := cmp.Diff(kept, got); diff != "" {
		t.Fatalf("documents kept (-want +got):\n%s", diff)
	}
}

// expectAbsent fails if any of the ids is held by a visible document.
func expectAbsent(t *testing.T, s store.Store, ids ...string) {
	t.Helper()
	got, err := s.Lookup(t.Context(), ids)
	must(t, err)
	if len(got) > 0 {
		t.Fatalf("document %q is present", got[0].ID)
	}
}

func sortByID(docs []*store.Document) {
	slices.SortFunc(docs, func(a, b *store.Document) int { return strings.Compare(a.ID, b.ID) })
}

// expectIDs fails unless docs are the wanted ones in the wanted order.
func expectIDs(t *testing.T, got []*store.Document, err error, want ...*store.Document) {
	t.Helper()
	must(t, err)
	if diff := cmp.Diff(idsOf(want), idsOf(got)); diff != "" {
		t.Fatalf("ids (-want +got):\n%s", diff)
	}
}

func idsOf(docs []*store.Document) []string {
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	return ids
}

func expectResults(t *testing.T, got []store.WriteResult, want ...store.WriteResult) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("results (-want +got):\n%s", diff)
	}
}

// compareAll returns first, or the comparison of the first pair that differs.
func compareAll(first int, pairs ...string) int {
	for i := 0; first == 0 && i < len(pairs); i += 2 {
		first = strings.Compare(pairs[i], pairs[i+1])
	}
	return first
}
