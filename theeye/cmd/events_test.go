package cmd

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/theeye/output"
)

// fakeEvents answers pages of n generated events, the newest first.
type fakeEvents struct {
	*httptest.Server
	n        int
	pageSize int // the most events of a page
	queries  []url.Values
}

func newFakeEvents(t *testing.T, n, pageSize int) *fakeEvents {
	t.Helper()
	s := &fakeEvents{n: n, pageSize: pageSize}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		s.queries = append(s.queries, q)
		if id, ok := strings.CutPrefix(r.URL.Path, "/v1/sessions/"); ok && q.Get("limit") == "1" {
			s.writeSession(w, id)
			return
		}
		s.writePage(w, q)
	}))
	t.Cleanup(s.Close)
	t.Setenv("EYE_URL", s.URL)
	t.Setenv("EYE_TOKEN", "token")
	return s
}

func (s *fakeEvents) writePage(w http.ResponseWriter, q url.Values) {
	from, _ := strconv.Atoi(q.Get("cursor"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	to := min(from+limit, from+s.pageSize, s.n)
	events := make([]string, 0, s.pageSize)
	for i := from; i < to; i++ {
		events = append(events, s.eventJSON(i))
	}
	next := "null"
	if to < s.n {
		next = strconv.Quote(strconv.Itoa(to))
	}
	_, _ = fmt.Fprintf(w, `{"events":[%s],"next_cursor":%s}`, strings.Join(events, ","), next)
}

// eventJSON is event n; five events form a session.
func (*fakeEvents) eventJSON(n int) string {
	return fmt.Sprintf(`{"event_id":"%d", "session_id":"s%d","data":{"n": 1.%d00}}`, n, n/5, n)
}

func (*fakeEvents) writeSession(w http.ResponseWriter, id string) {
	if id == "s1" {
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"code":"not_found"}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"session_id":%q,"first":"2026-01-31T08:00:00Z","last":"2026-01-31T08:00:01.5Z","duration_ms":1500,"count":5,`+
		`"entry":null,"exit":{"category":"c","name":"n"},"events":[{}],"next_cursor":"x"}`, id)
}

func TestEventListIsReadUpToTheLimit(t *testing.T) {
	for _, c := range []struct {
		n, pageSize int
		args        []string
		want        int
		limits      string // of the requests
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
		s := newFakeEvents(t, c.n, c.pageSize)
		code, out, errs := call(t, append([]string{"events", "--json", "--category", "a b"}, c.args...)...)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if n := strings.Count(out, "\n"); code != 0 || n != c.want || (errs != "") != c.more {
			t.Errorf("%+v: %d, %d lines, %s", c, code, n, errs)
		}
		limits := make([]string, 0, len(s.queries))
		for i, q := range s.queries {
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

func TestEventFlagsBecomeParameters(t *testing.T) {
	s := newFakeEvents(t, 0, 1)
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
	if d := cmp.Diff([]url.Values{want}, s.queries); d != "" {
		t.Error(d)
	}
}

func TestEventListPrintsTheEventsBeforeAnError(t *testing.T) {
	d := clienttest.NewServer(
		t, clienttest.Answer{Status: 200, Body: `{"events":[{"event_id":"1"}],"next_cursor":"x"}`},
		clienttest.Answer{Status: 400, Body: `{"code":"invalid_cursor","detail":"no"}`},
	)
	t.Setenv("EYE_URL", d.URL)
	code, out, errs := call(t, "events", "--json", "--all")
	if code != daemon.ExitUsage || out != "{\"event_id\":\"1\"}\n" || errs != "theeye: 400 invalid_cursor: no\n" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	for _, body := range []string{`{"events":[1]}`, `{"events":[{"event_id":1}]}`, `<html>`, `{"events":{}}`} {
		d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: body})
		t.Setenv("EYE_URL", d.URL)
		for _, command := range []string{"events", "sessions"} {
			if command == "sessions" && body == `{"events":[{"event_id":1}]}` {
				continue
			}
			if code, _, errs := call(t, command); code != daemon.ExitFailure || !strings.Contains(errs, "is the URL right?") {
				t.Errorf("%s %s: %d %q", command, body, code, errs)
			}
		}
	}
}

// A session that expires while the list is made is left out.
func TestLatestSessionsAreThoseOfTheNewestEvents(t *testing.T) {
	s := newFakeEvents(t, 4000, 1000)
	code, out, errs := call(t, "sessions", "--limit", "3", "--application", "shop")
	want := "SESSION  APPLICATION  FIRST                        LAST                         DURATION  EVENTS  ENTRY  EXIT\n" +
		"s0                    2026-01-31T08:00:00.000000Z  2026-01-31T08:00:01.500000Z  1.5s      5              c / n\n" +
		"s2                    2026-01-31T08:00:00.000000Z  2026-01-31T08:00:01.500000Z  1.5s      5              c / n\n"
	if d := cmp.Diff(want, out); code != 0 || d != "" || errs != "" {
		t.Error(code, d, errs)
	}
	if len(s.queries) != 4 { // one page, three sessions
		t.Errorf("asked %d times", len(s.queries))
	}
	for _, q := range s.queries {
		if q.Get("application") != "shop" {
			t.Errorf("asked for %v", q)
		}
	}
}

func TestSearchForSessionsIsBounded(t *testing.T) {
	s := newFakeEvents(t, 10*maxScannedEvents, 1000)
	var out, errs strings.Builder
	c := sessionsCmd{serverFlags: serverFlags{URL: s.URL}, Limit: 1 << 20}
	ctx, server, stop, err := c.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	ids, err := c.latestIDs(ctx, &output.Printer{Out: &out, Err: &errs}, server)
	if err != nil || len(ids) != maxScannedEvents/5 || len(s.queries) != maxScannedEvents/client.EventPageSize || !strings.Contains(errs.String(), "20000 events") {
		t.Errorf("%d sessions, asked %d times, %q, %v", len(ids), len(s.queries), errs.String(), err)
	}
}

func TestInvalidListFlagsAreUsageErrors(t *testing.T) {
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
