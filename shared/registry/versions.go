package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// versions are the records of bucket SCHEMAS with those that came before them.
type versions struct {
	log *slog.Logger

	keys     map[string]*lineage
	revision uint64 // the newest that was seen
	dirty    bool   // keys changed since the last snapshot

	// before is what keys was before the bucket is read whole again, nil when
	// that is done. Versions that are still there are taken over.
	before map[string]*lineage
}

func newVersions(log *slog.Logger) *versions {
	return &versions{log: log.With(slog.String("bucket", stream.BucketSchemas)), keys: map[string]*lineage{}}
}

func (v *versions) name() string { return stream.BucketSchemas }

func (v *versions) options() []jetstream.WatchOpt {
	return []jetstream.WatchOpt{jetstream.IncludeHistory()}
}

// begin starts from nothing: what was removed meanwhile, and of a bucket that
// was made anew all, is not told.
func (v *versions) begin() {
	if v.before == nil {
		v.before = v.keys
	}
	v.keys, v.revision = map[string]*lineage{}, 0
}

// keep ends the reading of the whole bucket.
func (v *versions) keep(map[string]bool) {
	v.dirty = v.dirty || len(v.keys) != len(v.before)
	for key, l := range v.keys {
		if before := v.before[key]; l.equal(before) {
			v.keys[key] = before
			continue
		}
		v.dirty = true
	}
	v.before = nil
}

// apply takes an entry. It never fails.
func (v *versions) apply(_ context.Context, _ jetstream.KeyValue, e jetstream.KeyValueEntry) error {
	v.revision = max(v.revision, e.Revision())
	key := e.Key()
	if !meaningful(key) {
		return nil
	}
	l, had := v.keys[key]
	if e.Operation() != jetstream.KeyValuePut {
		delete(v.keys, key)
		v.dirty = v.dirty || had && v.before == nil
		return nil
	}
	if !had {
		l = newLineage(key)
		v.keys[key] = l
	}
	id := version{e.Revision(), e.Created()}
	known := v.before[key].find(id)
	if known == nil {
		known = &entry{version: id, record: e.Value()}
	}
	added := l.add(known)
	v.dirty = v.dirty || added && v.before == nil
	return nil
}

// set makes the Set of the present revision. The error is one of NATS, while
// it looked for a version that can be read.
func (v *versions) set(ctx context.Context, kv jetstream.KeyValue) (*schema.Set, error) {
	policy := schema.DefaultPolicy()
	types := make(map[schema.Type]schema.Versioned, len(v.keys))
	var pii secret
	for key, l := range v.keys {
		if err := l.settle(func() ([]*entry, error) { return allEntries(ctx, kv, l) }); err != nil {
			return nil, err
		}
		v.complain(ctx, l)
		if t, err := keyType(key); err == nil {
			types[t] = l.versioned()
			continue
		}
		if l.current == nil {
			continue
		}
		switch value := l.current.value.(type) {
		case schema.Policy:
			policy = value
		case secret:
			pii = value
		}
	}
	return schema.NewSet(v.revision, policy, types, pii), nil
}

// complain logs once that the newest version of a key cannot be read.
func (v *versions) complain(ctx context.Context, l *lineage) {
	e := l.newest()
	if e.err == nil || e.logged {
		return
	}
	e.logged = true
	v.log.LogAttrs(ctx, slog.LevelError, unreadableMessage,
		slog.String("key", l.key), slog.Uint64("revision", e.revision), slog.String("error", e.err.Error()))
}

// allEntries asks the bucket for all versions of a key, up to the newest that
// was seen and down to its last removal.
func allEntries(ctx context.Context, kv jetstream.KeyValue, l *lineage) ([]*entry, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	history, err := kv.History(ctx, l.key)
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("read the history of %s in %s: %w", l.key, stream.BucketSchemas, err)
	}
	var entries []*entry
	for _, e := range history {
		switch {
		case e.Revision() > l.newest().revision:
			return entries, nil
		case e.Operation() != jetstream.KeyValuePut:
			entries = nil // what was removed does not come back
		default:
			id := version{e.Revision(), e.Created()}
			known := l.find(id)
			if known == nil {
				known = &entry{version: id, record: e.Value()}
			}
			entries = append(entries, known)
		}
	}
	return entries, nil
}
