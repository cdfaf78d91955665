package columns

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

const testStore = "store-1"

// writePart writes a part to a file and opens it.
func writePart(t testing.TB, p *Part) (*Part, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "part.parquet")
	if err := p.Write(t.Context(), file, testStore); err != nil {
		t.Fatal(err)
	}
	opened, err := Open(file, testStore, NewCache(DefaultCacheBytes))
	if err != nil {
		t.Fatal(err)
	}
	return opened, file
}

// byContent makes vectors comparable by their contents.
var byContent = gocmp.Options{
	gocmp.AllowUnexported(coded{}, sessionVector{}, Texts{}, meta{}, Codes{}, Times{}, timeBlock{}, Values{},
		slotGenerations{}, quarterIndex{}, Counts{}, ReceivedCounts{}, ReceivedCount{}),
	gocmp.Comparer(func(a, b filter.Value) bool {
		return a.Kind() == b.Kind() && string(a.AppendJSON(nil)) == string(b.AppendJSON(nil))
	}),
}

// checkEqual compares every vector and the descriptions of two parts.
func checkEqual(t *testing.T, want, got *Part) {
	t.Helper()
	if diff := gocmp.Diff(want.meta, got.meta, byContent); diff != "" {
		t.Fatal(diff)
	}
	for v := range firstLeaf + vector(len(want.paths)) {
		a, err := want.source.loadVector(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		b, err := got.source.loadVector(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(spreadOut(a, want.rows), spreadOut(b, want.rows), byContent); diff != "" {
			t.Fatalf("vector %d: %s", v, diff)
		}
	}
}

// spreadOut returns a vector without the choice that is left to its source.
func spreadOut(v any, rows int) any {
	if c, ok := v.(*coded); ok {
		return &coded{values: c.values, codes: c.spread(rows)}
	}
	return v
}

func TestFileHoldsEveryVector(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 5))
		n := r.IntN(150)
		if seed == 0 {
			n = 0
		}
		docs := randomDocuments(r, n)
		if seed%2 == 1 {
			useUUIDs(r, docs)
		}
		p := buildPart(t, docs)
		opened, _ := writePart(t, p)
		checkEqual(t, p, opened)
		checkPart(t, opened, docs, r, 20)
	}
}

// useUUIDs gives the events ids that are UUIDs.
func useUUIDs(r *rand.Rand, docs []*store.Document) {
	for _, d := range docs {
		follows := d.ID == store.DocumentID(d.Application, d.EventID)
		if d.EventID = fmt.Sprintf("0193b5c2-7c1a-7000-8000-%012x", r.Uint64()>>16); follows {
			d.ID = store.DocumentID(d.Application, d.EventID)
		}
	}
}
