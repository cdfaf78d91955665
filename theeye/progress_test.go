package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Nothing moves where nobody looks.
func TestNoProgressInAPipe(t *testing.T) {
	var out bytes.Buffer
	p := progress(&out)
	p.stop()
	p.stop()
	if out.Len() > 0 {
		t.Errorf("%q", out.String())
	}
}

// On a terminal a short start shows nothing, a long one its time, and then
// nothing is left of it.
func TestProgressOnATerminal(t *testing.T) {
	for took, want := range map[time.Duration][]string{1500 * time.Millisecond: {""}, 3500 * time.Millisecond: {"(2s)", "(3s)"}} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			i := &indicator{quit: make(chan struct{}), done: make(chan struct{})}
			go i.show(&out, time.Second)
			time.Sleep(took)
			i.stop()
			for _, w := range want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("after %s: %q lacks %q", took, out.String(), w)
				}
			}
			if short := took < showAfter; short != (out.Len() == 0) || !short && !strings.HasSuffix(out.String(), "\r\x1b[K") {
				t.Errorf("after %s: %q", took, out.String())
			}
		})
	}
}
