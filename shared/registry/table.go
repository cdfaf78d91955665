package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const unreadableMessage = "a record of the registry cannot be read"

// table is the newest records of one bucket that can be read.
type table[T any] struct {
	bucket string
	decode func(key string, raw []byte) (T, error)
	log    *slog.Logger

	records  map[string]record[T]
	revision uint64 // the newest that was seen
	dirty    bool   // records changed since the last snapshot
}

// record is what a key holds.
type record[T any] struct {
	version version // of the newest entry
	// value is that of the entry at revision, which is older than the newest
	// where that cannot be read; without any that can, it is not readable.
	value    T
	revision uint64
	readable bool
}

// version tells entries apart, also those of a bucket that was made anew.
type version struct {
	revision uint64
	created  time.Time
}

func newTable[T any](bucket string, decode func(string, []byte) (T, error), log *slog.Logger) *table[T] {
	return &table[T]{
		bucket: bucket, decode: decode,
		log:     log.With(slog.String("bucket", bucket)),
		records: map[string]record[T]{},
	}
}

func (t *table[T]) name() string { return t.bucket }

func (t *table[T]) options() []jetstream.WatchOpt { return nil }

func (t *table[T]) begin() { t.revision = 0 }

// apply takes an entry. The error is one of NATS, while it looked for a version
// that can be read.
func (t *table[T]) apply(ctx context.Context, kv jetstream.KeyValue, e jetstream.KeyValueEntry) error {
	t.revision = max(t.revision, e.Revision())
	v := version{e.Revision(), e.Created()}
	old, had := t.records[e.Key()]
	if had && old.version == v {
		return nil
	}
	if e.Operation() != jetstream.KeyValuePut {
		delete(t.records, e.Key())
		t.dirty = t.dirty || had
		return nil
	}
	r := record[T]{version: v, revision: e.Revision(), readable: true}
	var err error
	if r.value, err = t.decode(e.Key(), e.Value()); err != nil {
		t.log.LogAttrs(ctx, slog.LevelError, unreadableMessage,
			slog.String("key", e.Key()), slog.Uint64("revision", e.Revision()), slog.String("error", err.Error()))
		if r, err = t.lastReadable(ctx, kv, e); err != nil {
			return err
		}
	}
	t.records[e.Key()] = r
	t.dirty = true
	return nil
}

// lastReadable finds the newest version of a key that can be read. It asks the
// bucket and not its own memory: a process that starts now must judge alike.
func (t *table[T]) lastReadable(ctx context.Context, kv jetstream.KeyValue, e jetstream.KeyValueEntry) (record[T], error) {
	r := record[T]{version: version{e.Revision(), e.Created()}, revision: e.Revision()}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	history, err := kv.History(ctx, e.Key())
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return r, fmt.Errorf("read the history of %s in %s: %w", e.Key(), t.bucket, err)
	}
	for i := len(history) - 1; i >= 0; i-- {
		h := history[i]
		if h.Revision() >= e.Revision() {
			continue
		}
		if h.Operation() != jetstream.KeyValuePut {
			break // what was deleted does not come back
		}
		if value, err := t.decode(h.Key(), h.Value()); err == nil {
			r.value, r.revision, r.readable = value, h.Revision(), true
			break
		}
	}
	return r, nil
}

// keep removes the records of keys that are not among the given.
func (t *table[T]) keep(keys map[string]bool) {
	for key := range t.records {
		if !keys[key] {
			delete(t.records, key)
			t.dirty = true
		}
	}
}
