package analytics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
)

// eachDataset asks questions about random datasets.
func eachDataset(t *testing.T, datasets, documents int, ask func(r *rand.Rand, d *dataset)) {
	t.Helper()
	for n := range datasets {
		r := rand.New(rand.NewPCG(uint64(n), 11))
		ask(r, newDataset(t, r, randomDocuments(r, documents)))
	}
}

// compareAnswers compares answers as a client reads them.
func compareAnswers(t *testing.T, q, want, got any) {
	t.Helper()
	w, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	g, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w, g) {
		t.Fatalf("%+v (-want +got):\n%s", q, cmp.Diff(indent(w), indent(g)))
	}
}

func indent(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", " "); err != nil {
		panic(err)
	}
	return b.String()
}

func randomFunnel(r *rand.Rand) *FunnelQuery {
	q := &FunnelQuery{Scope: randomScope(r), By: visitorFields[r.IntN(len(visitorFields))], Strict: r.IntN(3) == 0, Top: 1 + r.IntN(3)}
	if r.IntN(3) > 0 {
		q.Window = time.Duration(r.IntN(40)) * 30 * time.Minute
	}
	for n := range 2 + r.IntN(2) {
		q.Steps = append(q.Steps, FunnelStep{Label: fmt.Sprint("step ", n), EventSet: randomSet(r)})
	}
	if groups := []string{"", "type", "data.path", "data.tags[]", "data.user", "application"}; r.IntN(2) == 0 {
		if g := groups[r.IntN(len(groups))]; g != "" {
			f := mustField(g)
			q.GroupBy = &f
		}
	}
	return q
}

// naiveTable has the chains of one group of visitors: the gaps of each.
type naiveTable struct {
	value  namedValue
	chains [][]float64
}

func (n *naiveTable) steps(q *FunnelQuery) []api.FunnelStep {
	var steps []api.FunnelStep
	counts := make([]float64, len(q.Steps))
	for k := range q.Steps {
		var gaps []float64
		for _, c := range n.chains {
			if len(c) > k {
				counts[k]++
				gaps = append(gaps, c[k])
			}
		}
		s := api.FunnelStep{Label: q.Steps[k].Label, Count: int64(counts[k])}
		if counts[0] > 0 {
			s.OfFirst = math.Round(counts[k]/counts[0]*1e4) / 1e4
		}
		if before := counts[max(0, k-1)]; before > 0 {
			s.OfPrevious = math.Round(counts[k]/before*1e4) / 1e4
			s.Dropped = int64(before - counts[k])
		}
		if slices.Sort(gaps); k > 0 && len(gaps) > 0 {
			rank := func(p float64) float64 { return gaps[int(math.Ceil(p*float64(len(gaps))/100))-1] }
			s.Seconds = &api.FunnelSeconds{P50: rank(50), P90: rank(90)}
		}
		steps = append(steps, s)
	}
	return steps
}

// countNaively answers a funnel from documents, by an exhaustive search of all chains.
func (d *dataset) countNaively(q *FunnelQuery) api.Funnel {
	whole, groups := &naiveTable{}, map[string]*naiveTable{}
	window := int64(math.MaxInt64)
	if q.Window > 0 {
		window = q.Window.Microseconds()
	}
	for _, docs := range groupVisitors(inRange(d.selectDocuments(&q.Scope), q.From, q.To), q.By) {
		v := &visit{}
		for _, doc := range docs {
			mask := inScope
			for k, s := range q.Steps {
				if s.has(doc) {
					mask |= 1 << k
				}
			}
			v.times, v.masks = append(v.times, doc.Timestamp.UnixMicro()), append(v.masks, mask)
		}
		all := everyChain(v, len(q.Steps), window, q.Strict)
		if len(all) == 0 {
			continue
		}
		best := slices.MinFunc(all, compareChains)
		gaps := []float64{0}
		for k := 1; k < len(best); k++ {
			gaps = append(gaps, float64(v.times[best[k]]-v.times[best[k-1]])/1e6)
		}
		whole.chains = append(whole.chains, gaps)
		if q.GroupBy != nil {
			addToGroups(groups, docs[best[0]], q, gaps)
		}
	}
	answer := api.Funnel{
		StatsRange: api.StatsRange{From: api.TimeOf(q.From), To: api.TimeOf(q.To), TZ: "Europe/Berlin", AsOf: api.TimeOf(testNow)}, By: q.By.String(), Steps: whole.steps(q),
	}
	answer.Entered, answer.Completed = answer.Steps[0].Count, answer.Steps[len(q.Steps)-1].Count
	answer.Groups = listGroups(groups, q)
	return answer
}

func addToGroups(groups map[string]*naiveTable, first *store.Document, q *FunnelQuery, gaps []float64) {
	keys, values := valuesOf(first, *q.GroupBy)
	for _, key := range keys {
		if groups[key] == nil {
			groups[key] = &naiveTable{value: values[key]}
		}
		groups[key].chains = append(groups[key].chains, gaps)
	}
}

func listGroups(groups map[string]*naiveTable, q *FunnelQuery) (list []api.FunnelGroup) {
	missing := groups[""]
	delete(groups, "")
	sorted := slices.SortedFunc(maps.Values(groups), func(a, b *naiveTable) int {
		if d := len(b.chains) - len(a.chains); d != 0 {
			return d
		}
		if c := a.value.Compare(b.value.Value); c != 0 {
			return c
		}
		return cmpText(a.value.Category, b.value.Category)
	})
	other := &naiveTable{}
	for i, g := range sorted {
		if i >= q.Top {
			other.chains = append(other.chains, g.chains...)
			continue
		}
		list = append(list, api.FunnelGroup{StatsGroup: g.value.group(), Steps: g.steps(q)})
	}
	if missing != nil {
		list = append(list, api.FunnelGroup{StatsGroup: api.StatsGroup{Missing: true}, Steps: missing.steps(q)})
	}
	if len(other.chains) > 0 {
		list = append(list, api.FunnelGroup{StatsGroup: api.StatsGroup{Other: true, Groups: int64(len(sorted) - q.Top)}, Steps: other.steps(q)})
	}
	return list
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestFunnelsAreThoseOfTheDocuments(t *testing.T) {
	completed, grouped := 0, 0
	eachDataset(t, 40, 60, func(r *rand.Rand, d *dataset) {
		a := New(nil)
		if r.IntN(2) == 0 {
			a.maxGathered = 30 // several passes
		}
		for i := range 60 {
			if i == 30 {
				a.dictionaries.room = 2 // full
			}
			q := randomFunnel(r)
			got, err := a.Funnel(t.Context(), d.restrict(q.Applications), q)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, q, d.countNaively(q), got)
			completed += int(got.Completed)
			grouped += len(got.Groups)
		}
	})
	if completed < 150 || grouped < 800 {
		t.Errorf("%d completed, %d groups", completed, grouped)
	}
}
