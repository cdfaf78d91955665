package analytics

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// numbers are values of the field n: some that no double is, some beyond the range in
// which sums of doubles are exact, some that are no numbers.
var numbers = []string{
	"0", "1", "1.0", "-2", "0.1", "0.2", "0.30000000000000004", "19.99", "-19.99", "1e-7", "1e16", "-1e16", "9007199254740993",
	"9007199254740992", "-9007199254740993", "1234567890123456789012345678901234", "1.7976931348623157e308", "5e-324",
	`"7"`, "null", "true", "[1,2]",
}

// numberedDocuments are random documents with numbers: under n, and some in an array.
func numberedDocuments(r *rand.Rand, n int) []*store.Document {
	docs := randomDocuments(r, n)
	few := r.IntN(len(numbers)) + 1
	for _, d := range docs {
		var members []string
		if r.IntN(5) > 0 {
			members = append(members, `"n":`+numbers[r.IntN(few)])
		}
		if r.IntN(2) == 0 {
			members = append(members, fmt.Sprintf(`"list":[{"n":%s},{"n":%s},{}]`, numbers[r.IntN(few)], numbers[r.IntN(few)]))
		}
		text := strings.Join(append(members, strings.Trim(string(d.Data), "{}")), ",")
		d.Data = []byte("{" + strings.Trim(text, ",") + "}")
	}
	return docs
}

// naiveKeys are the groups of a document, each as often as it has it; "" is missing.
func naiveKeys(d *store.Document, f filter.Field, values map[string]namedValue) []string {
	var keys []string
	for _, v := range eventOf(d).Values(f) {
		named, key := namedValue{Value: v}, v.Key()
		if v.Kind() >= filter.KindNumber && v.Kind() != filter.KindText {
			named.Value, _ = filter.ParseValue([]byte(key)) // one spelling
		}
		if f.Name == filter.Type {
			named.Category, named.Name = d.Category, d.Name
			key += "\n" + d.Category
		}
		values[key] = named
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return []string{""}
	}
	return keys
}

// naiveNumber is a number that counts: exactly, and as the text that shows it.
type naiveNumber struct {
	exact *big.Rat
	value filter.Value
}

// naiveNumbers are the numbers of a document.
func naiveNumbers(d *store.Document, f filter.Field) []naiveNumber {
	var all []naiveNumber
	for _, v := range eventOf(d).Values(f) {
		text, ok := v.NumberText()
		if !ok {
			continue
		}
		exact, _ := new(big.Rat).SetString(text)
		if exact.IsInt() && exact.Num().BitLen() <= 113 {
			all = append(all, naiveNumber{exact, v})
			continue
		}
		double, _ := v.Float()
		all = append(all, naiveNumber{new(big.Rat).SetFloat64(double), v})
	}
	return all
}

// naiveFigure computes a metric of documents; order compares it, nil for null. A
// document stands in the list once for each time that it counts.
func naiveFigure(q *TimeseriesQuery, docs []*store.Document) (api.Figure, *big.Rat) {
	switch q.Metric {
	case MetricEvents:
		return formatCount(int64(len(docs))), big.NewRat(int64(len(docs)), 1)
	case MetricSessions:
		n := countNaiveSessions(docs)
		return formatCount(n), big.NewRat(n, 1)
	}
	var all []naiveNumber
	sum := new(big.Rat)
	for _, d := range docs {
		for _, n := range naiveNumbers(d, *q.Field) {
			all = append(all, n)
			sum.Add(sum, n.exact)
		}
	}
	if len(all) == 0 {
		return "", nil
	}
	slices.SortFunc(all, func(a, b naiveNumber) int { return a.exact.Cmp(b.exact) })
	var found naiveNumber
	switch q.Metric {
	case MetricAvg:
		return formatNaive(sum.Quo(sum, big.NewRat(int64(len(all)), 1)))
	case MetricSum:
		return formatNaive(sum)
	case MetricMin:
		found = all[0]
	case MetricMax:
		found = all[len(all)-1]
	default:
		percent := map[Metric]int{"p50": 50, "p90": 90, "p95": 95, "p99": 99}[q.Metric]
		rank := (len(all)*percent + 99) / 100
		found = all[rank-1]
	}
	if double, exact := found.exact.Float64(); exact || !found.exact.IsInt() {
		return formatFloat(double), found.exact
	}
	return api.Figure(found.value.Key()), found.exact
}

// formatNaive rounds once.
func formatNaive(exact *big.Rat) (api.Figure, *big.Rat) {
	double, _ := exact.Float64()
	rounded := new(big.Rat).SetFloat64(double)
	if rounded == nil { // beyond the largest double
		f := new(big.Float).SetPrec(53).SetRat(exact)
		rounded, _ = f.Rat(nil)
		return api.Figure(f.Text('g', -1)), rounded
	}
	return formatFloat(double), rounded
}

func countNaiveSessions(docs []*store.Document) int64 {
	seen := map[string]bool{}
	for _, d := range docs {
		seen[d.Application+"/"+d.SessionID] = true
	}
	return int64(len(seen))
}

// naiveValues computes the figures of a series.
func naiveValues(q *TimeseriesQuery, l interval.List, docs []*store.Document) api.SeriesValues {
	v := api.SeriesValues{Values: []api.Figure{}}
	v.Total, _ = naiveFigure(q, docs)
	bounds := slices.Concat(l.Starts, []time.Time{l.End})
	for i := range l.Starts {
		figure, _ := naiveFigure(q, inRange(docs, bounds[i], bounds[i+1]))
		v.Values = append(v.Values, figure)
	}
	return v
}

// naiveGroup is a group with the documents that count in it.
type naiveGroup struct {
	key   string
	value namedValue
	docs  []*store.Document
	order *big.Rat
}

// naiveGroups divides documents into the groups of a field, the missing one apart, the
// greatest first.
func naiveGroups(docs []*store.Document, field filter.Field, order func(docs []*store.Document) *big.Rat) (groups []*naiveGroup, missing []*store.Document) {
	values, byKey := map[string]namedValue{}, map[string]*naiveGroup{}
	for _, d := range docs {
		for _, key := range naiveKeys(d, field, values) {
			if key == "" {
				missing = append(missing, d)
				continue
			}
			if byKey[key] == nil {
				byKey[key] = &naiveGroup{key: key}
				groups = append(groups, byKey[key])
			}
			byKey[key].docs = append(byKey[key].docs, d)
		}
	}
	for _, g := range groups {
		g.value, g.order = values[g.key], order(g.docs)
	}
	slices.SortFunc(groups, func(a, b *naiveGroup) int {
		switch {
		case (a.order == nil) != (b.order == nil):
			return map[bool]int{true: 1, false: -1}[a.order == nil]
		case a.order != nil && a.order.Cmp(b.order) != 0:
			return b.order.Cmp(a.order)
		}
		return cmp.Or(a.value.Compare(b.value.Value), cmp.Compare(a.value.Category, b.value.Category))
	})
	return groups, missing
}

// Snapshot makes a dataset a Source. It limits nothing but the applications.
func (d *dataset) Snapshot(_ context.Context, n refresh.Need) (*columns.Snapshot, error) {
	return d.restrict(n.Applications), nil
}
