package editor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
)

// records is a bucket of records of one kind, each under its name.
type records[T any] struct {
	*kv.Bucket
	// valid reports whether a name can be that of a record.
	valid func(name string) bool
	// read reads an entry. If the record cannot be decoded, it returns an
	// error and the rest of the value.
	read func(name string, e kv.Entry) (T, error)
}

// list returns all records by name, with those that cannot be read.
func (r records[T]) list(ctx context.Context) ([]T, error) {
	byName := map[string]T{}
	err := r.Each(ctx, ">", func(name string, e kv.Entry) {
		if !r.valid(name) {
			return
		}
		if !e.Exists() {
			delete(byName, name)
			return
		}
		byName[name], _ = r.read(name, e)
	})
	if err != nil {
		return nil, err
	}
	list := make([]T, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, byName[name])
	}
	return list, nil
}

// find returns a record by its name.
func (r records[T]) find(ctx context.Context, name string) (T, error) {
	var none T
	if !r.valid(name) {
		return none, registry.ErrNotFound
	}
	e, err := r.Get(ctx, name)
	if err != nil {
		return none, err
	}
	if !e.Exists() {
		return none, notFound(r.Bucket, name)
	}
	return r.read(name, e)
}

// create writes a record that must not exist and returns its revision.
func (r records[T]) create(ctx context.Context, name string, record any) (uint64, error) {
	value, err := json.Marshal(record)
	if err != nil {
		return 0, encodeError(r.Bucket, name, err)
	}
	put, err := edit(ctx, r.Bucket, name, Absent, func(kv.Entry) ([]byte, error) { return value, nil })
	return put.Revision, err
}

// remove removes a record and returns the revision that does.
func (r records[T]) remove(ctx context.Context, name string, match Precondition, by registry.ChangeInfo) (uint64, error) {
	if !r.valid(name) {
		return 0, registry.ErrNotFound
	}
	return remove(ctx, r.Bucket, name, match, by)
}

// notFound returns registry.ErrNotFound with the name of a key.
func notFound(b *kv.Bucket, key string) error {
	return fmt.Errorf("%s/%s: %w", b.Name(), key, registry.ErrNotFound)
}

// encodeError says that a record cannot be encoded.
func encodeError(b *kv.Bucket, key string, err error) error {
	return fmt.Errorf("encode %s/%s: %w", b.Name(), key, err)
}

// unreadable says that a record cannot be decoded.
func unreadable(name string, err error) error {
	return fmt.Errorf("the record of %s cannot be read: %w", name, err)
}

// edit writes what next makes of a key's newest entry, in one step. If another
// writer comes between, it calls next again. If next returns kv.ErrUnchanged, the
// key stays as it is.
func edit(ctx context.Context, b *kv.Bucket, key string, match Precondition, next func(now kv.Entry) ([]byte, error)) (PutResult, error) {
	var put PutResult
	revision, err := update(ctx, b, key, match, func(now kv.Entry) (kv.Write, error) {
		put = PutResult{Revision: now.Revision, Created: !now.Exists()}
		value, err := next(now)
		return kv.Write{Value: value}, err
	})
	switch {
	case errors.Is(err, kv.ErrUnchanged):
		put.Unchanged = true
		return put, nil
	case err != nil:
		return PutResult{}, err
	}
	put.Revision = revision
	return put, nil
}

// remove removes a key and returns the revision that does. The removal has a
// record of its own, which says who did it.
func remove(ctx context.Context, b *kv.Bucket, key string, match Precondition, by registry.ChangeInfo) (uint64, error) {
	if err := invalid(checkChangeInfo(by)); err != nil {
		return 0, err
	}
	value, err := json.Marshal(stamp(by))
	if err != nil {
		return 0, fmt.Errorf("encode the removal of %s/%s: %w", b.Name(), key, err)
	}
	return update(ctx, b, key, match, func(now kv.Entry) (kv.Write, error) {
		if !now.Exists() {
			return kv.Write{}, notFound(b, key)
		}
		return kv.Write{Value: value, Remove: true}, nil
	})
}

// update is Bucket.Update under a precondition. The precondition is checked after
// next, so that a repeated call finds its value in place and does not fail.
func update(ctx context.Context, b *kv.Bucket, key string, match Precondition, next func(now kv.Entry) (kv.Write, error)) (uint64, error) {
	var last kv.Entry
	revision, err := b.Update(ctx, key, func(now kv.Entry) (kv.Write, error) {
		last = now
		w, err := next(now)
		if err != nil {
			return kv.Write{}, err
		}
		if err := match.check(now); err != nil {
			return kv.Write{}, fmt.Errorf("change %s/%s: %w", b.Name(), key, err)
		}
		return w, nil
	})
	if errors.Is(err, kv.ErrConflict) {
		return 0, fmt.Errorf("change %s/%s: %d other changes came first: %w",
			b.Name(), key, kv.MaxAttempts, &ConflictError{presentRevision(last)})
	}
	return revision, err
}
