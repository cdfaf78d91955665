package registry

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// watches are those of the buckets, nil for one that is not needed, and when to make a snapshot of them.
type watches struct {
	schemas, applications, tokens *bucketWatch
	all                           []*bucketWatch // those that are open

	// late fires when a snapshot has waited long enough for more changes.
	late    *time.Timer
	waiting bool
	waited  bool
}

// next takes what comes next.
func (w *watches) next(ctx context.Context, connected <-chan nats.Status) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-connected:
		return errWatchEnded
	case e, ok := <-w.schemas.updates():
		return w.schemas.take(ctx, e, ok)
	case e, ok := <-w.applications.updates():
		return w.applications.take(ctx, e, ok)
	case e, ok := <-w.tokens.updates():
		return w.tokens.take(ctx, e, ok)
	case <-w.late.C:
		w.waited = true
		return nil
	}
}

// complete reports whether all buckets were read whole.
func (w *watches) complete() bool {
	for _, b := range w.all {
		if !b.complete() {
			return false
		}
	}
	return true
}

// drain takes what has arrived already.
func (w *watches) drain(ctx context.Context) error {
	for _, b := range w.all {
		if err := b.drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether it is time for a snapshot, given whether there is
// something to publish. Changes that belong together arrive together: while
// more are known to be on their way, it waits for them, but not for ever.
func (w *watches) due(changes bool) bool {
	if !changes || !w.complete() {
		return false
	}
	behind := false
	for _, b := range w.all {
		behind = behind || b.behind
	}
	if !behind || w.waited {
		return true
	}
	if !w.waiting {
		w.waiting = true
		w.late.Reset(gather)
	}
	return false
}

// published starts the waiting anew.
func (w *watches) published() {
	w.late.Stop()
	w.waiting, w.waited = false, false
}

func (w *watches) stop() {
	w.late.Stop()
	for _, b := range w.all {
		b.stop()
	}
}
