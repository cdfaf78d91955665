package main

import (
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// jobBar shows on a terminal how far a job is. Its total grows while the job
// starts, and reaching it is not the end: a replay sweeps then. Elsewhere it
// shows nothing. One goroutine uses it.
type jobBar struct {
	w     io.Writer // nil shows nothing
	began time.Time
	bars  *mpb.Progress // nil until it is shown
	shown *mpb.Bar
	// now is the job as it was seen last. The bar is drawn by another
	// goroutine.
	now atomic.Pointer[jobRecord]
}

// jobBar starts a bar on standard error. Stop it, before anything else is
// printed.
func (t *terminal) jobBar() *jobBar {
	b := &jobBar{began: time.Now()}
	if isTerminal(t.err) {
		b.w = t.err
	}
	return b
}

// update shows the job as it is now, once that it took showAfter.
func (b *jobBar) update(j *jobRecord) {
	if b.w == nil || time.Since(b.began) < showAfter {
		return
	}
	b.now.Store(j)
	if b.shown == nil {
		b.bars = mpb.New(mpb.WithOutput(b.w), mpb.WithAutoRefresh())
		// Without a total of its own it is not over when it is full.
		b.shown = b.bars.New(0, mpb.BarStyle(),
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.now.Load().counted() })),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.now.Load().pace() })))
	}
	b.shown.SetTotal(int64(j.Total), false)
	b.shown.SetCurrent(int64(j.Done))
}

// counted stands before the bar.
func (j *jobRecord) counted() string {
	return j.String() + " " + strconv.FormatUint(j.Done, 10) + " / " + strconv.FormatUint(j.Total, 10) + " "
}

// stop removes what was shown. It may be called more than once.
func (b *jobBar) stop() {
	b.w = nil
	if b.shown != nil {
		b.shown.Abort(true)
		b.bars.Wait()
		b.shown = nil
	}
}
