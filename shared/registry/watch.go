package registry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// retryFirst and retryMost bound the wait before a watch is tried again.
	retryFirst = 50 * time.Millisecond
	retryMost  = 2 * time.Second
	// gather is how long a snapshot waits for changes that are known to be on
	// their way.
	gather = 100 * time.Millisecond
	// openTimeout bounds the requests that open a watch.
	openTimeout = 10 * time.Second
)

var errOpenTimeout = errors.New("NATS did not answer in time")

// Run follows the registry until ctx ends, and then returns nil. It waits for
// buckets that are not there yet, and outlives NATS being away.
func (r *Registry) Run(ctx context.Context) error {
	wait := retryFirst
	for {
		whole, err := r.watch(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end was asked for
		}
		switch {
		case whole && errors.Is(err, errWatchEnded):
			wait = retryFirst
		case errors.Is(err, jetstream.ErrBucketNotFound):
			// The processor makes them.
		default:
			r.log.LogAttrs(ctx, slog.LevelWarn, "the registry cannot be watched; the last snapshot stays",
				slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, retryMost)
	}
}

// watch opens the buckets that are needed and publishes snapshots until the watch must be made
// anew. It reports whether it got so far as to read all of them whole.
func (r *Registry) watch(ctx context.Context) (whole bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// After the connection was lost the server may be another one, which knows
	// nothing of our consumers; to wait for their missing heartbeats would take
	// many seconds. Listening starts first, so that no loss is missed.
	conn := r.js.Conn()
	connected := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(connected)

	// A watch lives as long as the context of the request that made it, which so
	// can have no deadline; an answer that never comes would be waited for.
	opening := time.AfterFunc(openTimeout, func() { cancel(errOpenTimeout) })
	w, err := r.open(ctx)
	if err != nil {
		return false, err
	}
	defer w.stop()
	opening.Stop()
	for err == nil {
		err = w.next(ctx, connected)
		if err == nil {
			err = w.drain(ctx)
		}
		if err == nil && w.due(r.changes()) {
			err = r.publish(ctx, w.schemas.kv)
			w.published()
		}
	}
	return w.complete(), err
}

// open starts the watches of the buckets that are needed.
func (r *Registry) open(ctx context.Context) (*watches, error) {
	w := &watches{late: time.NewTimer(gather)}
	w.late.Stop()
	for _, b := range []struct {
		need Needs
		rows rows
		into **bucketWatch
	}{
		{needAll, r.schemas, &w.schemas},
		{NeedApplications, r.applications, &w.applications},
		{NeedTokens, r.tokens, &w.tokens},
	} {
		if r.needs&b.need == 0 {
			continue
		}
		watch, err := watchBucket(ctx, r.js, b.rows)
		if err != nil {
			w.stop()
			return nil, err
		}
		*b.into = watch
		w.all = append(w.all, watch)
	}
	return w, nil
}
