package main

import (
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/job"
)

// How a job ended decides the exit code, of its command and of show --wait.
// What show prints without it is no failure.
func TestVerdicts(t *testing.T) {
	const found = `"report": {"newly_rejected": 1, "missing": 1}`
	for _, c := range []struct {
		command, members string
		code             int
		says             string
	}{
		{"replay", `"state": "done"`, 0, ""},
		{"replay", `"state": "done", ` + found, 0, ""},
		{"replay", `"state": "done", "dry_run": true, "report": {"newly_valid": 5, "still_rejected": 7}`, 0, ""},
		{"replay", `"state": "done", "dry_run": true, ` + found, 1, ""},
		{"replay", `"state": "cancelled"`, 1, "replay 1 was cancelled"},
		{"replay", `"state": "cancelled", "dry_run": true, ` + found, 1, "dry run 1 was cancelled"},
		{"replay", `"state": "failed", "error": "no such stream"`, 1, "replay 1 failed: no such stream"},
		{"audit", `"state": "done"`, 0, ""},
		{"audit", `"state": "done", "report": {"stored": 5, "missing": 0}`, 0, ""},
		{"audit", `"state": "done", ` + found, 1, ""},
		{"audit", `"state": "cancelled", "report": {"missing": 0}`, 1, "audit 1 was cancelled"},
		{"audit", `"state": "failed", "error": "x"`, 1, "audit 1 failed: x"},
	} {
		d := newDouble(t, doubled{status: 202, body: `{"id": "1", ` + c.members + `}`})
		for _, args := range [][]string{{c.command}, {c.command, "show", "1", "--wait"}, {c.command, "--json"}} {
			code, out, errs := call(t, append(args, "--url", d.URL)...)
			if code != c.code || out == "" || c.says != "" && !strings.Contains(errs, "theeye: "+c.says+"\n") {
				t.Errorf("%q of %s: %d\n%s%s", args, c.members, code, out, errs)
			}
		}
		if code, out, errs := call(t, c.command, "show", "1", "--url", d.URL); code != daemon.ExitOK || out == "" {
			t.Errorf("show of %s: %d\n%s%s", c.members, code, out, errs)
		}
	}
}

// What no Eye answered is no job.
func TestNoJobs(t *testing.T) {
	for _, body := range []string{``, `[]`, `<html>`, `{}`, `{"id": "1"}`, `{"id": "1", "state": "done", "report": 7}`} {
		d := newDouble(t, doubled{status: 202, body: body})
		for _, args := range [][]string{{"replay"}, {"audit"}, {"replay", "show", "1"}} {
			code, out, errs := call(t, append(args, "--url", d.URL)...)
			if code != daemon.ExitFailure || !strings.Contains(errs, "is --url right?") {
				t.Errorf("%q of %q: %d %q %q", args, body, code, out, errs)
			}
		}
	}
}

func TestTimeLeft(t *testing.T) {
	for _, c := range []struct {
		done, total uint64
		rate        float64
		want        time.Duration
	}{
		{0, 1000, 100, 10 * time.Second},
		{999, 1000, 100, time.Second},
		{1000, 1000, 100, 0},
		{1001, 1000, 100, 0},
		{0, 1000, 0, 0},
		{0, 1000, -1, 0},
		{0, 1 << 63, 0.001, 0},
	} {
		if got := (&jobRecord{Done: c.done, Total: c.total, Rate: c.rate}).left(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// What a job does at the moment is told: the most important thing of it.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		j    jobRecord
		want string
	}{
		{jobRecord{State: job.Running}, " "},
		{jobRecord{State: job.Running, Rate: 1234.5, Done: 1, Total: 12346, Phase: "judging\x1b[2J"}, ` 1234/s, 10s left, judging\x1b[2J`},
		{jobRecord{State: job.Running, Phase: "judging", CancelRequested: true}, " is being cancelled"},
		{jobRecord{State: job.Queued, QueuedBehind: []string{"1"}}, " waits behind 1"},
		{jobRecord{State: job.Queued, QueuedBehind: []string{"1", "2", "3", "4", "5"}}, " waits behind 1, 2, 3 and 2 more"},
		{jobRecord{State: job.Running, QueuedBehind: []string{"1"}}, " "},
	} {
		if got := c.j.pace(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
