package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/daemon"
)

// listOf is a page of n jobs from the first one on.
func listOf(member string, first, n int, next string) doubled {
	all := make([]string, 0, n)
	for i := range n {
		all = append(all, fmt.Sprintf(`{"id": "j%d", "state": "running", "cancel_requested": true, "note": "a\u001b\nb"}`, first+i))
	}
	return doubled{status: 200, body: fmt.Sprintf(`{%q: [%s], "next_cursor": %s}`, member, strings.Join(all, ","), next)}
}

// Pages are asked for until there are as many as wanted, and no more.
func TestJobLists(t *testing.T) {
	for _, c := range []struct {
		command string
		limit   int
		pages   []doubled
		asked   []string
		want    int
	}{
		{"replay", 20, []doubled{listOf("replays", 0, 0, "null")}, []string{"limit=20"}, 0},
		{"replay", 150, []doubled{listOf("replays", 0, 100, `"c d"`), listOf("replays", 100, 50, `"e"`)}, []string{"limit=100", "cursor=c+d&limit=50"}, 150},
		{"audit", 500, []doubled{listOf("audits", 0, 100, `"c"`), listOf("audits", 100, 3, "null")}, []string{"limit=100", "cursor=c&limit=100"}, 103},
		{"audit", 500, []doubled{listOf("audits", 0, 0, `"c"`)}, []string{"limit=100"}, 0},
	} {
		d := newDouble(t, c.pages...)
		code, out, errs := call(t, c.command, "list", "--limit", fmt.Sprint(c.limit), "--url", d.URL)
		if code != daemon.ExitOK || strings.Count(out, "\n") != 1+c.want || strings.Contains(out, "\x1b") {
			t.Errorf("%+v: %d, %d lines %s", c, code, strings.Count(out, "\n"), errs)
		}
		if c.want > 0 && !strings.Contains(out, fmt.Sprintf("j%d", c.want-1)) || strings.Count(out, "ending") != c.want {
			t.Errorf("%s", out)
		}
		var asked []string
		for _, r := range d.asked {
			asked = append(asked, r.URL.RawQuery)
		}
		if strings.Join(asked, " ") != strings.Join(c.asked, " ") {
			t.Errorf("asked for %q, want %q", asked, c.asked)
		}
	}
	d := newDouble(t, listOf("audits", 0, 2, "null"))
	_, out, _ := call(t, "audit", "list", "--json", "--url", d.URL)
	if !strings.HasPrefix(out, `{"audits":[{"id":"j0","state":"running",`) || strings.Count(out, "\n") != 1 {
		t.Errorf("%s", out)
	}
}
