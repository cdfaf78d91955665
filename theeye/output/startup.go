package output

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// StartupIndicator shows on a terminal that a start still goes on: after a
// crash, the stream is read completely. Anywhere else it shows nothing.
type StartupIndicator struct {
	once sync.Once
	quit chan struct{}
	done chan struct{}
}

// StartIndicator starts an indicator on standard error. The caller must stop it.
func (p *Printer) StartIndicator() *StartupIndicator {
	i := &StartupIndicator{quit: make(chan struct{}), done: make(chan struct{})}
	if !isTerminal(p.Err) {
		close(i.done)
		return i
	}
	go i.animate(p.Err, time.Second)
	return i
}

func (i *StartupIndicator) animate(w io.Writer, every time.Duration) {
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

// Stop removes the text from the terminal. It may be called more than once.
func (i *StartupIndicator) Stop() {
	i.once.Do(func() { close(i.quit) })
	<-i.done
}
