package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/job"
)

// A job that takes long has a bar, which is not over when it is full.
func TestJobBar(t *testing.T) {
	var out bytes.Buffer
	quick := &jobBar{w: &out, began: time.Now()}
	quick.update(&jobRecord{ID: "1", kind: replays, Done: 1, Total: 3})
	quick.stop()
	if out.Len() != 0 {
		t.Errorf("shown at once: %q", out.String())
	}
	long := &jobBar{w: &out, began: time.Now().Add(-showAfter)}
	for _, j := range []jobRecord{
		{Done: 0, Total: 0}, {Done: 3, Total: 3}, {Done: 5, Total: 20, Rate: 5, Phase: "sweeping\x1b[2J"},
	} {
		j.ID, j.kind, j.State = "1", replays, job.Running
		long.update(&j)
		if long.shown.Completed() {
			t.Errorf("over at %d of %d", j.Done, j.Total)
		}
	}
	long.stop()
	long.stop()
	shown := out.String()
	if !strings.Contains(shown, "replay 1 5 / 20 ") || !strings.Contains(shown, ` 5/s, 3s left, sweeping\x1b[2J`) {
		t.Errorf("shows %q", shown)
	}
	long.update(&jobRecord{ID: "1", kind: replays, Total: 7})
	if out.String() != shown {
		t.Errorf("shown after its end: %q", out.String())
	}
}

// Piped output has no bar.
func TestJobBarElsewhere(t *testing.T) {
	var out, errs bytes.Buffer
	b := (&terminal{out: &out, err: &errs}).jobBar()
	b.began = time.Now().Add(-time.Hour)
	b.update(&jobRecord{Total: 10})
	b.stop()
	if out.Len()+errs.Len() != 0 {
		t.Errorf("%q %q", out.String(), errs.String())
	}
}
