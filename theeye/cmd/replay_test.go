package cmd

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/when"
)

// A flag is read in the zone of the clock; an error names the flag and the forms.
func TestTimeFlagReadsEveryForm(t *testing.T) {
	clock := when.Clock{Now: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC), Zone: time.FixedZone("", 3600)}
	for text, want := range map[timeFlag]string{
		"":                          "0001-01-01T00:00:00.000000Z",
		"2026-01-31T08:00:00+02:00": "2026-01-31T06:00:00.000000Z",
		"2026-01-31 08:00:00":       "2026-01-31T07:00:00.000000Z",
		"2026-01-31":                "2026-01-30T23:00:00.000000Z",
		"yesterday":                 "2026-02-27T23:00:00.000000Z",
		"7d":                        "2026-02-22T11:00:00.000000Z",
	} {
		got, err := text.parse("--from", clock)
		if err != nil || got.String() != want {
			t.Errorf("%q is %v, %v; want %s", text, got, err, want)
		}
	}
	for _, wrong := range []timeFlag{"2h ago", "-2h", "7", "2026-13-01T00:00:00Z", " ", "1y"} {
		if got, err := wrong.parse("--from", clock); exitCodeOf(err) != daemon.ExitUsage || !strings.HasPrefix(err.Error(), "--from ") {
			t.Errorf("%q is %v, %v", wrong, got, err)
		}
	}
}

// Flags that are not given are not sent.
func TestJobFlagsBecomeMembersOfTheRequest(t *testing.T) {
	done := clienttest.Answer{Status: 202, Body: `{"id": "1", "state": "done"}`}
	for _, c := range []struct {
		path, body string
		args       []string
	}{
		{"/v1/replays", `{}`, []string{"replay"}},
		{"/v1/replays", `{"dry_run":true}`, []string{"replay", "--dry-run"}},
		{
			"/v1/replays",
			`{"from":"2026-01-31T08:00:00.000000Z","to":"2026-02-01T00:00:00.000000Z","from_seq":3,"to_seq":18446744073709551615,` +
				`"application":"shop","category":"a b","name":"c\"","only":"rejected","code":"unknown_type","rate":5}`,
			[]string{
				"replay", "start", "--from", "2026-01-31 08:00:00", "--to", "2026-02-01T00:00:00Z", "--from-seq", "3",
				"--to-seq", "18446744073709551615", "--application", "shop", "--category", "a b", "--name", `c"`,
				"--only", "rejected", "--code", "unknown_type", "--rate", "5",
			},
		},
		{"/v1/audits", `{}`, []string{"audit"}},
		{"/v1/audits", `{"from_seq":2,"repair":true}`, []string{"audit", "--from-seq", "2", "--repair"}},
		{"/v1/audits", `{"to":"2026-02-01T00:00:00.000000Z","to_seq":9}`, []string{"audit", "start", "--to-seq", "9", "--to", "2026-02-01 00:00:00"}},
	} {
		d := clienttest.NewServer(t, done)
		code, _, errs := call(t, append(c.args, "--url", d.URL, "--note", "why")...)
		if code != daemon.ExitOK || len(d.Requests) != 1 {
			t.Fatalf("%q: %d after %d requests: %s", c.args, code, len(d.Requests), errs)
		}
		r := d.Requests[0]
		got := []string{r.Method, r.URL.Path, r.Header.Get("X-Eye-Note"), d.Bodies[0]}
		if diff := cmp.Diff([]string{"POST", c.path, "why", c.body}, got); diff != "" {
			t.Errorf("%q: %s", c.args, diff)
		}
	}
}

func TestInvalidJobFlagsAreNotSent(t *testing.T) {
	d := clienttest.NewServer(t, clienttest.Answer{Status: 202, Body: `{"id": "1", "state": "done"}`})
	for _, args := range [][]string{
		{"replay", "--only", "stored"},
		{"replay", "--rate", "-1"},
		{"replay", "--dry-run", "--rate", "5"},
		{"replay", "--from", "x"},
		{"replay", "--to", "x"},
		{"replay", "--from-seq", "-1"},
		{"replay", "one"},
		{"replay", "show"},
		{"replay", "cancel"},
		{"replay", "list", "--limit", "0"},
		{"audit", "--application", "shop"},
		{"audit", "--from", "x"},
		{"audit", "show"},
		{"schema", "check"},
	} {
		if code, out, errs := call(t, append(args, "--url", d.URL)...); code != daemon.ExitUsage || out != "" || errs == "" {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
	if len(d.Requests) > 0 {
		t.Errorf("asked %d times", len(d.Requests))
	}
}
