package analytics

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
)

// newWideDataset holds a day with more paths than columns do, and with a value that is
// too long for them. Its parts read the rest from a store.
func newWideDataset(t *testing.T) *dataset {
	t.Helper()
	var docs []*store.Document
	for i := range 40 {
		at := testStart.Add(time.Duration(i) * time.Minute)
		data := fmt.Sprintf(`"plan":"%d","long":"%s"`, i%3, strings.Repeat("y", i%2*(columns.MaxValueBytes+1)))
		for j := range columns.MaxPaths / 20 {
			data += fmt.Sprintf(`,"p%d":%d`, i*50+j, i)
		}
		if i >= 30 { // when there are enough paths already
			data += fmt.Sprintf(`,"z":%d`, i%2)
		}
		d := &store.Document{
			Status: store.Stored, Application: "shop", EventID: fmt.Sprint(i), SessionID: fmt.Sprintf("00000000-0000-4000-8000-%012x", i%4),
			Category: "page", Name: "view", Timestamp: at, ReceivedAt: at, Data: []byte("{" + data + "}"),
			ContentHash: fmt.Sprintf("%032x", i), Origin: store.Origin{Epoch: 1, Seq: uint64(i + 1)}, Original: []byte("{}"),
		}
		d.ID = store.DocumentID(d.Application, d.EventID)
		docs = append(docs, d)
	}
	s := openStore(t, docs)
	b := columns.NewBuilder(columns.KeyOf(docs[0]))
	for _, d := range docs {
		if err := b.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	part, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	part.UseStore(s.Scan)
	return &dataset{docs: docs, snapshot: &columns.Snapshot{AsOf: testNow, Now: testNow, Applications: []columns.ApplicationViews{
		{Name: "shop", Views: []columns.View{{Part: part}}},
	}}}
}

// Fields that columns do not hold are counted and filtered by like others.
func TestFieldsThatAreNotHeldAreReadFromTheStore(t *testing.T) {
	d := newWideDataset(t)
	a := New(d)
	scope := Scope{Applications: []string{"shop"}, From: testStart, To: testNow, Location: testZone}
	for _, field := range []string{"data.long", "data.z", "data.p1999", "data.none"} {
		if _, err := d.snapshot.Applications[0].Views[0].Part.Column(t.Context(), mustField(field)); err == nil {
			t.Fatalf("%s is held", field)
		}
		q := TopQuery{Scope: scope, Field: mustField(field), Metric: MetricEvents, Limit: 10}
		got, err := a.Top(t.Context(), d.snapshot, q)
		if err != nil {
			t.Fatal(err)
		}
		compareAnswers(t, field, naiveTop(d, &q), got)
	}
	for condition, want := range map[string]int64{
		"data.z=1": 5, "data.z=0": 5, "data.z exists false": 30, "data.long^=yy": 20, `data.long=""`: 20, "data.p1999=39": 1, "data.none exists": 0,
	} {
		q := TopQuery{Scope: scope, Field: mustField("category"), Metric: MetricEvents, Limit: 10}
		q.Filter = mustFilter(condition)
		got, err := a.Top(t.Context(), d.snapshot, q)
		if err != nil || got.Total != want {
			t.Errorf("%s: %+v %v, want %d", condition, got, err, want)
		}
	}
}

// The catalogue of fields says that it is not all, rather than scan the store for each.
func TestFieldsThatAreNotHeldAreFlagged(t *testing.T) {
	d := newWideDataset(t)
	a := New(d)
	set := schema.NewSet(1, schema.Policy{}, nil, nil)
	q := FieldsQuery{
		Scope: Scope{Applications: []string{"shop"}, From: testStart, To: testNow, Location: testZone}, Prefix: "data.plan", Limit: MaxFields,
	}
	got, err := a.Fields(t.Context(), d.snapshot, q, set)
	if err != nil || !got.Truncated || got.Events != 40 || len(got.Fields) != 1 || got.Fields[0].Present != 40 || got.Fields[0].Distinct != 3 {
		t.Errorf("%+v %v", got, err)
	}
	q.Filter, q.Prefix = mustFilter("data.z=1"), "data.l"
	got, err = a.Fields(t.Context(), d.snapshot, q, set)
	if err != nil || !got.Truncated || got.Events != 5 || slices.ContainsFunc(got.Fields, func(f api.FieldFacts) bool { return f.DistinctExact }) {
		t.Errorf("%+v %v", got, err)
	}
}
