package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/daemon"
)

// shelf answers pages of events that it makes up: n in all, the newest first.
type shelf struct {
	*httptest.Server
	n        int
	heaviest int // that are in one page
	asked    []url.Values
}

func newShelf(t *testing.T, n, heaviest int) *shelf {
	t.Helper()
	s := &shelf{n: n, heaviest: heaviest}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		s.asked = append(s.asked, q)
		if id, ok := strings.CutPrefix(r.URL.Path, "/v1/sessions/"); ok && q.Get("limit") == "1" {
			s.session(w, id)
			return
		}
		s.page(w, q)
	}))
	t.Cleanup(s.Close)
	t.Setenv("EYE_URL", s.URL)
	t.Setenv("EYE_TOKEN", "token")
	return s
}

func (s *shelf) page(w http.ResponseWriter, q url.Values) {
	from, _ := strconv.Atoi(q.Get("cursor"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	to := min(from+limit, from+s.heaviest, s.n)
	events := make([]string, 0, s.heaviest)
	for i := from; i < to; i++ {
		events = append(events, s.event(i))
	}
	next := "null"
	if to < s.n {
		next = strconv.Quote(strconv.Itoa(to))
	}
	_, _ = fmt.Fprintf(w, `{"events":[%s],"next_cursor":%s}`, strings.Join(events, ","), next)
}

// event is the nth one; five events are one session.
func (*shelf) event(n int) string {
	return fmt.Sprintf(`{"event_id":"%d", "session_id":"s%d","data":{"n": 1.%d00}}`, n, n/5, n)
}

func (*shelf) session(w http.ResponseWriter, id string) {
	if id == "s1" {
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"code":"not_found"}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"session_id":%q,"first":"F","last":"L","duration_ms":1500,"count":5,`+
		`"entry":null,"exit":{"category":"c","name":"n"},"events":[{}],"next_cursor":"x"}`, id)
}

// Pages are asked for until there are as many as wanted, and no more.
func TestListing(t *testing.T) {
	for _, c := range []struct {
		n, heaviest int
		args        []string
		want        int
		limits      string // that were asked for
		more        bool
	}{
		{0, 1000, nil, 0, "100", false},
		{50, 1000, nil, 50, "100", false},
		{100, 1000, nil, 100, "100", false},
		{101, 1000, nil, 100, "100", true},
		{101, 30, nil, 100, "100 70 40 10", true},
		{5000, 1000, []string{"--limit", "2500"}, 2500, "1000 1000 500", true},
		{2100, 1000, []string{"--all", "--order", "asc"}, 2100, "1000 1000 1000", false},
	} {
		s := newShelf(t, c.n, c.heaviest)
		code, out, errs := call(t, append([]string{"events", "--json", "--category", "a b"}, c.args...)...)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if n := strings.Count(out, "\n"); code != 0 || n != c.want || (errs != "") != c.more {
			t.Errorf("%+v: %d, %d lines, %s", c, code, n, errs)
		}
		limits := make([]string, 0, len(s.asked))
		for i, q := range s.asked {
			limits = append(limits, q.Get("limit"))
			order := "desc"
			if len(c.args) > 2 {
				order = "asc"
			}
			if q.Get("category") != "a b" || q.Get("order") != order || (q.Get("cursor") == "") != (i == 0) || len(q) > 4 {
				t.Errorf("%+v: asked for %v", c, q)
			}
		}
		if got := strings.Join(limits, " "); got != c.limits {
			t.Errorf("%+v: asked for %s", c, got)
		}
		for i := range c.want {
			if want := fmt.Sprintf(`{"event_id":"%d","session_id":"s%d","data":{"n":1.%d00}}`, i, i/5, i); lines[i] != want {
				t.Fatalf("%+v: line %d is %s", c, i, lines[i])
			}
		}
	}
}

// Every flag becomes a parameter.
func TestSelection(t *testing.T) {
	s := newShelf(t, 0, 1)
	args := []string{
		"rejected", "--application", "shop", "--session", "S", "--category", "c&d", "--name", "%", "--event-id", "e",
		"--from", "F", "--to", "T", "--code", "unknown_type", "--limit", "7", "--order", "asc",
	}
	if code, _, errs := call(t, args...); code != 0 {
		t.Fatal(errs)
	}
	want := url.Values{
		"application": {"shop"}, "session_id": {"S"}, "category": {"c&d"}, "name": {"%"}, "event_id": {"e"},
		"from": {"F"}, "to": {"T"}, "code": {"unknown_type"}, "limit": {"7"}, "order": {"asc"},
	}
	if d := cmp.Diff([]url.Values{want}, s.asked); d != "" {
		t.Error(d)
	}
}

// What was printed before an error stays; the error is told.
func TestListingBreaks(t *testing.T) {
	d := newDouble(
		t, doubled{status: 200, body: `{"events":[{"event_id":"1"}],"next_cursor":"x"}`},
		doubled{status: 400, body: `{"code":"invalid_cursor","detail":"no"}`},
	)
	t.Setenv("EYE_URL", d.URL)
	code, out, errs := call(t, "events", "--json", "--all")
	if code != daemon.ExitUsage || out != "{\"event_id\":\"1\"}\n" || errs != "theeye: 400 invalid_cursor: no\n" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	for _, body := range []string{`{"events":[1]}`, `{"events":[{"event_id":1}]}`, `<html>`, `{"events":{}}`} {
		d := newDouble(t, doubled{status: 200, body: body})
		t.Setenv("EYE_URL", d.URL)
		for _, command := range []string{"events", "sessions"} {
			if command == "sessions" && body == `{"events":[{"event_id":1}]}` {
				continue
			}
			if code, _, errs := call(t, command); code != daemon.ExitFailure || !strings.Contains(errs, "is --url right?") {
				t.Errorf("%s %s: %d %q", command, body, code, errs)
			}
		}
	}
}

// The latest sessions come from the newest events; one that expired meanwhile
// is left out.
func TestLatestSessions(t *testing.T) {
	s := newShelf(t, 4000, 1000)
	code, out, errs := call(t, "sessions", "--limit", "3", "--application", "shop")
	want := "SESSION  APPLICATION  FIRST  LAST  DURATION  EVENTS  ENTRY  EXIT\n" +
		"s0                    F      L     1.5s      5              c / n\n" +
		"s2                    F      L     1.5s      5              c / n\n"
	if d := cmp.Diff(want, out); code != 0 || d != "" || errs != "" {
		t.Error(code, d, errs)
	}
	if len(s.asked) != 4 { // one page, three sessions
		t.Errorf("asked %d times", len(s.asked))
	}
	for _, q := range s.asked {
		if q.Get("application") != "shop" {
			t.Errorf("asked for %v", q)
		}
	}
}

// How many events are looked through is bounded.
func TestLatestSessionsBound(t *testing.T) {
	s := newShelf(t, 10*maxScan, 1000)
	var out, errs strings.Builder
	c := sessionsCmd{remote: remote{URL: s.URL}, Limit: 1 << 20}
	client, err := c.client()
	if err != nil {
		t.Fatal(err)
	}
	ids, err := c.latest(t.Context(), &terminal{out: &out, err: &errs}, client)
	if err != nil || len(ids) != maxScan/5 || len(s.asked) != maxScan/pageSize || !strings.Contains(errs.String(), "20000 events") {
		t.Errorf("%d sessions, asked %d times, %q, %v", len(ids), len(s.asked), errs.String(), err)
	}
}

func TestWrongListing(t *testing.T) {
	for _, args := range [][]string{
		{"events", "--limit", "-1"},
		{"rejected", "--limit", "0"},
		{"rejected", "--summary", "--limit", "1001"},
		{"sessions", "--limit=-1"},
		{"sessions", "an id", "--from", "2026-01-01T00:00:00Z"},
		{"events", "--url", "nowhere"},
		{"rejected", "--url", "nowhere"},
		{"rejected", "--summary", "--url", "nowhere"},
		{"sessions", "--url", "nowhere"},
	} {
		if code, out, errs := call(t, args...); code != daemon.ExitUsage || out != "" || errs == "" {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
}
