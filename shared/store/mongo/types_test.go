package mongo_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/shared/store/storetest"
)

// prepareNew opens a new database and prepares it.
func prepareNew(t *testing.T) (*mongo.Store, mongo.Config) {
	t.Helper()
	cfg := mongotest.Config(t)
	s := mongotest.Open(t, cfg)
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, cfg
}

// typed returns n events of several types and applications.
func typed(n int) []*store.Document {
	docs := storetest.Events(0, n)
	for i, d := range docs {
		d.Application, d.Name = fmt.Sprintf("app-%d", i%2), fmt.Sprintf("name%d", i%3)
		d.ID = store.DocumentID(d.Application, d.EventID)
	}
	docs[n/2].Name = "rare"
	return docs
}

func insert(t *testing.T, s *mongo.Store, docs []*store.Document) {
	t.Helper()
	if _, err := s.Insert(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
}

// TestQuestionsByTypeReadRangesOfOneIndex: whatever a question leaves open, the
// server reads the events of the types and applications that match, by the index
// that has them in order.
func TestQuestionsByTypeReadRangesOfOneIndex(t *testing.T) {
	s, _ := prepareNew(t)
	insert(t, s, typed(600))
	for _, c := range []struct {
		filter query.Filter
		bounds []string
	}{
		{query.Filter{Category: "page interaction", Name: "rare"}, []string{"category:pageinteraction,pageinteraction", "name:rare,rare", "application:app-0,app-0"}},
		{query.Filter{Name: "rare"}, []string{"category:pageinteraction,pageinteraction", "name:rare,rare", "application:app-0,app-0"}},
		{
			query.Filter{Category: "page interaction", Applications: []string{"app-1"}},
			[]string{"name:name0,name0", "name1,name1", "name2,name2", "application:app-1,app-1"},
		},
	} {
		plan, err := s.ExplainFind(t.Context(), c.filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, bound := range append(c.bounds, "category_time_v2") {
			if !strings.Contains(plan, bound) {
				t.Errorf("%+v: the plan has no %s:\n%s", c.filter, bound, plan)
			}
		}
	}
}

// TestEventsOfAnEarlierLayoutAreFoundByType: the preparation records the types of
// events that a build without the collection of types wrote.
func TestEventsOfAnEarlierLayoutAreFoundByType(t *testing.T) {
	s, cfg := prepareNew(t)
	docs := typed(30)
	insert(t, s, docs)
	if err := s.ForgetTypes(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := mongotest.Open(t, cfg)
	if err := later.Ready(t.Context()); err == nil {
		t.Error("ready before the types are recorded")
	}
	for range 2 {
		if err := later.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	expectFound(t, later, query.Filter{Category: docs[0].Category}, 30)
	expectFound(t, later, query.Filter{Name: "rare"}, 1)
}

func expectFound(t *testing.T, s *mongo.Store, f query.Filter, want int) {
	t.Helper()
	docs, err := s.Find(t.Context(), query.Events{Filter: f, Limit: 1000})
	if err != nil || len(docs) != want {
		t.Errorf("%+v finds %d events, want %d; error %v", f, len(docs), want, err)
	}
}

// TestProcessesRecordTypesTogether: of several processes that store the first events
// of the same types at once, none fails and each type is found.
func TestProcessesRecordTypesTogether(t *testing.T) {
	first, cfg := prepareNew(t)
	docs := typed(64)
	var all sync.WaitGroup
	for i := range 8 {
		s := mongotest.Open(t, cfg)
		all.Go(func() {
			if _, err := s.Insert(t.Context(), docs[8*i:8*i+8]); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	expectFound(t, first, query.Filter{Category: docs[0].Category}, 64)
}
