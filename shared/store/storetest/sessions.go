package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// sessionsHistory is a history of sessions that overlap, some of one event, some
// in several applications under one id, some with events of one time.
func sessionsHistory() []*store.Document {
	var docs []*store.Document
	for n := range 240 {
		docs = append(docs, With(Event(n), func(d *store.Document) {
			d.Application = []string{"demo", "shop", "blog"}[n%7%3]
			d.SessionID = Session(n * n % 61)
			d.Timestamp = Start().Add(time.Duration(n/2) * time.Minute)
			if n%50 == 0 {
				d.SessionID, d.Timestamp = Session(1000), Start().Add(time.Duration(n-120)*time.Hour)
			}
		}))
	}
	return append(docs, Rejected(500), With(Rejected(501), func(d *store.Document) { d.SessionID = Session(4) }))
}

func testSessions(t *testing.T, s store.Store) {
	docs := sessionsHistory()
	expired := With(Event(9000), func(d *store.Document) {
		// Without it, its session begins later.
		d.SessionID, d.Timestamp, d.ExpiresAt = docs[1].SessionID, Start().Add(-time.Hour), time.Now().Add(-time.Minute)
	})
	_, err := s.Insert(t.Context(), []*store.Document{expired})
	must(t, err)
	write(t, s, docs...)
	from, to := Start().Add(20*time.Minute), Start().Add(90*time.Minute)
	for name, q := range map[string]query.Sessions{
		"everything":       {},
		"no application":   {Applications: []string{}},
		"unknown":          {Applications: []string{"unknown"}},
		"application":      {Applications: []string{"shop"}},
		"two applications": {Applications: []string{"shop", "blog"}},
		"session":          {SessionID: Session(4)},
		"session of one":   {SessionID: Session(1000), Applications: []string{"demo"}},
		"started":          {From: from, To: to},
		"started, finer":   {From: from.Add(1), To: to.Add(1)},
		"active":           {From: from, To: to, Active: true},
		"active of one":    {From: from, To: to, Active: true, Applications: []string{"demo"}},
		"active session":   {From: from, To: to, Active: true, SessionID: Session(1000)},
		"active, open":     {To: to, Active: true},
		"empty range":      {From: to, To: from},
		"events":           {MinEvents: 4},
		"duration":         {MinDuration: 75 * time.Minute, From: from, Active: true},
		"type":             {Category: "page interaction", Name: "submit", From: from},
		"no such type":     {Name: "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, q.Descending = range []bool{false, true} {
				want := countSessions(docs, q)
				for _, q.Limit = range []int{1 + len(want)/3, query.MaxSessions} {
					if diff := gocmp.Diff(want, readSessions(t, s, q)); diff != "" {
						t.Fatalf("descending %v, limit %d (-want +got):\n%s", q.Descending, q.Limit, diff)
					}
				}
			}
		})
	}
}

// readSessions reads all pages.
func readSessions(t *testing.T, s store.Store, q query.Sessions) []query.Session {
	t.Helper()
	var all []query.Session
	for {
		page, err := s.Sessions(t.Context(), q)
		must(t, err)
		all = append(all, page...)
		if len(page) < q.Limit {
			return all
		}
		last := page[len(page)-1].SessionPosition
		q.After = &last
	}
}

// countSessions is a list of sessions, over documents of which none expires.
func countSessions(docs []*store.Document, q query.Sessions) []query.Session {
	byKey := map[query.SessionKey][]*store.Document{}
	for _, d := range docs {
		key := query.SessionKey{Application: d.Application, SessionID: d.SessionID}
		if d.Status == store.Stored && (q.Applications == nil || slices.Contains(q.Applications, d.Application)) &&
			(q.SessionID == "" || q.SessionID == d.SessionID) {
			byKey[key] = append(byKey[key], d)
		}
	}
	inRange := func(d *store.Document) bool {
		return !d.Timestamp.Before(q.From) && (q.To.IsZero() || d.Timestamp.Before(q.To))
	}
	var list []query.Session
	for key, events := range byKey {
		inOrder(events)
		session := countSession(key, events, q)
		listed := inRange(events[0]) || q.Active && slices.ContainsFunc(events, inRange)
		if listed && session.Count >= q.MinEvents && session.Last.Sub(session.First) >= q.MinDuration && session.Matched > 0 {
			list = append(list, session)
		}
	}
	slices.SortFunc(list, func(a, b query.Session) int {
		if q.Descending {
			a, b = b, a
		}
		return compareAll(a.First.Compare(b.First), a.Application, b.Application, a.SessionID, b.SessionID)
	})
	return list
}

// countSession is the session of events in order.
func countSession(key query.SessionKey, events []*store.Document, q query.Sessions) query.Session {
	last := len(events) - 1
	typeOf := func(d *store.Document) query.EventType { return query.EventType{Category: d.Category, Name: d.Name} }
	s := query.Session{
		SessionPosition: query.SessionPosition{First: events[0].Timestamp, SessionKey: key}, Last: events[last].Timestamp,
		Count: int64(len(events)), Entry: typeOf(events[0]), Exit: typeOf(events[last]),
	}
	counts := map[query.EventType]int64{}
	for _, d := range events {
		counts[typeOf(d)]++
		if (q.Category == "" || d.Category == q.Category) && (q.Name == "" || d.Name == q.Name) {
			s.Matched++
		}
	}
	for typ, count := range counts {
		s.Types = append(s.Types, query.TypeCount{EventType: typ, Count: count})
	}
	slices.SortFunc(s.Types, func(a, b query.TypeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Category, b.Category), strings.Compare(a.Name, b.Name))
	})
	if n := len(s.Types); n > query.MaxSessionTypes {
		s.Types, s.TypesOmitted = s.Types[:query.MaxSessionTypes], n-query.MaxSessionTypes
	}
	return s
}

// testManySessions: a page that takes many batches, sessions of which thousands
// begin at one time, and one of more types than are listed.
func testManySessions(t *testing.T, s store.Store) {
	var docs []*store.Document
	for n := range 3000 {
		docs = append(docs, With(Event(n), func(d *store.Document) {
			d.SessionID = Session(n % 2400)
			d.Timestamp = Start().Add(time.Duration(n/1200) * time.Hour)
			if n%1500 == 7 {
				d.Timestamp = Start().Add(-time.Hour)
			}
		}))
	}
	for n := range query.MaxSessionTypes + 20 {
		docs = append(docs, With(Event(5000+n), func(d *store.Document) { d.SessionID, d.Name = Session(9999), fmt.Sprint(n) }))
	}
	for len(docs) > 0 {
		n := min(len(docs), 1000)
		write(t, s, docs[:n]...)
		docs = docs[n:]
	}
	all := readSessions(t, s, query.Sessions{Limit: 1000})
	if len(all) != 2401 {
		t.Errorf("%d sessions, want 2401", len(all))
	}
	q := query.Sessions{Limit: 250, MinEvents: 2, Active: true, From: Start().Add(time.Hour)}
	for _, q.Descending = range []bool{false, true} {
		if got := readSessions(t, s, q); len(got) != 600 {
			t.Errorf("descending %v: %d sessions of two events, want 600", q.Descending, len(got))
		}
	}
	got := readSessions(t, s, query.Sessions{SessionID: Session(9999), Limit: 1})
	if len(got) != 1 || len(got[0].Types) != query.MaxSessionTypes || got[0].TypesOmitted != 20 || got[0].Count != 120 {
		t.Errorf("a session of 120 types is %+v", got)
	}
}

func testSessionBounds(t *testing.T, s store.Store) {
	for _, q := range []query.Sessions{
		{},
		{Limit: -1},
		{Limit: query.MaxSessions + 1},
		{Limit: 1, MinEvents: -1},
		{Limit: 1, MinDuration: -1},
	} {
		if _, err := s.Sessions(t.Context(), q); !errors.Is(err, query.ErrInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	write(t, s, Events(0, 30)...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, active := range []bool{false, true} {
		if _, err := s.Sessions(ctx, query.Sessions{Limit: 1, Active: active, From: Start()}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("sessions with an ended context, active %v: %v", active, err)
		}
	}
}
