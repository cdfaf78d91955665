package cmd

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/theeye/output"
)

const (
	queuedJob  = `{"id": "2", "state": "queued", "queued_behind": ["1"]}`
	runningJob = `{"id": "2", "state": "running", "done": 1, "total": 3, "rate": 1.5, "phase": "validating"}`
	doneJob    = `{"id": "2", "state": "done", "target_revision": 9, "report": {"newly_valid": 3}}`
)

// awaitFrom waits for the end of a job of the server.
func awaitFrom(t *testing.T, d *clienttest.Server) (j *job, waits []time.Duration, err error) {
	t.Helper()
	c := d.NewClient(t, &waits)
	var out bytes.Buffer
	j, err = replays.awaitJob(t.Context(), &output.Printer{Out: &out, Err: &out}, c, &job{Job: api.Job{ID: "2", State: api.JobQueued}, kind: replays})
	if out.Len() > 0 {
		t.Errorf("no terminal, but it shows %q", out.String())
	}
	return j, waits, err
}

// The job runs elsewhere, so that a short outage of the server does not matter.
func TestJobIsAwaitedThroughAnOutage(t *testing.T) {
	unavailable, broken := clienttest.Answer{Status: 503, Body: `{"code": "x"}`}, clienttest.Answer{Status: 502, Body: "<html>"}
	d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: queuedJob}, unavailable, clienttest.Answer{Status: 200, Body: runningJob}, broken, unavailable,
		clienttest.Answer{Status: 429, Body: `{"code": "x"}`}, clienttest.Answer{Status: 200, Body: doneJob})
	j, waits, err := awaitFrom(t, d)
	if err != nil || j.State != api.JobDone || len(waits) != 7 || len(d.Requests) != 7 {
		t.Fatalf("%+v, %v after %d requests", j, err, len(d.Requests))
	}
	for i, r := range d.Requests {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/replays/2" || waits[i] != pollInterval {
			t.Errorf("request %d: %s %s after %v", i, r.Method, r.URL, waits[i])
		}
	}
}

func TestEveryOutageHasTheWholeTime(t *testing.T) {
	var answers []clienttest.Answer
	for range 2 {
		for range 3 * int(maxOutage/pollInterval) / 4 {
			answers = append(answers, clienttest.Answer{Status: 502})
		}
		answers = append(answers, clienttest.Answer{Status: 200, Body: runningJob})
	}
	if j, _, err := awaitFrom(t, clienttest.NewServer(t, append(answers, clienttest.Answer{Status: 200, Body: doneJob})...)); err != nil || j.State != api.JobDone {
		t.Errorf("%+v, %v", j, err)
	}
}

func TestPermanentErrorsAndLongOutagesEndTheWait(t *testing.T) {
	for status, code := range map[int]int{401: 2, 404: 1, 503: 3} {
		d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: runningJob}, clienttest.Answer{Status: status, Body: `{"code": "x"}`})
		j, _, err := awaitFrom(t, d)
		if exitCodeOf(err) != code || j == nil || j.State != api.JobRunning {
			t.Errorf("%d: %v, %+v", status, err, j)
		}
		if looks := len(d.Requests); status != 503 && looks != 2 || looks > 2+int(maxOutage/pollInterval) {
			t.Errorf("%d: %d requests", status, looks)
		}
	}
	d := clienttest.NewServer(t, clienttest.Answer{})
	d.Close()
	if _, waits, err := awaitFrom(t, d); exitCodeOf(err) != daemon.ExitUnreachable || len(waits) < 10 {
		t.Errorf("%v after %d requests", err, len(waits))
	}
}

func TestInterruptedCommandSaysHowToFindTheJob(t *testing.T) {
	d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: runningJob})
	ctx, cancel := context.WithCancelCause(t.Context())
	c := d.NewClientWithSleep(t, func(ctx context.Context, _ time.Duration) error {
		if len(d.Requests) == 2 {
			cancel(errInterrupted)
		}
		return ctx.Err()
	})
	var out, errs bytes.Buffer
	err := replays.awaitAndPrint(ctx, &output.Printer{Out: &out, Err: &errs}, c, &job{Job: api.Job{ID: "2", State: api.JobQueued}, kind: replays})
	if !errors.Is(err, errInterrupted) || exitCodeOf(err) != daemon.ExitFailure || out.Len() > 0 {
		t.Errorf("%v, %s", err, out.String())
	}
	for _, want := range []string{"replay 2 goes on", "theeye replay show 2", "theeye replay cancel 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// A failure that leaves open whether the job was started says so.
func TestStartRequestIsSentOnce(t *testing.T) {
	const hint = "theeye replay list shows whether it was started"
	closed := clienttest.NewServer(t, clienttest.Answer{})
	closed.Close()
	for _, c := range []struct {
		d    *clienttest.Server
		code int
		hint bool
	}{
		{clienttest.NewServer(t, clienttest.Answer{Status: 503, Body: `{"code": "x"}`}), 3, true},
		{clienttest.NewServer(t, clienttest.Answer{Status: 422, Body: `{"code": "x"}`}), 2, false},
		{clienttest.NewServer(t, clienttest.Answer{Status: 429, Body: `{"code": "too_many_jobs"}`}), 1, false},
		{closed, 3, false},
	} {
		code, out, errs := call(t, "replay", "--url", c.d.URL)
		if code != c.code || out != "" || strings.Contains(errs, hint) != c.hint || len(c.d.Requests) > 1 {
			t.Errorf("%d after %d attempts: %q %q", code, len(c.d.Requests), out, errs)
		}
	}
}

func TestQueuedJobNamesTheJobsBeforeIt(t *testing.T) {
	d := clienttest.NewServer(t, clienttest.Answer{Status: 202, Body: queuedJob}, clienttest.Answer{Status: 200, Body: doneJob})
	code, out, errs := call(t, "replay", "--url", d.URL)
	if code != 0 || !strings.Contains(errs, "replay 2 waits behind 1\n") || !strings.HasPrefix(out, "replay 2: done, by revision 9\n3 newly valid") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	d = clienttest.NewServer(t, clienttest.Answer{Status: 202, Body: queuedJob})
	code, out, errs = call(t, "replay", "--no-wait", "--url", d.URL)
	if code != 0 || out != "replay 2: queued behind 1\n" || !strings.Contains(errs, "theeye replay show 2") || len(d.Requests) != 1 {
		t.Errorf("%d %q %q", code, out, errs)
	}
	code, out, errs = call(t, "replay", "--no-wait", "--json", "--url", d.URL)
	if code != 0 || out != `{"id":"2","state":"queued","queued_behind":["1"]}`+"\n" || errs != "" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	d = clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: `{"id": "2", "state": "running", "cancel_requested": true}`})
	code, out, _ = call(t, "audit", "cancel", "2", "--url", d.URL)
	if r := d.Requests[0]; code != 0 || out != "audit 2: will end in a moment\n" || r.Method != http.MethodDelete || r.URL.Path != "/v1/audits/2" {
		t.Errorf("%d %q %s %s", code, out, r.Method, r.URL)
	}
}

// A job that no processor takes says so, once, also where no bar is shown.
func TestQueuedJobSaysThatNoProcessorTakesIt(t *testing.T) {
	const waiting = `{"id": "2", "state": "queued", "phase": "waits for a processor; no processor is running"}`
	d := clienttest.NewServer(t, clienttest.Answer{Status: 202, Body: waiting}, clienttest.Answer{Status: 200, Body: waiting},
		clienttest.Answer{Status: 200, Body: doneJob})
	code, out, errs := call(t, "replay", "--url", d.URL)
	if code != 0 || strings.Count(errs, "replay 2 waits for a processor; no processor is running\n") != 1 || !strings.HasPrefix(out, "replay 2: done") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	d = clienttest.NewServer(t, clienttest.Answer{Status: 202, Body: waiting})
	code, out, _ = call(t, "audit", "--no-wait", "--url", d.URL)
	if code != 0 || out != "audit 2: queued, waits for a processor; no processor is running\n" {
		t.Errorf("%d %q", code, out)
	}
}
