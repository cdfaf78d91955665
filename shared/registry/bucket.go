package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// errWatchEnded says that a watch must be made anew.
var errWatchEnded = errors.New("the watch of a bucket ended")

// rows is what a bucket is read into.
type rows interface {
	name() string
	// options are those of the watch.
	options() []jetstream.WatchOpt
	// begin forgets the newest revision seen: a watch reads the bucket whole.
	begin()
	apply(ctx context.Context, kv jetstream.KeyValue, e jetstream.KeyValueEntry) error
	keep(keys map[string]bool)
}

// bucketWatch reads one bucket whole, and then its changes.
type bucketWatch struct {
	rows    rows
	kv      jetstream.KeyValue
	watcher jetstream.KeyWatcher
	// seen are the keys of the first, whole reading; nil when that is done.
	seen map[string]bool
	// behind says that the newest entry is known not to be the last.
	behind bool
}

func watchBucket(ctx context.Context, js jetstream.JetStream, t rows) (*bucketWatch, error) {
	kv, err := js.KeyValue(ctx, t.name())
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", t.name(), err)
	}
	w, err := kv.WatchAll(ctx, t.options()...)
	if err != nil {
		return nil, fmt.Errorf("watch bucket %s: %w", t.name(), err)
	}
	t.begin()
	return &bucketWatch{rows: t, kv: kv, watcher: w, seen: map[string]bool{}}, nil
}

// take takes what the watcher sent; ok is false when it sends no more.
func (b *bucketWatch) take(ctx context.Context, e jetstream.KeyValueEntry, ok bool) error {
	if !ok {
		return errWatchEnded
	}
	if e == nil { // the bucket is read whole
		b.rows.keep(b.seen)
		b.seen, b.behind = nil, false
		return nil
	}
	if b.seen != nil {
		b.seen[e.Key()] = true
	}
	b.behind = e.Delta() > 0
	return b.rows.apply(ctx, b.kv, e)
}

// updates is what the watcher sends; a watch that is none sends nothing.
func (b *bucketWatch) updates() <-chan jetstream.KeyValueEntry {
	if b == nil {
		return nil
	}
	return b.watcher.Updates()
}

// complete reports whether the bucket was read whole.
func (b *bucketWatch) complete() bool { return b.seen == nil }

// drain takes what has arrived already.
func (b *bucketWatch) drain(ctx context.Context) error {
	for {
		select {
		case e, ok := <-b.watcher.Updates():
			if err := b.take(ctx, e, ok); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// stop ends the watch.
func (b *bucketWatch) stop() { endWatch(b.watcher) }

// endWatch ends a watch. Its sender may be blocked: what it still sends is taken
// until it closes the channel.
func endWatch(w jetstream.KeyWatcher) {
	go func() {
		for range w.Updates() {
		}
	}()
	_ = w.Stop() // fails only when the connection is closed, and the watch with it
}
