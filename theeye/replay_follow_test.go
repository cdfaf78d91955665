package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/job"
)

const (
	queuedJob  = `{"id": "2", "state": "queued", "queued_behind": ["1"]}`
	runningJob = `{"id": "2", "state": "running", "done": 1, "total": 3, "rate": 1.5, "phase": "judging"}`
	doneJob    = `{"id": "2", "state": "done", "target_revision": 9, "report": {"newly_valid": 3}}`
)

// follows has a job of the double followed, and returns how that ended.
func (d *double) follows(t *testing.T) (j *jobRecord, waits []time.Duration, err error) {
	t.Helper()
	c := d.hasty(t, &waits)
	var out bytes.Buffer
	j, err = replays.follow(t.Context(), &terminal{out: &out, err: &out}, c, &jobRecord{ID: "2", State: job.Queued, kind: replays})
	if out.Len() > 0 {
		t.Errorf("no terminal, but it shows %q", out.String())
	}
	return j, waits, err
}

// A job is followed to its end. That nobody answers for a while does not end
// it: it runs elsewhere.
func TestFollow(t *testing.T) {
	away, broken := doubled{status: 503, body: `{"code": "x"}`}, doubled{status: 502, body: "<html>"}
	d := newDouble(t, doubled{status: 200, body: queuedJob}, away, doubled{status: 200, body: runningJob}, broken, away,
		doubled{status: 429, body: `{"code": "x"}`}, doubled{status: 200, body: doneJob})
	j, waits, err := d.follows(t)
	if err != nil || j.State != job.Done || len(waits) != 7 || len(d.asked) != 7 {
		t.Fatalf("%+v, %v after %d looks", j, err, len(d.asked))
	}
	for i, r := range d.asked {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/replays/2" || waits[i] != lookEvery {
			t.Errorf("look %d: %s %s after %v", i, r.Method, r.URL, waits[i])
		}
	}
}

// Patience is for each absence.
func TestFollowThroughTwoAbsences(t *testing.T) {
	var answers []doubled
	for range 2 {
		for range 3 * int(awayFor/lookEvery) / 4 {
			answers = append(answers, doubled{status: 502})
		}
		answers = append(answers, doubled{status: 200, body: runningJob})
	}
	if j, _, err := newDouble(t, append(answers, doubled{status: 200, body: doneJob})...).follows(t); err != nil || j.State != job.Done {
		t.Errorf("%+v, %v", j, err)
	}
}

// What will not pass is told at once, and what does not pass in the end.
func TestFollowEnds(t *testing.T) {
	for status, code := range map[int]int{401: 2, 404: 1, 503: 3} {
		d := newDouble(t, doubled{status: 200, body: runningJob}, doubled{status: status, body: `{"code": "x"}`})
		j, _, err := d.follows(t)
		if daemon.ExitCode(err) != code || j == nil || j.State != job.Running {
			t.Errorf("%d: %v, %+v", status, err, j)
		}
		if looks := len(d.asked); status != 503 && looks != 2 || looks > 2+int(awayFor/lookEvery) {
			t.Errorf("%d: looked %d times", status, looks)
		}
	}
	d := newDouble(t, doubled{})
	d.Close()
	if _, waits, err := d.follows(t); daemon.ExitCode(err) != daemon.ExitUnreachable || len(waits) < 10 {
		t.Errorf("%v after %d looks", err, len(waits))
	}
}

// Whoever stops waiting is told how the job is found again.
func TestFollowInterrupted(t *testing.T) {
	d := newDouble(t, doubled{status: 200, body: runningJob})
	ctx, cancel := context.WithCancel(t.Context())
	c := d.hasty(t, new([]time.Duration))
	c.pause = func(ctx context.Context, _ time.Duration) error {
		if len(d.asked) == 2 {
			cancel()
		}
		return ctx.Err()
	}
	var out, errs bytes.Buffer
	err := replays.finish(ctx, &terminal{out: &out, err: &errs}, c, &jobRecord{ID: "2", State: job.Queued, kind: replays})
	if !errors.Is(err, errInterrupted) || daemon.ExitCode(err) != daemon.ExitFailure || out.Len() > 0 {
		t.Errorf("%v, %s", err, out.String())
	}
	for _, want := range []string{"replay 2 goes on", "theeye replay show 2", "theeye replay cancel 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// A start is sent once. Whether it arrived is told to be unknown only where it
// is.
func TestStartIsSentOnce(t *testing.T) {
	const hint = "theeye replay list shows whether it was started"
	closed := newDouble(t, doubled{})
	closed.Close()
	for _, c := range []struct {
		d    *double
		code int
		hint bool
	}{
		{newDouble(t, doubled{status: 503, body: `{"code": "x"}`}), 3, true},
		{newDouble(t, doubled{status: 422, body: `{"code": "x"}`}), 2, false},
		{newDouble(t, doubled{status: 429, body: `{"code": "too_many_jobs"}`}), 1, false},
		{closed, 3, false},
	} {
		code, out, errs := call(t, "replay", "--url", c.d.URL)
		if code != c.code || out != "" || strings.Contains(errs, hint) != c.hint || len(c.d.asked) > 1 {
			t.Errorf("%d after %d attempts: %q %q", code, len(c.d.asked), out, errs)
		}
	}
}

// A job that waits says behind which; one that is left alone says how it is
// found again.
func TestQueued(t *testing.T) {
	d := newDouble(t, doubled{status: 202, body: queuedJob}, doubled{status: 200, body: doneJob})
	code, out, errs := call(t, "replay", "--url", d.URL)
	if code != 0 || !strings.Contains(errs, "replay 2 waits behind 1\n") || !strings.HasPrefix(out, "replay 2: done, by revision 9\n3 newly valid") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	d = newDouble(t, doubled{status: 202, body: queuedJob})
	code, out, errs = call(t, "replay", "--no-wait", "--url", d.URL)
	if code != 0 || out != "replay 2: queued behind 1\n" || !strings.Contains(errs, "theeye replay show 2") || len(d.asked) != 1 {
		t.Errorf("%d %q %q", code, out, errs)
	}
	code, out, errs = call(t, "replay", "--no-wait", "--json", "--url", d.URL)
	if code != 0 || out != `{"id":"2","state":"queued","queued_behind":["1"]}`+"\n" || errs != "" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	d = newDouble(t, doubled{status: 200, body: `{"id": "2", "state": "running", "cancel_requested": true}`})
	code, out, _ = call(t, "audit", "cancel", "2", "--url", d.URL)
	if r := d.asked[0]; code != 0 || out != "audit 2: will end in a moment\n" || r.Method != http.MethodDelete || r.URL.Path != "/v1/audits/2" {
		t.Errorf("%d %q %s %s", code, out, r.Method, r.URL)
	}
}
