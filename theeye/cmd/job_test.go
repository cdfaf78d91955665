package cmd

import (
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
)

// The result of a job decides the exit code of its command and of show --wait,
// but not of show.
func TestJobResultDecidesTheExitCode(t *testing.T) {
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
		d := clienttest.NewServer(t, clienttest.Answer{Status: 202, Body: `{"id": "1", ` + c.members + `}`})
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

func TestAnswersWithoutAJobAreForeign(t *testing.T) {
	for _, body := range []string{``, `[]`, `<html>`, `{}`, `{"id": "1"}`, `{"id": "1", "state": "done", "report": 7}`} {
		d := clienttest.NewServer(t, clienttest.Answer{Status: 202, Body: body})
		for _, args := range [][]string{{"replay"}, {"audit"}, {"replay", "show", "1"}} {
			code, out, errs := call(t, append(args, "--url", d.URL)...)
			if code != daemon.ExitFailure || !strings.Contains(errs, "is the URL right?") {
				t.Errorf("%q of %q: %d %q %q", args, body, code, out, errs)
			}
		}
	}
}

func TestTimeLeftIsEstimatedFromTheRate(t *testing.T) {
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
		if got := (&job{Job: api.Job{Done: c.done, Total: c.total, Rate: c.rate}}).timeLeft(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestActivityNamesTheMostImportantFact(t *testing.T) {
	for _, c := range []struct {
		j    api.Job
		want string
	}{
		{api.Job{State: api.JobRunning}, ""},
		{api.Job{State: api.JobRunning, Rate: 1234.5, Done: 1, Total: 12346, Phase: "validating\x1b[2J"}, `1234/s, 10s left, validating\x1b[2J`},
		{api.Job{State: api.JobRunning, Phase: "validating", CancelRequested: true}, "is being cancelled"},
		{api.Job{State: api.JobQueued, QueuedBehind: []string{"1"}}, "waits behind 1"},
		{api.Job{State: api.JobQueued, QueuedBehind: []string{"1", "2", "3", "4", "5"}}, "waits behind 1, 2, 3 and 2 more"},
		{api.Job{State: api.JobRunning, QueuedBehind: []string{"1"}}, ""},
	} {
		if got := (&job{Job: c.j}).activity(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
