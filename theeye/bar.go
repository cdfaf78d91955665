package main

import (
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar shows on a terminal how much of something is done, once it takes longer
// than showAfter. Elsewhere it shows nothing. It is safe for concurrent use.
type bar struct {
	title string
	total int64
	began time.Time

	mu    sync.Mutex
	w     io.Writer // nil shows nothing
	done  int64
	bars  *mpb.Progress // nil until it is shown
	shown *mpb.Bar
}

// progress starts a bar on standard error. Stop it, before anything else is
// printed.
func (t *terminal) progress(title string, total int64) *bar {
	b := &bar{title: title, total: total, began: time.Now()}
	if isTerminal(t.err) && total > 0 {
		b.w = t.err
	}
	return b
}

// add says that n more are done.
func (b *bar) add(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	if b.shown == nil && b.w != nil && time.Since(b.began) >= showAfter {
		b.show()
	}
	if b.shown != nil {
		b.shown.SetCurrent(b.done)
	}
}

// show puts the bar on the terminal; the caller has the lock.
func (b *bar) show() {
	b.bars = mpb.New(mpb.WithOutput(b.w), mpb.WithAutoRefresh())
	b.shown = b.bars.AddBar(b.total,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(b.title+" "), decor.CountersNoUnit("%d / %d")),
		mpb.AppendDecorators(decor.NewAverageETA(decor.ET_STYLE_GO, b.began, nil)),
	)
}

// stop removes what was shown. It may be called more than once.
func (b *bar) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.w = nil
	if b.shown != nil {
		b.shown.Abort(true)
		b.bars.Wait()
		b.shown = nil
	}
}
