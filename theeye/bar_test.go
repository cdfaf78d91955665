package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
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
