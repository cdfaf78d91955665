package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
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
		s.writePage(w, q, map[string]string{"/v1/sessions": "sessions"}[r.URL.Path])
	}))
	t.Cleanup(s.Close)
	t.Setenv("EYE_URL", s.URL)
	t.Setenv("EYE_TOKEN", "token")
	return s
}

func (s *fakeEvents) writePage(w http.ResponseWriter, q url.Values, member string) {
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
	_, _ = fmt.Fprintf(w, `{%q:[%s],"next_cursor":%s}`, cmp.Or(member, "events"), strings.Join(events, ","), next)
}

// eventJSON is event n; five events form a session.
func (*fakeEvents) eventJSON(n int) string {
	return fmt.Sprintf(`{"event_id":"%d", "session_id":"s%d","data":{"n": 1.%d00}}`, n, n/5, n)
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
		want := c.want
		if c.more {
			want++ // the line that says so
			if end := lines[len(lines)-1]; code != daemon.ExitFailure || !strings.HasPrefix(end, `{"_end":true,"complete":false,"next_cursor":"`) {
				t.Errorf("%+v: %d, ends with %s", c, code, end)
			}
		}
		if n := strings.Count(out, "\n"); (code != 0) != c.more || n != want || (errs != "") != c.more {
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
		"--from", "2026-01-31", "--to", "7d", "--code", "unknown_type", "--limit", "7", "--order", "asc",
	}
	if code, _, errs := call(t, args...); code != 0 {
		t.Fatal(errs)
	}
	want := url.Values{
		"application": {"shop"}, "session_id": {"S"}, "category": {"c&d"}, "name": {"%"}, "event_id": {"e"},
		"from": {"2026-01-31T00:00:00.000000Z"}, "to": {"7d"}, "code": {"unknown_type"}, "limit": {"7"}, "order": {"asc"},
	}
	if d := gocmp.Diff([]url.Values{want}, s.queries); d != "" {
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
	if code != daemon.ExitUsage || out != "{\"event_id\":\"1\"}\n{\"_end\":true,\"complete\":false,\"next_cursor\":\"x\"}\n" || errs != "theeye: 400 invalid_cursor: no\n" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	for _, body := range []string{`{"events":[1]}`, `{"events":[{"event_id":1}]}`, `<html>`, `{"events":{}}`} {
		d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: body})
		t.Setenv("EYE_URL", d.URL)
		for _, command := range []string{"events", "rejected"} {
			if code, _, errs := call(t, command); code != daemon.ExitFailure || !strings.Contains(errs, "is the URL right?") {
				t.Errorf("%s %s: %d %q", command, body, code, errs)
			}
		}
	}
}

// A list is whole, or says so: in its JSON and by its exit code, and where the
// next page begins.
func TestSessionsAreWholeOrSayThatTheyAreNot(t *testing.T) {
	for _, c := range []struct {
		args  string
		count int
		code  int
		end   string
	}{
		{"", 20, 1, `],"complete":false,"next_cursor":"20"}`},
		{"--limit 7", 7, 1, `],"complete":false,"next_cursor":"7"}`},
		{"--limit 5000", 2500, 0, `],"complete":true}`},
		{"--all", 2500, 0, `],"complete":true}`},
		{"--all --cursor 2490", 10, 0, `],"complete":true}`},
	} {
		s := newFakeEvents(t, 2500, 1000)
		code, out, errs := call(t, append([]string{"sessions", "--json", "--application", "shop", "--by", "active", "--min-duration", "1m"}, strings.Fields(c.args)...)...)
		var whole struct{ Sessions []struct{} }
		if err := json.Unmarshal([]byte(out), &whole); err != nil || len(whole.Sessions) != c.count || code != c.code || !strings.HasSuffix(out, c.end+"\n") {
			t.Errorf("%q: %d, %d sessions, %v, …%s %s", c.args, code, len(whole.Sessions), err, out[max(0, len(out)-80):], errs)
		}
		for _, q := range s.queries {
			if q.Get("application") != "shop" || q.Get("by") != "active" || q.Get("min_seconds") != "60" || q.Get("order") != "desc" {
				t.Errorf("asked for %v", q)
			}
		}
	}
	newFakeEvents(t, 2500, 1000)
	for args, want := range map[string]int{"": 1, "--limit 7": 0, "--all": 0} {
		if code, _, errs := call(t, append([]string{"sessions"}, strings.Fields(args)...)...); code != want || (errs == "") != (args == "--all") {
			t.Errorf("a table of %q: %d %s", args, code, errs)
		}
	}
}

// Every other list that a command prints says the same.
func TestEveryListIsWholeOrSaysThatItIsNot(t *testing.T) {
	for command, member := range map[string]string{
		"replay list": "replays", "audit list": "audits", "schema history a b": "versions", "changes": "changes",
	} {
		for next, want := range map[string]int{`"c"`: 1, "null": 0} {
			d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: `{"` + member + `":[{"seq":1}],"next_cursor":` + next + `}`})
			args := append(strings.Fields(command), "--url", d.URL)
			code, out, errs := call(t, append(args, "--json", "--limit", "1")...)
			if code != want || strings.Contains(out, `"complete":true`) != (want == 0) || strings.Contains(out, `"next_cursor":"c"`) != (want == 1) {
				t.Errorf("%s --json: %d %s %s", command, code, out, errs)
			}
			if code, _, errs := call(t, append(args, "--limit", "1")...); code != 0 || (errs != "") != (want == 1) {
				t.Errorf("%s: %d %s", command, code, errs)
			}
		}
	}
	for command, body := range map[string]string{
		"types":                           `{"types":[{}],"truncated":true}`,
		"rejected --summary":              `{"groups":[` + strings.Repeat("{},", 100) + `{}]}`,
		"rejected --summary --limit 1000": `{"groups":[` + strings.Repeat("{},", 999) + `{}]}`,
	} {
		d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: body})
		code, out, errs := call(t, append(strings.Fields(command), "--json", "--url", d.URL)...)
		if code != 1 || !strings.HasSuffix(out, `"complete":false}`+"\n") || errs == "" {
			t.Errorf("%s: %d %s %s", command, code, out[max(0, len(out)-80):], errs)
		}
	}
	for command, body := range map[string]string{
		"app list": `{"applications":[]}`, "token list": `{"tokens":[{}]}`, "schema list": `{"schemas":[{}]}`, "types": `{"types":[]}`,
		"rejected --summary": `{"groups":[` + strings.Repeat("{},", 99) + `{}]}`,
	} {
		d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: body})
		if code, out, errs := call(t, append(strings.Fields(command), "--json", "--url", d.URL)...); code != 0 || !strings.HasSuffix(out, `"complete":true}`+"\n") {
			t.Errorf("%s: %d %s %s", command, code, out, errs)
		}
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
