package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query"
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
		filter query.Filter
		keep   func(*store.Document) bool
	}{
		"everything":     {query.Filter{}, func(*store.Document) bool { return true }},
		"no application": {query.Filter{Applications: []string{}}, func(*store.Document) bool { return false }},
		"application":    {query.Filter{Applications: []string{"shop"}}, func(d *store.Document) bool { return d.Application == "shop" }},
		"code": {query.Filter{Code: event.CodeSchemaViolation}, func(d *store.Document) bool {
			return d.Errors[0].Code == event.CodeSchemaViolation
		}},
		"code and more": {
			query.Filter{Code: event.CodeSchemaViolation, Applications: []string{"demo"}, Category: "page interaction", Name: "pageview", From: from, To: to},
			func(d *store.Document) bool {
				return d.Errors[0].Code == event.CodeSchemaViolation && d.Application == "demo" && d.Name == "pageview" &&
					!d.ReceivedAt.Before(from) && d.ReceivedAt.Before(to)
			},
		},
		"code and path": {
			query.Filter{Code: faultHost.Code, Path: &faultHost.Path},
			func(d *store.Document) bool { return len(d.Errors) == 3 },
		},
		"code and another path": {
			query.Filter{Code: faultHost.Code, Path: &faultSession.Path}, func(*store.Document) bool { return false },
		},
		"code and no path": {query.Filter{Code: faultHost.Code, Path: new(string)}, func(*store.Document) bool { return false }},
		"event id, code and path": {
			query.Filter{EventID: docs[4].EventID, Code: faultHost.Code, Path: &faultHost.Path},
			func(d *store.Document) bool { return d == docs[4] },
		},
		"event id, code and another path": {
			query.Filter{EventID: docs[3].EventID, Code: faultHost.Code, Path: &faultHost.Path},
			func(*store.Document) bool { return false },
		},
		"unknown code": {query.Filter{Code: "nothing"}, func(*store.Document) bool { return false }},
		"session":      {query.Filter{SessionID: Session(1)}, func(d *store.Document) bool { return d.SessionID == Session(1) }},
		"event id":     {query.Filter{EventID: docs[3].EventID}, func(d *store.Document) bool { return d == docs[3] }},
		"event id and code": {
			query.Filter{EventID: docs[3].EventID, Code: docs[3].Errors[0].Code},
			func(d *store.Document) bool { return d == docs[3] },
		},
		"event id and another code": {query.Filter{EventID: docs[3].EventID, Code: "nothing"}, func(*store.Document) bool { return false }},
		"range": {query.Filter{From: from, To: to}, func(d *store.Document) bool {
			return !d.ReceivedAt.Before(from) && d.ReceivedAt.Before(to)
		}},
		"range finer than the precision kept": {query.Filter{From: from.Add(1), To: to.Add(1)}, func(d *store.Document) bool {
			return d.ReceivedAt.After(from) && !d.ReceivedAt.After(to)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := slices.DeleteFunc(slices.Clone(docs), func(d *store.Document) bool { return !c.keep(d) })
			limits := []int{1000, 4}
			if name == "range" {
				limits = append(limits, 1)
			}
			for _, limit := range limits {
				expectPages(t, s, query.Events{Filter: c.filter, Rejected: true, Limit: limit}, want)
			}
		})
	}
}

// testReasonsChange: after a replacement, queries by code know the new reasons
// and no longer the old ones.
func testReasonsChange(t *testing.T, s store.Store) {
	byCode := func(code string) []*store.Document {
		t.Helper()
		docs, err := s.Find(t.Context(), query.Events{Filter: query.Filter{Code: code}, Rejected: true, Limit: 10})
		must(t, err)
		return docs
	}
	at := func(revision uint64, d *store.Document) *store.Document { return atOrigin(d, 1, revision) }
	first := at(1, Rejected(0, faultPath, faultHost))
	write(t, s, first)
	expectIDs(t, byCode(faultPath.Code), nil, first)

	write(t, s, at(2, Rejected(0, faultSession)))
	expectIDs(t, byCode(faultPath.Code), nil)
	expectIDs(t, byCode(faultSession.Code), nil, first)

	write(t, s, at(3, Event(0)))
	expectIDs(t, byCode(faultSession.Code), nil)
	write(t, s, at(4, Rejected(0, faultHost)))
	expectIDs(t, byCode(faultHost.Code), nil, first)

	// A code and a path are those of one reason.
	write(t, s, at(5, Rejected(0, faultHost, faultSession)))
	for _, f := range []event.Fault{faultHost, {Code: faultHost.Code, Path: faultSession.Path}} {
		docs, err := s.Find(t.Context(), query.Events{Filter: query.Filter{Code: f.Code, Path: &f.Path}, Rejected: true, Limit: 10})
		must(t, err)
		if found := len(docs) == 1; found != (f.Path == faultHost.Path) {
			t.Errorf("%s at %s: %d events", f.Code, f.Path, len(docs))
		}
	}
}
