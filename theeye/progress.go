package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// showAfter is how long something may take before its progress is shown.
const showAfter = 2 * time.Second

// indicator shows on a terminal that a start is still at work: after a crash
// the stream is read through. Elsewhere it shows nothing.
type indicator struct {
	once sync.Once
	quit chan struct{}
	done chan struct{}
}

// progress starts an indicator. Stop it.
func progress(w io.Writer) *indicator {
	i := &indicator{quit: make(chan struct{}), done: make(chan struct{})}
	if !isTerminal(w) {
		close(i.done)
		return i
	}
	go i.show(w, time.Second)
	return i
}

// isTerminal reports whether people see what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func (i *indicator) show(w io.Writer, every time.Duration) {
	defer close(i.done)
	began := time.Now()
	tick := time.NewTicker(every)
	defer tick.Stop()
	shown := false
	for {
		select {
		case <-tick.C:
			if waited := time.Since(began); waited >= showAfter {
				shown = true
				_, _ = fmt.Fprintf(w, "\r\x1b[KStarting: reading what was kept (%s)", waited.Truncate(time.Second))
			}
		case <-i.quit:
			if shown {
				_, _ = fmt.Fprint(w, "\r\x1b[K")
			}
			return
		}
	}
}

// stop removes what was shown. It may be called more than once.
func (i *indicator) stop() {
	i.once.Do(func() { close(i.quit) })
	<-i.done
}
