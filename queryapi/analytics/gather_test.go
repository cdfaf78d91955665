package analytics

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/store"
)

// countingVisitor counts visits and events.
type countingVisitor struct{ visits, events int }

func (c *countingVisitor) addVisit(v *visit) error {
	c.visits++
	c.events += len(v.times)
	return nil
}

// visitsOf returns documents of an application with so many visitors of two events.
func visitsOf(application string, visitors int) (docs []*store.Document) {
	for i := range 2 * visitors {
		d := &store.Document{
			Status: store.Stored, Application: application, EventID: fmt.Sprint("e", i), SessionID: "00000000-0000-4000-8000-000000000001",
			Category: "page", Name: "view", Timestamp: testStart.Add(time.Duration(i) * time.Second), ReceivedAt: testStart.Add(time.Hour),
			Data: fmt.Appendf(nil, `{"user":"user %d of %s"}`, i%visitors, application),
		}
		d.ID = store.DocumentID(application, d.EventID)
		docs = append(docs, d)
	}
	return docs
}

// A walk over the visitors of one application looks at no view of another, and has a
// place for its own visitors alone, so that a question about many applications costs no
// more than what each has.
func TestWalkOfAnApplicationCostsWhatItHas(t *testing.T) {
	d := newDataset(t, rand.New(rand.NewPCG(1, 1)), append(visitsOf("blog", 300), visitsOf("shop", 5)...))
	user := mustField("data.user")
	a := New(nil)
	if _, err := a.newSharedValues(t.Context(), user, allViews(d.snapshot), newMarker(EventSet{}, "", nil, time.Time{}, time.Time{})); err != nil {
		t.Fatal(err) // all have codes by now
	}
	scope := Scope{Applications: []string{"shop"}}
	w := a.newWalk(&columns.Snapshot{Now: testNow, AsOf: testNow, Applications: []columns.ApplicationViews{
		{Name: "shop", Views: d.restrict([]string{"shop"}).Applications[0].Views},
		{Name: "unreadable", Views: []columns.View{{}}},
	}}, &scope, nil, time.Time{}, time.Time{}, user)
	var views []walkedView
	for i, v := range w.snapshot.Applications[0].Views {
		views = append(views, walkedView{i, v})
	}
	counter := &countingVisitor{}
	workers := []worker{{visitor: counter}}
	if err := w.walkField(t.Context(), views, workers); err != nil {
		t.Fatal(err)
	}
	if counter.visits != 5 || counter.events != 10 {
		t.Errorf("%+v", *counter)
	}
	for pass := range 2 { // the numbers of one pass leave nothing for the next
		workers[0].gathered = []gatheredEvent{{visitor: 200}, {visitor: 7}, {visitor: 200}}
		n := w.numberVisitors(301, workers)
		if g := workers[0].gathered; n != 2 || g[0].visitor != 0 || g[1].visitor != 1 || g[2].visitor != 0 {
			t.Errorf("pass %d: %d visitors, %+v", pass, n, g)
		}
	}
}
