package registry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/theeye/theeye/shared/kv"
)

const unreadableMessage = "a record of the registry cannot be read"

// recordTable holds the newest readable record of every key of one bucket.
type recordTable[T any] struct {
	bucket string
	decode func(key string, raw []byte) (T, error)
	log    *slog.Logger

	records  map[string]decodedRecord[T]
	revision uint64 // the newest that was seen
	dirty    bool   // records changed since the last snapshot
}

// decodedRecord is the newest readable record of a key.
type decodedRecord[T any] struct {
	id versionID // of the key's newest entry
	// value is that of the entry at revision. It is older than the newest entry
	// if that cannot be read. If no entry can, readable is false.
	value    T
	revision uint64
	readable bool
}

// versionID distinguishes entries, also of a bucket that was deleted and
// created again.
type versionID struct {
	revision uint64
	created  time.Time
}

func newRecordTable[T any](bucket string, decode func(string, []byte) (T, error), log *slog.Logger) *recordTable[T] {
	return &recordTable[T]{
		bucket: bucket, decode: decode,
		log:     log.With(slog.String("bucket", bucket)),
		records: map[string]decodedRecord[T]{},
	}
}

func (t *recordTable[T]) bucketName() string { return t.bucket }

func (t *recordTable[T]) needsHistory() bool { return false }

func (t *recordTable[T]) beginRead() { t.revision = 0 }

// applyEntry takes over an entry. Errors are those of NATS, from the search for a
// readable version.
func (t *recordTable[T]) applyEntry(ctx context.Context, b *kv.Bucket, e *kv.KeyEntry) error {
	t.revision = max(t.revision, e.Revision)
	id := versionID{e.Revision, e.Created}
	old, had := t.records[e.Key]
	if had && old.id == id {
		return nil
	}
	if e.Removed {
		delete(t.records, e.Key)
		t.dirty = t.dirty || had
		return nil
	}
	r := decodedRecord[T]{id: id, revision: e.Revision, readable: true}
	var err error
	if r.value, err = t.decode(e.Key, e.Value); err != nil {
		t.log.LogAttrs(ctx, slog.LevelError, unreadableMessage,
			slog.String("key", e.Key), slog.Uint64("revision", e.Revision), slog.String("error", err.Error()))
		if r, err = t.findReadable(ctx, b, e); err != nil {
			return err
		}
	}
	t.records[e.Key] = r
	t.dirty = true
	return nil
}

// findReadable finds the newest readable version of a key. It asks the bucket and
// not its own memory: a process that starts later must find the same one.
func (t *recordTable[T]) findReadable(ctx context.Context, b *kv.Bucket, e *kv.KeyEntry) (decodedRecord[T], error) {
	r := decodedRecord[T]{id: versionID{e.Revision, e.Created}, revision: e.Revision}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	history, err := b.History(ctx, e.Key)
	if err != nil {
		return r, fmt.Errorf("read the history of %s in %s: %w", e.Key, t.bucket, err)
	}
	for i := len(history) - 1; i >= 0; i-- {
		h := history[i]
		if h.Revision >= e.Revision {
			continue
		}
		if h.Removed {
			break // versions before a removal do not come back
		}
		if value, err := t.decode(e.Key, h.Value); err == nil {
			r.value, r.revision, r.readable = value, h.Revision, true
			break
		}
	}
	return r, nil
}

// countUnreadable returns of how many keys the newest record cannot be read.
func (t *recordTable[T]) countUnreadable() int {
	n := 0
	for _, r := range t.records {
		if !r.readable || r.revision != r.id.revision {
			n++
		}
	}
	return n
}

// endRead removes the records of keys that the bucket does not have.
func (t *recordTable[T]) endRead(keys map[string]bool) {
	for key := range t.records {
		if !keys[key] {
			delete(t.records, key)
			t.dirty = true
		}
	}
}
