package main

import (
	"io"
	"sync"
	"sync/atomic"
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
	bytes bool // is what is counted

	why atomic.Pointer[string] // nothing is done at the moment; nil or ""

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

// progressBytes is progress that counts bytes. A total of 0 is unknown.
func (t *terminal) progressBytes(title string, total int64) *bar {
	b := &bar{title: title, total: total, began: time.Now(), bytes: true}
	if isTerminal(t.err) {
		b.w = t.err
	}
	return b
}

// note shows why nothing is done at the moment; "" is nothing to tell.
func (b *bar) note(why string) {
	b.why.Store(&why)
	b.add(0)
}

// told is what note was told last. The bar is drawn by another goroutine.
func (b *bar) told(decor.Statistics) string {
	if why := b.why.Load(); why != nil && *why != "" {
		return "  waiting: " + cell(*why)
	}
	return ""
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
	style, counter := mpb.BarFillerBuilder(mpb.BarStyle()), decor.CountersNoUnit("%d / %d")
	switch {
	case b.total == 0:
		style, counter = mpb.NopStyle(), decor.CurrentKibiByte("% .1f")
	case b.bytes:
		counter = decor.CountersKibiByte("% .1f / % .1f")
	}
	b.shown = b.bars.New(b.total, style,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(b.title+" "), counter),
		mpb.AppendDecorators(
			decor.OnCondition(decor.NewAverageETA(decor.ET_STYLE_GO, b.began, nil), b.total > 0),
			decor.Any(b.told),
		),
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
