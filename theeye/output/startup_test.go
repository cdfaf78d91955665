package output

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestIndicatorIsNotShownInAPipe(t *testing.T) {
	var out bytes.Buffer
	i := (&Printer{Err: &out}).StartIndicator()
	i.Stop()
	i.Stop()
	if out.Len() > 0 {
		t.Errorf("%q", out.String())
	}
}

// The terminal is clear again after a long start.
func TestIndicatorShowsTheTimeOfALongStart(t *testing.T) {
	for took, want := range map[time.Duration][]string{1500 * time.Millisecond: {""}, 3500 * time.Millisecond: {"(2s)", "(3s)"}} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			i := &StartupIndicator{quit: make(chan struct{}), done: make(chan struct{})}
			go i.animate(&out, time.Second)
			time.Sleep(took)
			i.Stop()
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
