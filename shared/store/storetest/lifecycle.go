package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

func testPrepare(t *testing.T, s store.Store) {
	ctx := t.Context()
	if err := s.Ready(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("ready before it is prepared: %v", err)
	}
	must(t, s.Prepare(ctx))
	must(t, s.Ready(ctx))
	write(t, s, Event(0))
	must(t, s.RaiseRevision(ctx, 3))
	must(t, s.Prepare(ctx)) // again, over existing data
	must(t, s.Ready(ctx))
	expectKept(t, s, Event(0))
	revision, err := s.HighestRevision(ctx)
	must(t, err)
	if revision != 3 {
		t.Fatalf("revision after the second preparation is %d", revision)
	}
}

func testRevision(t *testing.T, s store.Store) {
	expect := func(want uint64) {
		t.Helper()
		got, err := s.HighestRevision(t.Context())
		must(t, err)
		if got != want {
			t.Fatalf("revision is %d, want %d", got, want)
		}
	}
	expect(0)
	must(t, s.RaiseRevision(t.Context(), 5))
	expect(5)
	must(t, s.RaiseRevision(t.Context(), 4))
	expect(5)
	var wg sync.WaitGroup
	for r := range uint64(20) {
		wg.Go(func() {
			if err := s.RaiseRevision(t.Context(), 100-r); err != nil {
				t.Errorf("raise to %d: %v", 100-r, err)
			}
		})
	}
	wg.Wait()
	expect(100)
}

func testExpiry(t *testing.T, s store.Store) {
	expiring := func(d *store.Document, in time.Duration) *store.Document {
		return With(d, func(d *store.Document) { d.ExpiresAt = time.Now().UTC().Add(in).Truncate(time.Millisecond) })
	}
	alive := []*store.Document{expiring(Event(0), time.Hour), Event(2)}
	// The writer would skip these: they expired after they were written.
	dead := []*store.Document{expiring(Event(1), -time.Second), expiring(Rejected(40), -time.Second)}
	_, err := s.Insert(t.Context(), append(dead, alive...))
	must(t, err)

	expectKept(t, s, alive...)
	expectAbsent(t, s, idsOf(dead)...)
	for _, f := range []query.Filter{
		{}, {SessionID: Session(0)}, {Category: alive[0].Category}, {Applications: []string{"demo"}},
	} {
		got, err := s.Find(t.Context(), query.Events{Filter: f, Limit: 10})
		expectIDs(t, got, err, alive...)
	}
	session, err := s.SummarizeSession(t.Context(), nil, Session(0))
	must(t, err)
	if session.Count != 2 {
		t.Errorf("session counts %+v, want 2 events", session)
	}
	rejected, err := s.Find(t.Context(), query.Events{Rejected: true, Limit: 10})
	expectIDs(t, rejected, err)
	expectResults(t, write(t, s, expiring(Event(3), -time.Second)), store.Expired)
}

func testBounds(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, limit := range []int{-1, 0, 1001} {
		_, events := s.Find(ctx, query.Events{Limit: limit})
		_, rejected := s.Find(ctx, query.Events{Rejected: true, Limit: limit})
		for _, err := range []error{events, rejected} {
			if !errors.Is(err, query.ErrInvalid) {
				t.Errorf("limit %d: %v", limit, err)
			}
		}
	}
	_, err := s.Lookup(ctx, make([]string, 10_001))
	if !errors.Is(err, query.ErrInvalid) {
		t.Errorf("10,001 ids: %v", err)
	}
	write(t, s, Events(0, 2500)...) // more than one bulk
	ids := idsOf(Events(0, 10_000))
	docs, err := s.Lookup(ctx, ids)
	must(t, err)
	if len(docs) != 2500 {
		t.Errorf("%d documents of 10,000 ids, want 2500", len(docs))
	}
	docs, err = s.Lookup(ctx, nil)
	expectIDs(t, docs, err)
}

func testEndedContext(t *testing.T, s store.Store) {
	write(t, s, Event(0))
	ctx := endedContext(t)
	_, write := store.NewWriter(store.WriterConfig{Backend: s}).Write(ctx, Events(1, 1))
	_, events := s.Find(ctx, query.Events{Limit: 1})
	_, lookup := s.Lookup(ctx, []string{Event(0).ID})
	for call, err := range map[string]error{"Write": write, "Events": events, "Lookup": lookup, "Ready": s.Ready(ctx)} {
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context: %v", call, err)
		}
	}
}

func endedContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
