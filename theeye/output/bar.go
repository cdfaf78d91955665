package output

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// showAfter is how long an operation may take before its progress is shown.
const showAfter = 2 * time.Second

// Bar shows on a terminal how much of an operation is done, once it has taken
// two seconds. Anywhere else it shows nothing. It is safe for concurrent use.
type Bar struct {
	title string
	total int64
	began time.Time
	bytes bool // the unit is bytes

	pause atomic.Pointer[string] // why nothing is done at the moment; nil or ""

	mu    sync.Mutex
	w     io.Writer // nil shows nothing
	done  int64
	bars  *mpb.Progress // nil until the bar is shown
	shown *mpb.Bar
}

// StartBar starts a bar on standard error. The caller must stop it before
// anything else is printed.
func (p *Printer) StartBar(title string, total int64) *Bar {
	b := &Bar{title: title, total: total, began: time.Now()}
	if isTerminal(p.Err) && total > 0 {
		b.w = p.Err
	}
	return b
}

// StartByteBar starts a bar that counts bytes. A total of 0 means that the
// total is unknown.
func (p *Printer) StartByteBar(title string, total int64) *Bar {
	b := &Bar{title: title, total: total, began: time.Now(), bytes: true}
	if isTerminal(p.Err) {
		b.w = p.Err
	}
	return b
}

// SetPause shows why nothing is done at the moment; "" shows nothing.
func (b *Bar) SetPause(reason string) {
	b.pause.Store(&reason)
	b.Advance(0)
}

// pauseText is what the bar shows of the pause. The goroutine that draws the
// bar calls it.
func (b *Bar) pauseText(decor.Statistics) string {
	if reason := b.pause.Load(); reason != nil && *reason != "" {
		return "  waiting: " + Cell(*reason)
	}
	return ""
}

// Advance counts n more as done.
func (b *Bar) Advance(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	if b.shown == nil && b.w != nil && time.Since(b.began) >= showAfter {
		b.draw()
	}
	if b.shown != nil {
		b.shown.SetCurrent(b.done)
	}
}

// draw puts the bar on the terminal. The caller holds the lock.
func (b *Bar) draw() {
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
			decor.Any(b.pauseText),
		),
	)
}

// Stop removes the bar from the terminal. It may be called more than once.
func (b *Bar) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.w = nil
	if b.shown != nil {
		b.shown.Abort(true)
		b.bars.Wait()
		b.shown = nil
	}
}

// RemoteProgress is the progress of work that a server does.
type RemoteProgress struct {
	// Title and Activity are shown before and after the bar. They are safe for
	// the terminal.
	Title, Activity string
	Done, Total     uint64
}

// RemoteBar shows on a terminal the progress of work that a server does. The
// total may grow, and reaching it does not complete the bar: a replay sweeps
// after it. Anywhere else it shows nothing. One goroutine uses it.
type RemoteBar struct {
	w     io.Writer // nil shows nothing
	began time.Time
	bars  *mpb.Progress // nil until the bar is shown
	shown *mpb.Bar
	// latest is read by the goroutine that draws the bar.
	latest atomic.Pointer[RemoteProgress]
}

// StartRemoteBar starts a bar on standard error. The caller must stop it before
// anything else is printed.
func (p *Printer) StartRemoteBar() *RemoteBar {
	b := &RemoteBar{began: time.Now()}
	if isTerminal(p.Err) {
		b.w = p.Err
	}
	return b
}

// Update shows the present progress, once the work has taken two seconds.
func (b *RemoteBar) Update(now RemoteProgress) {
	if b.w == nil || time.Since(b.began) < showAfter {
		return
	}
	b.latest.Store(&now)
	if b.shown == nil {
		b.bars = mpb.New(mpb.WithOutput(b.w), mpb.WithAutoRefresh())
		// A bar that was made without a total does not complete when it is full.
		b.shown = b.bars.New(0, mpb.BarStyle(),
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.latest.Load().counts() })),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + b.latest.Load().Activity })))
	}
	b.shown.SetTotal(int64(now.Total), false)
	b.shown.SetCurrent(int64(now.Done))
}

func (r *RemoteProgress) counts() string {
	return r.Title + " " + Uint(r.Done) + " / " + Uint(r.Total) + " "
}

// Stop removes the bar from the terminal. It may be called more than once.
func (b *RemoteBar) Stop() {
	b.w = nil
	if b.shown != nil {
		b.shown.Abort(true)
		b.bars.Wait()
		b.shown = nil
	}
}
