package queryapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
)

func (fx *fixture) listSessions(token, params string) api.SessionPage {
	fx.t.Helper()
	resp, body := fx.do(http.MethodGet, token, "/v1/sessions"+params)
	var page api.SessionPage
	if err := json.Unmarshal([]byte(body), &page); err != nil || resp.StatusCode != http.StatusOK {
		fx.t.Fatalf("%s: %d %v %s", params, resp.StatusCode, err, body)
	}
	return page
}

func sessionID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// short formats the sessions of a page by the ends of their ids.
func short(page api.SessionPage) string {
	var all []string
	for _, s := range page.Sessions {
		all = append(all, fmt.Sprintf("%s/%s:%d-%d", s.Application, strings.TrimLeft(s.SessionID[24:], "0"), s.Count, s.Matched))
	}
	return strings.Join(all, " ")
}

func TestSessionsAreListedWithFiguresOfTheWhole(t *testing.T) {
	fx := newFixtureOnMongo(t)
	at := func(s string) string { return "2026-01-" + s + "Z" }
	fx.putEvents("shop", time.Now(),
		anEvent("1", sessionID(1), "page", "view", at("05T10:00:00")),
		anEvent("2", sessionID(1), "page", "click", at("05T10:00:10.5")),
		anEvent("3", sessionID(1), "page", "view", at("07T10:00:00")),
		anEvent("4", sessionID(2), "form", "submit", at("06T10:00:00")),
		`{"event_id":"5","session_id":"`+sessionID(3)+`"}`)
	fx.putEvents("blog", time.Now(), anEvent("1", sessionID(1), "page", "view", at("06T09:00:00")))
	fx.awaitColumns()

	got := fx.listSessions(operator, "?from=2026-01-05&to=2026-01-06&application=shop")
	day := 48 * time.Hour
	want := []api.SessionSummary{{
		SessionID: sessionID(1), Application: "shop", First: api.TimeOf(time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)),
		Last: api.TimeOf(time.Date(2026, 1, 7, 10, 0, 0, 0, time.UTC)), DurationMS: day.Milliseconds(), Count: 3, Matched: 3,
		Entry: api.EventType{Category: "page", Name: "view"}, Exit: api.EventType{Category: "page", Name: "view"},
		Types: []api.TypeCount{
			{EventType: api.EventType{Category: "page", Name: "view"}, Count: 2},
			{EventType: api.EventType{Category: "page", Name: "click"}, Count: 1},
		},
	}}
	if diff := cmp.Diff(want, got.Sessions); diff != "" || got.TZ != "UTC" || got.AsOf.IsZero() || got.From.String() != "2026-01-05T00:00:00.000000Z" {
		t.Errorf("from %v as of %v (-want +got):\n%s", got.From, got.AsOf, diff)
	}

	const all = "?from=2026-01-01&to=2026-02-01"
	for _, c := range []struct{ token, params, want string }{
		{operator, all, "shop/1:3-3 blog/1:1-1 shop/2:1-1"},
		{operator, all + "&order=desc", "shop/2:1-1 blog/1:1-1 shop/1:3-3"},
		{operator, "?from=2026-01-06&to=2026-01-07", "blog/1:1-1 shop/2:1-1"},
		{operator, "?from=2026-01-07&to=2026-01-08&by=started", ""},
		{operator, "?from=2026-01-07&to=2026-01-08&by=active", "shop/1:3-3"},
		{operator, "?to=2026-01-08&by=active&category=page&name=click", "shop/1:3-1"},
		{operator, all + "&min_events=2", "shop/1:3-3"},
		{operator, all + "&min_seconds=172800", "shop/1:3-3"},
		{operator, all + "&min_seconds=172801", ""},
		{operator, all + "&session_id=" + sessionID(1), "shop/1:3-3 blog/1:1-1"},
		{operator, "", ""}, // nothing in the last seven days
		{analyst, all, "shop/1:3-3 blog/1:1-1 shop/2:1-1"},
		{shopOnly, all, "shop/1:3-3 shop/2:1-1"},
		{shopOnly, all + "&application=shop&category=form", "shop/2:1-1"},
		{noApplication, all, ""},
	} {
		if got := short(fx.listSessions(c.token, c.params)); got != c.want {
			t.Errorf("%s: %q, want %q", c.params, got, c.want)
		}
	}
	for params, want := range map[string]string{
		"?by=ended": "by must be started or active", "?min_events=-1": "min_events must be", "?min_events=x": "min_events must be",
		"?filter=data.a": "invalid_filter", "?from=2999-01-01": "from is in the future", "?event_id=1": "there is no parameter",
		"?from=soon": "from must be a time: RFC 3339",
	} {
		resp, body := fx.do(http.MethodGet, operator, "/v1/sessions"+params)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %q", params, resp.StatusCode, body, want)
		}
	}
	if resp, body := fx.do(http.MethodGet, shopOnly, "/v1/sessions?application=blog"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("another application: %d %s", resp.StatusCode, body)
	}
}

// Every session of a range is on one page, whatever the size of pages, and while
// events arrive. The range of the first page serves the others.
func TestSessionsInPages(t *testing.T) {
	fx := newFixtureOnMongo(t)
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	docs := make([]*store.Document, 0, 150)
	for n := range 150 {
		at := start.Add(time.Duration(n/4) * time.Second).UTC().Format(time.RFC3339)
		docs = append(docs, fx.document("shop", start, anEvent(fmt.Sprint(n), sessionID(n%60), "c", "n", at)))
	}
	fx.writeDocuments(docs...)
	fx.awaitColumns()
	for _, params := range []string{"?from=7d&limit=7", "?from=2h&by=active&limit=11&order=desc", "?limit=59"} {
		var ids []string
		var first api.SessionPage
		for next := ""; ; {
			page := fx.listSessions(operator, params+next)
			if first.AsOf.IsZero() {
				first = page
			}
			if page.From != first.From || page.To != first.To {
				t.Errorf("%s: a later page is from %v to %v, the first from %v to %v", params, page.From, page.To, first.From, first.To)
			}
			for _, s := range page.Sessions {
				ids = append(ids, s.SessionID)
			}
			fx.putEvents("shop", time.Now(), anEvent(fmt.Sprint("late", params, len(ids)), sessionID(100+len(ids)), "c", "n", time.Now().UTC().Format(time.RFC3339Nano)))
			if page.NextCursor == "" {
				break
			}
			next = "&cursor=" + url.QueryEscape(string(page.NextCursor))
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return id >= sessionID(100) })
		slices.Sort(ids)
		if len(ids) != 60 || len(slices.Compact(ids)) != 60 {
			t.Errorf("%s: %d sessions, want 60", params, len(ids))
		}
	}
	whole := fx.listSessions(operator, "?from=2h&limit=7")
	for _, other := range []string{"?from=3h&limit=7", "?from=2h&limit=7&by=active", "?from=2h&min_events=1"} {
		resp, body := fx.do(http.MethodGet, operator, "/v1/sessions"+other+"&cursor="+string(whole.NextCursor))
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, api.CodeInvalidCursor) {
			t.Errorf("a cursor continues %s: %d %s", other, resp.StatusCode, body)
		}
	}
}
