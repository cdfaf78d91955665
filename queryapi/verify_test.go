package queryapi_test

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
)

// renaming is a store that gives stored events another name while it is set to: a stand-in
// for a database that was changed by other means, without a mark.
type renaming struct {
	queryapi.Store
	on atomic.Bool
}

func (s *renaming) Scan(ctx context.Context, application string, from, to int64) iter.Seq2[*store.Document, error] {
	return func(yield func(*store.Document, error) bool) {
		for d, err := range s.Store.Scan(ctx, application, from, to) {
			if err == nil && s.on.Load() && d.Status == store.Stored {
				d.Name = "renamed"
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

// Days are verified from the newest on; one that differs in nothing but a name is found.
func TestVerifyColumns(t *testing.T) {
	s := &renaming{}
	fx := newFixtureOnMongo(t, func(c *queryapi.Config) { s.Store, c.Store = c.Store, s })
	now := time.Now()
	fx.writeDocuments(
		fx.document("shop", now.Add(-48*time.Hour), anEvent("event-1", aSession, "c", "n", "2026-01-01T00:00:00Z")),
		fx.document("shop", now.Add(-24*time.Hour), anEvent("event-2", aSession, "c", "n", "2026-01-02T00:00:00Z")),
	)
	verify := func(body string) (a api.VerifyAnswer) {
		t.Helper()
		got := fx.send(http.MethodPost, operator, api.PathStatsVerify, body)
		if got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.raw)
		}
		if err := json.Unmarshal([]byte(got.raw), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	check := func(a api.VerifyAnswer, days, different int) {
		t.Helper()
		if len(a.Days) != days || a.Next != "" || a.Left != 0 {
			t.Fatalf("%+v", a)
		}
		for _, d := range a.Days {
			if d.DifferentSlots != different || d.Rebuilt != (different > 0) || d.Store.Stored != 1 || d.Columns.Stored != 1 || d.Application != "shop" {
				t.Errorf("%+v", d)
			}
		}
	}
	for len(verify(`{}`).Days) < 2 { // the first pass may be before the events
		if t.Context().Err() != nil {
			t.Fatal("the days are not known")
		}
	}
	check(verify(`{}`), 2, 0)
	s.on.Store(true)
	check(verify(`{}`), 2, 1)
	s.on.Store(false)
	check(verify(`{"from":"72h"}`), 2, 1)
	check(verify(`{}`), 2, 0)
	for _, c := range []struct {
		token, body string
		status      int
		code        string
	}{
		{analyst, `{}`, http.StatusForbidden, "forbidden"},
		{operator, `{"after":"shop"}`, http.StatusBadRequest, api.CodeInvalidParameter},
		{operator, `{"from":"2026-01-02","to":"2026-01-01"}`, http.StatusUnprocessableEntity, "invalid_declaration"},
		{operator, `{"days":1}`, http.StatusUnprocessableEntity, "invalid_declaration"},
	} {
		if got := fx.ask(http.MethodPost, c.token, api.PathStatsVerify, c.body); got.status != c.status || got.Code != c.code {
			t.Errorf("%s: %d %s", c.body, got.status, got.raw)
		}
	}
}
