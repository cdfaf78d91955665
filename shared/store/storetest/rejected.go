package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

var (
	faultPath    = event.Fault{Code: event.CodeSchemaViolation, Path: "/data/path", Message: "path is required"}
	faultHost    = event.Fault{Code: event.CodeSchemaViolation, Path: "/data/host", Message: "host is required"}
	faultSession = event.Fault{Code: event.CodeInvalidSessionID, Path: "/session_id", Message: "session_id is missing"}
)

// rejectedHistory returns rejected events in the order of their received times,
// which fall on equal milliseconds and into another order than timestamps.
func rejectedHistory() []*store.Document {
	docs := make([]*store.Document, 60)
	for i := range docs {
		faults := [][]event.Fault{{faultPath}, {faultPath, faultHost, faultPath}, {faultSession}}[i%3]
		docs[i] = With(Rejected(i, faults...), func(d *store.Document) {
			d.Application = []string{"demo", "shop"}[i%2]
			d.ReceivedAt = Start().Add(time.Duration(i/2) * time.Millisecond)
			d.Timestamp = Start().Add(time.Duration(-i) * time.Hour)
			if i%3 == 2 {
				d.SessionID = ""
			}
		})
	}
	slices.SortFunc(docs, func(a, b *store.Document) int {
		if c := a.ReceivedAt.Compare(b.ReceivedAt); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return docs
}

func testRejected(t *testing.T, s store.Store) {
	docs := rejectedHistory()
	write(t, s, append(slices.Clone(docs), Events(1000, 20)...)...)
	from, to := docs[10].ReceivedAt, docs[40].ReceivedAt
	for name, c := range map[string]struct {
		q    store.RejectedQuery
		keep func(*store.Document) bool
	}{
		"everything":     {store.RejectedQuery{}, func(*store.Document) bool { return true }},
		"no application": {store.RejectedQuery{Applications: []string{}}, func(*store.Document) bool { return false }},
		"application":    {store.RejectedQuery{Applications: []string{"shop"}}, func(d *store.Document) bool { return d.Application == "shop" }},
		"code": {store.RejectedQuery{Code: event.CodeSchemaViolation}, func(d *store.Document) bool {
			return d.Errors[0].Code == event.CodeSchemaViolation
		}},
		"code and more": {
			store.RejectedQuery{Code: event.CodeSchemaViolation, Applications: []string{"demo"}, Category: "page interaction", Name: "pageview", From: from, To: to},
			func(d *store.Document) bool {
				return d.Errors[0].Code == event.CodeSchemaViolation && d.Application == "demo" && d.Name == "pageview" &&
					!d.ReceivedAt.Before(from) && d.ReceivedAt.Before(to)
			},
		},
		"unknown code": {store.RejectedQuery{Code: "nothing"}, func(*store.Document) bool { return false }},
		"session":      {store.RejectedQuery{SessionID: Session(1)}, func(d *store.Document) bool { return d.SessionID == Session(1) }},
		"event id":     {store.RejectedQuery{EventID: docs[3].EventID}, func(d *store.Document) bool { return d == docs[3] }},
		"event id and code": {
			store.RejectedQuery{EventID: docs[3].EventID, Code: docs[3].Errors[0].Code},
			func(d *store.Document) bool { return d == docs[3] },
		},
		"event id and another code": {store.RejectedQuery{EventID: docs[3].EventID, Code: "nothing"}, func(*store.Document) bool { return false }},
		"range": {store.RejectedQuery{From: from, To: to}, func(d *store.Document) bool {
			return !d.ReceivedAt.Before(from) && d.ReceivedAt.Before(to)
		}},
		"range finer than what is kept": {store.RejectedQuery{From: from.Add(1), To: to.Add(1)}, func(d *store.Document) bool {
			return d.ReceivedAt.After(from) && !d.ReceivedAt.After(to)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := slices.DeleteFunc(slices.Clone(docs), func(d *store.Document) bool { return !c.keep(d) })
			for _, c.q.Limit = range []int{1000, 1, 4} {
				expectRejectedPages(t, s, c.q, want)
			}
		})
	}
}

func expectRejectedPages(t *testing.T, s store.Store, q store.RejectedQuery, want []*store.Document) {
	t.Helper()
	want = slices.Clone(want)
	for _, q.Descending = range []bool{false, true} {
		var all []*store.Document
		for q.After = nil; ; {
			page, err := s.Rejected(t.Context(), q)
			must(t, err)
			all = append(all, page...)
			if len(page) < q.Limit {
				break
			}
			last := page[len(page)-1]
			q.After = &store.Position{Time: last.ReceivedAt, ID: last.ID}
		}
		if diff := cmp.Diff(want, all, cmp.Transformer("id", func(d *store.Document) string { return d.ID })); diff != "" && len(want)+len(all) > 0 {
			t.Fatalf("descending %v, limit %d (-want +got):\n%s", q.Descending, q.Limit, diff)
		}
		slices.Reverse(want)
	}
}

func testSummary(t *testing.T, s store.Store) {
	docs := rejectedHistory()
	write(t, s, append(slices.Clone(docs), Events(1000, 20)...)...)
	q := store.RejectedQuery{Applications: []string{"demo"}, Limit: 1000}
	for _, code := range []string{"", event.CodeInvalidSessionID, "nothing"} {
		q.Code = code
		got, err := s.RejectedSummary(t.Context(), q)
		must(t, err)
		want := summarise(docs, func(d *store.Document) bool {
			has := func(f event.Fault) bool { return f.Code == code }
			return d.Application == "demo" && (code == "" || slices.ContainsFunc(d.Errors, has))
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("code %q (-want +got):\n%s", code, diff)
		}
	}
	q = store.RejectedQuery{From: docs[10].ReceivedAt, To: docs[40].ReceivedAt, Limit: 2}
	got, err := s.RejectedSummary(t.Context(), q)
	must(t, err)
	want := summarise(docs, func(d *store.Document) bool {
		return !d.ReceivedAt.Before(q.From) && d.ReceivedAt.Before(q.To)
	})[:2]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("range (-want +got):\n%s", diff)
	}
}

// summarise is RejectedSummary over a list.
func summarise(docs []*store.Document, keep func(*store.Document) bool) []store.RejectedGroup {
	type key struct{ application, category, name, code, path string }
	groups := make(map[key]*store.RejectedGroup)
	for _, d := range docs {
		if !keep(d) {
			continue
		}
		counted := make(map[key]bool)
		for _, f := range d.Errors {
			k := key{d.Application, d.Category, d.Name, f.Code, f.Path}
			if counted[k] {
				continue
			}
			counted[k] = true
			g := groups[k]
			if g == nil {
				g = &store.RejectedGroup{
					Application: d.Application, Category: d.Category, Name: d.Name, Code: f.Code, Path: f.Path,
					First: d.ReceivedAt, SampleID: d.ID, SampleEventID: d.EventID,
				}
				groups[k] = g
			}
			g.Count++
			g.Last = d.ReceivedAt
			if d.ID < g.SampleID {
				g.SampleID, g.SampleEventID = d.ID, d.EventID
			}
		}
	}
	var list []store.RejectedGroup
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b store.RejectedGroup) int {
		return compareAll(int(b.Count-a.Count), a.Application, b.Application, a.Category, b.Category,
			a.Name, b.Name, a.Code, b.Code, a.Path, b.Path)
	})
	return list
}

// testReasonsChange: after a replacement, queries by code know the new reasons
// and no longer the old ones.
func testReasonsChange(t *testing.T, s store.Store) {
	byCode := func(code string) []*store.Document {
		t.Helper()
		docs, err := s.Rejected(t.Context(), store.RejectedQuery{Code: code, Limit: 10})
		must(t, err)
		return docs
	}
	at := func(revision uint64, d *store.Document) *store.Document { return place(d, 1, revision) }
	first := at(1, Rejected(0, faultPath, faultHost))
	write(t, s, first)
	expectIDs(t, byCode(faultPath.Code), nil, first)

	write(t, s, at(2, Rejected(0, faultSession)))
	expectIDs(t, byCode(faultPath.Code), nil)
	expectIDs(t, byCode(faultSession.Code), nil, first)

	write(t, s, at(3, Event(0)))
	expectIDs(t, byCode(faultSession.Code), nil)
	groups, err := s.RejectedSummary(t.Context(), store.RejectedQuery{Limit: 10})
	must(t, err)
	if len(groups) != 0 {
		t.Fatalf("groups of nothing: %+v", groups)
	}
	write(t, s, at(4, Rejected(0, faultHost)))
	expectIDs(t, byCode(faultHost.Code), nil, first)
}
