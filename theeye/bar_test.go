package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8/decor"
)

// A bar is shown only when something takes long, and leaves when it is done.
func TestBar(t *testing.T) {
	var out bytes.Buffer
	quick := &bar{title: "Comparing", total: 3, began: time.Now(), w: &out}
	quick.add(1)
	quick.stop()
	if out.Len() != 0 {
		t.Errorf("shown at once: %q", out.String())
	}
	long := &bar{title: "Comparing", total: 300, began: time.Now().Add(-showAfter), w: &out}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { long.add(1) })
	}
	all.Wait()
	long.stop()
	long.stop()
	shown := out.String()
	if !strings.Contains(shown, "Comparing 4 / 300") {
		t.Errorf("shows %q", shown)
	}
	long.add(1)
	if out.String() != shown {
		t.Errorf("shown after its end: %q", out.String())
	}
}

// Piped output has no bar.
func TestBarElsewhere(t *testing.T) {
	var out, errs bytes.Buffer
	b := (&terminal{out: &out, err: &errs}).progress("Applying", 10)
	b.began = time.Now().Add(-time.Hour)
	b.add(5)
	b.stop()
	if out.Len()+errs.Len() != 0 {
		t.Errorf("%q %q", out.String(), errs.String())
	}
}

// Bytes are counted in their units, also where their end is not known; a reason
// to wait is shown beside them, on one line.
func TestBarOfBytes(t *testing.T) {
	for total, want := range map[int64]string{10 << 20: "Sending 3.0 MiB / 10.0 MiB", 0: "Sending 3.0 MiB"} {
		var out bytes.Buffer
		b := &bar{title: "Sending", total: total, bytes: true, began: time.Now().Add(-showAfter), w: &out}
		b.note("503 no_space:\x1b[2J")
		b.add(3 << 20)
		b.stop()
		shown := out.String()
		if !strings.Contains(shown, want) || !strings.Contains(shown, `waiting: 503 no_space:\x1b[2J`) || strings.Contains(shown, "\x1b[2J") {
			t.Errorf("shows %q", shown)
		}
		b.note("")
		if b.told(decor.Statistics{}) != "" {
			t.Error("still waits")
		}
	}
}
