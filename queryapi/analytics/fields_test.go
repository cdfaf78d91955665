package analytics

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/schema"
)

func fieldsSet(t *testing.T) *schema.Set {
	t.Helper()
	view, faults := schema.Compile([]byte(`{"required": ["user", "path"], "properties": {"user": {}, "path": {}}}`))
	submit, more := schema.Compile([]byte(`{"required": ["user"], "properties": {"user": {}, "path": {}}}`))
	if len(faults)+len(more) > 0 {
		t.Fatal(faults, more)
	}
	return schema.NewSet(7, schema.Policy{}, map[schema.Type]schema.Versioned{
		{Category: "page", Name: "view"}: {Revision: 5, Schema: view}, {Category: "form", Name: "submit"}: {Revision: 6, Schema: submit},
	}, nil)
}

// Every fact is what looking at the documents one by one gives.
func TestFieldsAreThoseOfTheDocuments(t *testing.T) {
	set := fieldsSet(t)
	eachNumberedDataset(t, 60, 150, func(r *rand.Rand, d *dataset) {
		a := New(d)
		for range 10 {
			q := FieldsQuery{Scope: randomScope(r), Limit: 1 + r.IntN(8), Prefix: []string{"", "", "data.", "data.t", "x"}[r.IntN(5)]}
			s, err := a.source.Snapshot(t.Context(), q.Need())
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.Fields(t.Context(), s, q, set)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, fmt.Sprintf("%+v", q), naiveFields(d, &q), got)
		}
	})
}

// naiveField counts the values of one member by their JSON.
type naiveField struct {
	counts map[string]int64
	kinds  map[string]int64
}

func naiveFields(d *dataset, q *FieldsQuery) *api.FieldList {
	docs := inRange(d.selectDocuments(&q.Scope), q.From, q.To)
	fields := map[string]*naiveField{}
	for _, doc := range docs {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(doc.Data, &members); err != nil {
			panic(err)
		}
		for name, raw := range members { // no member of random data is an object
			v, err := filter.ParseValue(raw)
			if err != nil {
				panic(err)
			}
			f := fields[name]
			if f == nil {
				f = &naiveField{map[string]int64{}, map[string]int64{}}
				fields[name] = f
			}
			f.counts[v.Key()]++
			f.kinds[map[byte]string{'"': "string", '[': "array", 't': "boolean", 'f': "boolean", 'n': "null"}[raw[0]]]++
		}
	}
	list := &api.FieldList{
		StatsRange: api.StatsRange{From: api.TimeOf(q.From), To: api.TimeOf(q.To), TZ: "Europe/Berlin", AsOf: api.TimeOf(testNow)},
		Events:     int64(len(docs)), Fields: []api.FieldFacts{},
	}
	for name, f := range fields {
		if strings.HasPrefix("data."+name, q.Prefix) {
			list.Fields = append(list.Fields, f.facts(q, name, list.Events))
		}
	}
	slices.SortFunc(list.Fields, func(a, b api.FieldFacts) int { return strings.Compare(a.Path, b.Path) })
	if len(list.Fields) > q.Limit {
		list.Fields, list.Truncated = list.Fields[:q.Limit], true
	}
	return list
}

func (f *naiveField) facts(q *FieldsQuery, name string, events int64) api.FieldFacts {
	facts := api.FieldFacts{Path: "data." + name, Types: map[string]int64{}, Distinct: int64(len(f.counts)), DistinctExact: true, Samples: []jsontext.Value{}}
	for kind, n := range f.kinds {
		if kind == "" {
			kind = "number"
		}
		facts.Types[kind] += n
		facts.Present += n
	}
	facts.Share = share(facts.Present, events)
	var values []filter.Value
	for key := range f.counts {
		v, err := filter.ParseValue([]byte(key))
		if err != nil {
			panic(err)
		}
		values = append(values, v)
	}
	slices.SortFunc(values, filter.Value.Compare)
	for _, kind := range []filter.Kind{filter.KindText, filter.KindNumber} {
		first := true
		for _, v := range values {
			if v.Kind() != kind {
				continue
			}
			if first {
				facts.Min, first = v.AppendJSON(nil), false
			}
			facts.Max = v.AppendJSON(nil)
		}
	}
	slices.SortStableFunc(values, func(a, b filter.Value) int { return cmp.Compare(f.counts[b.Key()], f.counts[a.Key()]) })
	for _, v := range values[:min(len(values), 5)] {
		facts.Samples = append(facts.Samples, v.AppendJSON(nil))
	}
	types := map[string]bool{}
	if (q.Category == "" || q.Category == "page") && (q.Name == "" || q.Name == "view") {
		types["view"] = true
	}
	if (q.Category == "" || q.Category == "form") && (q.Name == "" || q.Name == "submit") {
		types["submit"] = true
	}
	facts.InSchema = len(types) > 0 && (name == "user" || name == "path")
	facts.Required = len(types) > 0 && (name == "user" || name == "path" && !types["submit"])
	return facts
}

// Of very many values the number is estimated, and said to be.
func TestDistinctValuesAreEstimated(t *testing.T) {
	c := newValueCounter()
	const n = 400_000
	for i := range n {
		c.addValue(filter.Int(int64(i)), 1)
	}
	if d := c.distinct(); c.level == 0 || len(c.values) > maxCountedValues || d < n*95/100 || d > n*105/100 {
		t.Errorf("%d of %d values, from %d at level %d", d, n, len(c.values), c.level)
	}
}
