package editor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

// Precondition is what a key must have for a change to be made: a revision, or
// one of the constants.
type Precondition uint64

// Preconditions that name no revision.
const (
	// Absent holds if the key does not exist.
	Absent Precondition = 0
	// Any always holds.
	Any Precondition = math.MaxUint64
	// Present holds if the key exists.
	Present = Any - 1
)

// check returns a *ConflictError unless the precondition holds for an entry.
func (p Precondition) check(now kv.Entry) error {
	present := presentRevision(now)
	if p == Any || uint64(p) == present || p == Present && present > 0 {
		return nil
	}
	return &ConflictError{present}
}

// presentRevision is the revision of a value, 0 for a key that does not exist.
func presentRevision(e kv.Entry) uint64 {
	if !e.Exists() {
		return 0
	}
	return e.Revision
}

// MaxNote bounds the note of a change, in characters.
const MaxNote = 500

// maxAuthor bounds the author of a change, in characters.
const maxAuthor = 64

// checkChangeInfo returns the faults of an author and a note.
func checkChangeInfo(by registry.ChangeInfo) []event.Fault {
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	for _, line := range []struct {
		at, text string
		most     int
	}{{"author", by.Author, maxAuthor}, {"note", by.Note, MaxNote}} {
		switch {
		case !utf8.ValidString(line.text) || hasControl(line.text):
			m.At(line.at).Faultf("must be one line of text")
		case utf8.RuneCountInString(line.text) > line.most:
			m.At(line.at).Faultf("is longer than %d characters", line.most)
		}
	}
	return faults
}

// hasControl reports whether a text has control characters or line separators.
func hasControl(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return true
		}
	}
	return false
}

// stamp returns by with the present time.
func stamp(by registry.ChangeInfo) registry.ChangeInfo {
	return registry.ChangeInfo{Author: by.Author, Note: by.Note, Time: time.Now().UTC().Truncate(time.Second)}
}

// ConflictError says that the precondition of a change does not hold.
type ConflictError struct {
	// Present is the revision that the key has, 0 if it does not exist.
	Present uint64
}

// Error says which revision is present.
func (e *ConflictError) Error() string {
	if e.Present == 0 {
		return registry.ErrNotFound.Error()
	}
	return fmt.Sprintf("the registry has it at revision %d", e.Present)
}

// InvalidError lists every fault of a declaration or of the other arguments of a
// change. It quotes no digest and no secret.
type InvalidError struct{ Faults []event.Fault }

// Error quotes the first fault.
func (e *InvalidError) Error() string { return registry.FirstFault(e.Faults).Error() }

// invalid returns an *InvalidError with all faults, nil for none.
func invalid(faults ...[]event.Fault) error {
	var all []event.Fault
	for _, f := range faults {
		all = append(all, f...)
	}
	if len(all) == 0 {
		return nil
	}
	return &InvalidError{all}
}

// PutResult says what a put did.
type PutResult struct {
	// Revision is the one that the key has now.
	Revision uint64
	// Created says that the key did not exist before, Unchanged that it had the
	// same value: then there is no new revision.
	Created, Unchanged bool
}

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
	unread := map[string]kv.Entry{}
	err := r.Each(ctx, ">", func(name string, e kv.Entry) {
		if !r.valid(name) || !e.Exists() {
			return
		}
		var err error
		if byName[name], err = r.read(name, e); err != nil {
			unread[name] = e
		}
	})
	if err != nil {
		return nil, err
	}
	for name, newest := range unread {
		e, err := registry.Readable(ctx, r.Bucket, name, newest)
		if err != nil {
			return nil, err
		}
		byName[name], _ = r.read(name, e)
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
	if err == nil {
		e, err = registry.Readable(ctx, r.Bucket, name, e)
	}
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

// edit writes what next makes of the entry that is in force for a key, in one step. If another
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

// update is Bucket.Update under a precondition. Records that cannot be read are
// passed over: next gets the entry that is in force. The precondition is checked after
// next, so that a repeated call finds its value in place and does not fail.
func update(ctx context.Context, b *kv.Bucket, key string, match Precondition, next func(now kv.Entry) (kv.Write, error)) (uint64, error) {
	var last kv.Entry
	revision, err := b.Update(ctx, key, func(newest kv.Entry) (kv.Write, error) {
		now, err := registry.Readable(ctx, b, key, newest)
		if err != nil {
			return kv.Write{}, err
		}
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
