package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/retry"
)

const (
	// retryFirst and retryMost bound the wait before a watch is tried again.
	retryFirst = 50 * time.Millisecond
	retryMost  = 2 * time.Second
	// gatherTime is how long a snapshot waits for more changes when the server
	// says that they follow.
	gatherTime = 100 * time.Millisecond
	// openTimeout bounds the requests that open a watch, and other short ones.
	openTimeout = 10 * time.Second
)

var (
	errOpenTimeout = errors.New("NATS did not answer in time")
	// errWatchEnded says that the buckets must be watched again from their start.
	errWatchEnded = errors.New("the watch of a bucket ended")
)

// Run follows the registry until ctx ends, and then returns nil. It waits for
// buckets that do not exist yet, and while NATS is disconnected.
func (r *Registry) Run(ctx context.Context) error {
	wait := retryFirst
	for {
		complete, err := r.watchBuckets(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // ctx ended as planned
		}
		switch {
		case complete && errors.Is(err, errWatchEnded):
			wait = retryFirst
		case errors.Is(err, jetstream.ErrBucketNotFound):
			// The processor creates them.
		default:
			r.log.LogAttrs(ctx, slog.LevelWarn, "the registry cannot be watched; the last snapshot stays",
				slog.String("error", err.Error()))
		}
		if err := retry.Sleep(ctx, wait); err != nil {
			return nil //nolint:nilerr // ctx ended as planned
		}
		wait = min(2*wait, retryMost)
	}
}

// watchBuckets watches the needed buckets and publishes snapshots until the watch
// fails or ends. It reports whether all buckets were read to their end.
func (r *Registry) watchBuckets(ctx context.Context) (complete bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// After a reconnect the server may be another one, which does not have our
	// consumers; to wait for their missing heartbeats would take many seconds.
	// The listener is registered first, so that it misses no reconnect.
	conn := r.js.Conn()
	connected := conn.StatusChanged(nats.CONNECTED)
	defer conn.RemoveStatusListener(connected)

	// A watch lives as long as the context of the request that opens it. That
	// context can have no deadline, so a timer bounds the request instead.
	opening := time.AfterFunc(openTimeout, func() { cancel(errOpenTimeout) })
	w, err := r.openWatches(ctx)
	if err != nil {
		return false, err
	}
	defer w.stop()
	opening.Stop()
	for err == nil {
		err = w.receiveNext(ctx, connected)
		if err == nil {
			err = w.receiveBuffered(ctx)
		}
		if err == nil && w.snapshotDue(r.hasChanges()) {
			err = r.publishSnapshot(ctx, w.schemas.kv)
			w.resetDelay()
		}
	}
	return w.isComplete(), err
}

// openWatches opens the watches of the needed buckets.
func (r *Registry) openWatches(ctx context.Context) (*watchSet, error) {
	w := &watchSet{delay: time.NewTimer(gatherTime)}
	w.delay.Stop()
	for _, b := range []struct {
		need  Needs
		table bucketTable
		into  **bucketWatch
	}{
		{needAll, r.schemas, &w.schemas},
		{NeedApplications, r.applications, &w.applications},
		{NeedTokens, r.tokens, &w.tokens},
	} {
		if r.needs&b.need == 0 {
			continue
		}
		watch, err := watchBucket(ctx, r.js, b.table)
		if err != nil {
			w.stop()
			return nil, err
		}
		*b.into = watch
		w.all = append(w.all, watch)
	}
	return w, nil
}

// watchSet is the watches of the buckets, nil for one that is not needed. It decides
// when a snapshot is made of them.
type watchSet struct {
	schemas, applications, tokens *bucketWatch
	all                           []*bucketWatch // the ones that are open

	// delay fires when a snapshot has waited long enough for more changes.
	// delaying says that it runs, delayed that it has fired.
	delay    *time.Timer
	delaying bool
	delayed  bool
}

// receiveNext applies the next entry of any bucket.
func (w *watchSet) receiveNext(ctx context.Context, connected <-chan nats.Status) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-connected:
		return errWatchEnded
	case e, ok := <-w.schemas.entries():
		return w.schemas.receiveEntry(ctx, e, ok)
	case e, ok := <-w.applications.entries():
		return w.applications.receiveEntry(ctx, e, ok)
	case e, ok := <-w.tokens.entries():
		return w.tokens.receiveEntry(ctx, e, ok)
	case <-w.delay.C:
		w.delayed = true
		return nil
	}
}

// isComplete reports whether all buckets were read to their end.
func (w *watchSet) isComplete() bool {
	for _, b := range w.all {
		if !b.isComplete() {
			return false
		}
	}
	return true
}

// receiveBuffered applies the entries that have arrived already.
func (w *watchSet) receiveBuffered(ctx context.Context) error {
	for _, b := range w.all {
		if err := b.receiveBuffered(ctx); err != nil {
			return err
		}
	}
	return nil
}

// snapshotDue reports whether it is time for a snapshot, given whether there are
// changes to publish. Changes that belong together arrive together: while the
// server says that more follow, it waits for them, at most gatherTime.
func (w *watchSet) snapshotDue(changes bool) bool {
	if !changes || !w.isComplete() {
		return false
	}
	pending := false
	for _, b := range w.all {
		pending = pending || b.pending
	}
	if !pending || w.delayed {
		return true
	}
	if !w.delaying {
		w.delaying = true
		w.delay.Reset(gatherTime)
	}
	return false
}

// resetDelay makes the next snapshot wait again.
func (w *watchSet) resetDelay() {
	w.delay.Stop()
	w.delaying, w.delayed = false, false
}

// stop ends all watches.
func (w *watchSet) stop() {
	w.delay.Stop()
	for _, b := range w.all {
		b.stop()
	}
}

// bucketTable is what a bucket is read into.
type bucketTable interface {
	bucketName() string
	watchOptions() []jetstream.WatchOpt
	// beginRead prepares for reading the bucket from its start.
	beginRead()
	applyEntry(ctx context.Context, kv jetstream.KeyValue, e jetstream.KeyValueEntry) error
	// endRead is called when the bucket was read to its end, with all of its keys.
	endRead(keys map[string]bool)
}

// bucketWatch reads one bucket from its start to its end, and then its changes.
type bucketWatch struct {
	table   bucketTable
	kv      jetstream.KeyValue
	watcher jetstream.KeyWatcher
	// seen are the keys that were read so far; nil once the bucket was read to its
	// end.
	seen map[string]bool
	// pending says that the server has more entries to send.
	pending bool
}

// watchBucket opens the watch of a bucket.
func watchBucket(ctx context.Context, js jetstream.JetStream, t bucketTable) (*bucketWatch, error) {
	values, err := js.KeyValue(ctx, t.bucketName())
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", t.bucketName(), err)
	}
	w, err := values.WatchAll(ctx, t.watchOptions()...)
	if err != nil {
		return nil, fmt.Errorf("watch bucket %s: %w", t.bucketName(), err)
	}
	t.beginRead()
	return &bucketWatch{table: t, kv: values, watcher: w, seen: map[string]bool{}}, nil
}

// receiveEntry applies an entry of the watcher; ok is false when its channel is
// closed.
func (b *bucketWatch) receiveEntry(ctx context.Context, e jetstream.KeyValueEntry, ok bool) error {
	if !ok {
		return errWatchEnded
	}
	if e == nil { // the bucket was read to its end
		b.table.endRead(b.seen)
		b.seen, b.pending = nil, false
		return nil
	}
	if b.seen != nil {
		b.seen[e.Key()] = true
	}
	b.pending = e.Delta() > 0
	return b.table.applyEntry(ctx, b.kv, e)
}

// entries returns the channel of the watcher, nil for a nil watch.
func (b *bucketWatch) entries() <-chan jetstream.KeyValueEntry {
	if b == nil {
		return nil
	}
	return b.watcher.Updates()
}

// isComplete reports whether the bucket was read to its end.
func (b *bucketWatch) isComplete() bool { return b.seen == nil }

// receiveBuffered applies the entries that have arrived already.
func (b *bucketWatch) receiveBuffered(ctx context.Context) error {
	for {
		select {
		case e, ok := <-b.watcher.Updates():
			if err := b.receiveEntry(ctx, e, ok); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// stop ends the watch.
func (b *bucketWatch) stop() { kv.StopWatch(b.watcher) }
