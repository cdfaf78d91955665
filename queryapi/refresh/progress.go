package refresh

import (
	"context"
	"log/slog"
	"time"
)

// logEvery is the pause between two reports of the progress while the columns are built.
const logEvery = 10 * time.Second

// progress logs how far the columns are built, from the start until all are.
type progress struct {
	r        *Refresher
	began    time.Time
	next     time.Time
	finished bool
}

func (r *Refresher) newProgress() *progress {
	now := time.Now()
	return &progress{r: r, began: now, next: now.Add(logEvery)}
}

// log logs the progress if it is time to, and once that everything is built.
func (p *progress) log(ctx context.Context) {
	if p.finished {
		return
	}
	s := p.r.Status()
	if s.AsOf.IsZero() || s.DaysBuilt < s.Days && time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(logEvery)
	p.finished = s.DaysBuilt == s.Days
	attrs := []slog.Attr{
		slog.Int("days", s.Days), slog.Int("built", s.DaysBuilt), slog.Int64("rows", s.Rows),
		slog.Duration("after", time.Since(p.began).Round(time.Millisecond)),
	}
	if p.finished {
		p.r.log.LogAttrs(ctx, slog.LevelInfo, "the columns are built", attrs...)
	} else {
		p.r.log.LogAttrs(ctx, slog.LevelInfo, "building the columns from the store", attrs...)
	}
}
