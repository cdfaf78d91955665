package cmd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
)

// jobPage is a page of n jobs, numbered from first.
func jobPage(member string, first, n int, next string) clienttest.Answer {
	all := make([]string, 0, n)
	for i := range n {
		all = append(all, fmt.Sprintf(`{"id": "j%d", "state": "running", "cancel_requested": true, "note": "a\u001b\nb"}`, first+i))
	}
	return clienttest.Answer{Status: 200, Body: fmt.Sprintf(`{%q: [%s], "next_cursor": %s}`, member, strings.Join(all, ","), next)}
}

func TestJobListIsReadUpToTheLimit(t *testing.T) {
	for _, c := range []struct {
		command string
		limit   int
		pages   []clienttest.Answer
		asked   []string
		want    int
	}{
		{"replay", 20, []clienttest.Answer{jobPage("replays", 0, 0, "null")}, []string{"limit=20"}, 0},
		{"replay", 150, []clienttest.Answer{jobPage("replays", 0, 100, `"c d"`), jobPage("replays", 100, 50, `"e"`)}, []string{"limit=100", "cursor=c+d&limit=50"}, 150},
		{"audit", 500, []clienttest.Answer{jobPage("audits", 0, 100, `"c"`), jobPage("audits", 100, 3, "null")}, []string{"limit=100", "cursor=c&limit=100"}, 103},
		{"audit", 500, []clienttest.Answer{jobPage("audits", 0, 0, `"c"`), jobPage("audits", 0, 0, "null")}, []string{"limit=100", "cursor=c&limit=100"}, 0},
	} {
		d := clienttest.NewServer(t, c.pages...)
		code, out, errs := call(t, c.command, "list", "--limit", fmt.Sprint(c.limit), "--url", d.URL)
		if code != daemon.ExitOK || strings.Count(out, "\n") != 1+c.want || strings.Contains(out, "\x1b") {
			t.Errorf("%+v: %d, %d lines %s", c, code, strings.Count(out, "\n"), errs)
		}
		if c.want > 0 && !strings.Contains(out, fmt.Sprintf("j%d", c.want-1)) || strings.Count(out, "ending") != c.want {
			t.Errorf("%s", out)
		}
		var asked []string
		for _, r := range d.Requests {
			asked = append(asked, r.URL.RawQuery)
		}
		if strings.Join(asked, " ") != strings.Join(c.asked, " ") {
			t.Errorf("asked for %q, want %q", asked, c.asked)
		}
	}
	d := clienttest.NewServer(t, jobPage("audits", 0, 2, "null"))
	_, out, _ := call(t, "audit", "list", "--json", "--url", d.URL)
	if !strings.HasPrefix(out, `{"audits":[{"id":"j0","state":"running",`) || strings.Count(out, "\n") != 1 {
		t.Errorf("%s", out)
	}
}
