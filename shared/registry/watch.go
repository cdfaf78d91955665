package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
)

const (
	// gatherTime is how long a snapshot waits for more changes when the server
	// says that they follow.
	gatherTime = 100 * time.Millisecond
	// openTimeout bounds the requests that open a watch, and other short ones.
	openTimeout = 10 * time.Second
)

// errWatchEnded says that the buckets must be watched again from their start.
var errWatchEnded = errors.New("the watch of a bucket ended")

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
	// needsHistory says that every version is read, and not only the newest ones.
	needsHistory() bool
	// beginRead prepares for reading the bucket from its start.
	beginRead()
	applyEntry(ctx context.Context, b *kv.Bucket, e *kv.KeyEntry) error
	// endRead is called when the bucket was read to its end, with all of its keys.
	endRead(keys map[string]bool)
}

// bucketWatch reads one bucket from its start to its end, and then its changes.
type bucketWatch struct {
	table   bucketTable
	bucket  *kv.Bucket
	watcher *kv.Watcher
	// seen are the keys that were read so far; nil once the bucket was read to its
	// end.
	seen map[string]bool
	// pending says that the server has more entries to send.
	pending bool
}

// watchBucket opens the watch of a bucket.
func watchBucket(ctx context.Context, js jetstream.JetStream, t bucketTable) (*bucketWatch, error) {
	b, err := kv.Open(ctx, js, t.bucketName())
	if err != nil {
		return nil, err
	}
	w, err := b.Watch(ctx, t.needsHistory())
	if err != nil {
		return nil, fmt.Errorf("watch bucket %s: %w", t.bucketName(), err)
	}
	t.beginRead()
	return &bucketWatch{table: t, bucket: b, watcher: w, seen: map[string]bool{}}, nil
}

// receiveEntry applies an entry of the watcher; ok is false when its channel is
// closed.
func (b *bucketWatch) receiveEntry(ctx context.Context, e *kv.KeyEntry, ok bool) error {
	if !ok {
		return errWatchEnded
	}
	if e == nil { // the bucket was read to its end
		b.table.endRead(b.seen)
		b.seen, b.pending = nil, false
		return nil
	}
	if b.seen != nil {
		b.seen[e.Key] = true
	}
	b.pending = e.More
	return b.table.applyEntry(ctx, b.bucket, e)
}

// entries returns the channel of the watcher, nil for a nil watch.
func (b *bucketWatch) entries() <-chan *kv.KeyEntry {
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
func (b *bucketWatch) stop() { b.watcher.Stop() }
