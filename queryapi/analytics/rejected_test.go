package analytics

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
)

// rejectedDocuments are random documents, half of them rejected: for one reason or
// several, some of them twice, some without a type, some under an id of their own.
func rejectedDocuments(r *rand.Rand, n int) []*store.Document {
	docs := randomDocuments(r, n)
	expire := r.IntN(2) == 0
	for i, d := range docs {
		if !expire {
			d.ExpiresAt = time.Time{}
		}
		d.ContentHash, d.Origin, d.Original = fmt.Sprintf("%032x", i), store.Origin{Epoch: 1, Seq: uint64(i + 1)}, []byte("{}")
		if r.IntN(2) == 0 { // several of a kind in a quarter of an hour
			d.ReceivedAt = testStart.Add(12*time.Hour + time.Duration(r.IntN(1000))*time.Second)
		}
		if d.Status, d.Data = store.Stored, []byte("{}"); r.IntN(2) == 0 {
			continue
		}
		d.Status, d.Data = store.Rejected, nil
		for range 1 + r.IntN(3) {
			d.Errors = append(d.Errors, event.Fault{
				Code: []string{"schema_violation", "unknown_type"}[r.IntN(2)], Path: []string{"", "/data", "/data/a"}[r.IntN(3)], Message: fmt.Sprint(r.IntN(9)),
			})
		}
		if r.IntN(4) == 0 {
			d.Category, d.Name = "", ""
		}
		if r.IntN(4) == 0 {
			d.ID = fmt.Sprintf("%s#%d", d.ID, r.IntN(1000))
		}
	}
	return docs
}

func randomRejected(r *rand.Rand, docs []*store.Document) RejectedQuery {
	q := RejectedQuery{Applications: []string{"blog", "shop"}[r.IntN(2):], Limit: 1 + r.IntN(30)}
	if r.IntN(2) == 0 {
		q.From = testStart.Add(time.Duration(r.Int64N(int64(4 * 24 * time.Hour)))).Truncate(time.Microsecond)
	}
	if r.IntN(2) == 0 {
		q.To = testStart.Add(time.Duration(r.Int64N(int64(6 * 24 * time.Hour))))
	}
	if r.IntN(3) == 0 {
		q.From = testStart.Add(12*time.Hour + time.Duration(r.IntN(1000))*time.Second)
	}
	if q.Series = q.From.Before(q.To) && !q.From.IsZero(); q.Series {
		q.Series = r.IntN(3) > 0
	}
	q.ByCode = r.IntN(3) == 0
	switch some := docs[r.IntN(len(docs))]; r.IntN(6) {
	case 0:
		q.Category = some.Category
	case 1:
		q.Name = some.Name
	case 2:
		q.SessionID = some.SessionID
	case 3:
		q.EventID = some.EventID
	case 4:
		q.Code = "unknown_type"
	}
	return q
}

// Every figure is what counting the documents one by one gives, whatever cuts the
// quarters of an hour by which parts count.
func TestRejectedSummaryIsWhatTheDocumentsAre(t *testing.T) {
	for n := range 30 {
		r := rand.New(rand.NewPCG(uint64(n), 41))
		d := newDataset(t, r, rejectedDocuments(r, 150))
		a := New(d)
		for range 20 {
			q := randomRejected(r, d.docs)
			snapshot, err := a.Snapshot(t.Context(), q.Need())
			if err != nil {
				t.Fatal(err)
			}
			got, err := a.RejectedSummary(t.Context(), snapshot, q)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, fmt.Sprintf("%+v", q), naiveSummary(d, &q), got)
		}
	}
}

// openStore returns a store with documents, as of testNow.
func openStore(t *testing.T, docs []*store.Document) *sqlite.Store {
	t.Helper()
	now := func() time.Time { return testNow }
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db"), SweepEvery: -1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.NewWriter(store.WriterConfig{Backend: s, Now: now}).Write(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	return s
}

func naiveSummary(d *dataset, q *RejectedQuery) *api.RejectedSummary {
	type group struct {
		api.RejectedGroup
		sample string
	}
	groups := map[string]*group{}
	summary := &api.RejectedSummary{Groups: []api.RejectedGroup{}}
	either := func(asked, has string) bool { return asked == "" || asked == has }
	for _, doc := range d.docs {
		expired := !doc.ExpiresAt.IsZero() && !doc.ExpiresAt.After(testNow)
		hasCode := q.Code == "" || slices.ContainsFunc(doc.Errors, func(f event.Fault) bool { return f.Code == q.Code })
		if doc.Status == store.Stored || expired || !slices.Contains(q.Applications, doc.Application) || !hasCode ||
			!either(q.Category, doc.Category) || !either(q.Name, doc.Name) || !either(q.SessionID, doc.SessionID) || !either(q.EventID, doc.EventID) ||
			doc.ReceivedAt.Before(q.From) || !q.To.IsZero() && !doc.ReceivedAt.Before(q.To) {
			continue
		}
		summary.Total++
		counted := map[string]bool{}
		for _, f := range doc.Errors {
			parts := []string{doc.Application, doc.Category, doc.Name, f.Code, f.Path}
			if q.ByCode {
				parts = []string{"", "", "", f.Code, ""}
			}
			key := strings.Join(parts, "\x00")
			if counted[key] {
				continue
			}
			counted[key] = true
			g := groups[key]
			if g == nil {
				g = &group{RejectedGroup: api.RejectedGroup{
					Application: parts[0], Category: parts[1], Name: parts[2], Code: parts[3], Path: parts[4],
					FirstSeen: api.TimeOf(doc.ReceivedAt), LastSeen: api.TimeOf(doc.ReceivedAt), SampleID: doc.EventID,
				}, sample: doc.ID}
				groups[key] = g
			}
			g.Count++
			if q.Series {
				if g.Series == nil {
					g.Series = make([]int64, 24)
				}
				g.Series[doc.ReceivedAt.Sub(q.From)*24/q.To.Sub(q.From)]++
			}
			if doc.ReceivedAt.Before(g.FirstSeen.Time) {
				g.FirstSeen = api.TimeOf(doc.ReceivedAt)
			}
			if doc.ReceivedAt.After(g.LastSeen.Time) {
				g.LastSeen = api.TimeOf(doc.ReceivedAt)
			}
			if doc.ID < g.sample {
				g.sample, g.SampleID = doc.ID, doc.EventID
			}
		}
	}
	for _, g := range groups {
		summary.Groups = append(summary.Groups, g.RejectedGroup)
	}
	slices.SortFunc(summary.Groups, func(a, b api.RejectedGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Application, b.Application), cmp.Compare(a.Category, b.Category),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Path, b.Path))
	})
	summary.Groups = summary.Groups[:min(q.Limit, len(summary.Groups))]
	return summary
}

// BenchmarkRejectedSummary counts over 90 days, of whose events one in ten is rejected.
func BenchmarkRejectedSummary(b *testing.B) {
	d := rejectedSeries()
	a := New(d)
	for name, q := range map[string]RejectedQuery{
		"everything": {Applications: []string{"shop"}, Limit: 100},
		"cut":        {Applications: []string{"shop"}, Limit: 100, From: seriesStart.Add(31*time.Hour + time.Minute), To: seriesStart.Add(2000*time.Hour + time.Minute)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := a.Snapshot(b.Context(), q.Need())
				if err != nil {
					b.Fatal(err)
				}
				if got, err := a.RejectedSummary(b.Context(), s, q); err != nil || got.Total == 0 {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// rejectedSeries are as many events as seriesRows says, one in ten rejected.
func rejectedSeries() *dataset {
	rows := seriesRows() / seriesDays
	a := columns.ApplicationViews{Name: "shop"}
	for day := range seriesDays {
		r := rand.New(rand.NewPCG(uint64(day), 5))
		builder := columns.NewBuilder(columns.Key{Application: "shop", Day: seriesStart.Unix()/86400 + int64(day)})
		for i := range rows {
			kind, at := r.IntN(30), seriesStart.AddDate(0, 0, day).Add(time.Duration(i)*24*time.Hour/time.Duration(rows))
			d := &store.Document{
				Status: store.Stored, Application: "shop", EventID: strconv.Itoa(day*rows + i), SessionID: fmt.Sprintf("%08x-0000-4000-8000-%012x", i/20, day),
				Category: fmt.Sprintf("category %d", kind/6), Name: fmt.Sprintf("name %d", kind), Timestamp: at.Truncate(time.Microsecond),
				ReceivedAt: at.Truncate(time.Millisecond), Data: []byte("{}"),
			}
			if d.ID = store.DocumentID(d.Application, d.EventID); i%10 == 0 {
				d.Status, d.Data = store.Rejected, nil
				d.Errors = []event.Fault{{Code: "schema_violation", Path: fmt.Sprintf("/data/%d", r.IntN(3))}}
			}
			if err := builder.Add(d); err != nil {
				panic(err)
			}
		}
		part, err := builder.Build(nil)
		if err != nil {
			panic(err)
		}
		a.Views = append(a.Views, columns.View{Part: part})
	}
	now := seriesStart.Add(seriesDays * 24 * time.Hour)
	return &dataset{snapshot: &columns.Snapshot{AsOf: now, Now: now, Applications: []columns.ApplicationViews{a}}}
}
