package kv

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/go-json-experiment/json"
)

// Observations remembers since when each of some keys has had its newest revision,
// by the clock of this process. So a process recognises leases that their holders
// no longer renew without comparing clocks. It is not safe for concurrent use; its
// zero value is empty.
type Observations struct{ keys map[string]observation }

// observation is a revision and when it was first seen.
type observation struct {
	revision uint64
	since    time.Time
}

// Refresh takes the newest revisions of all keys. Keys that are not among them
// are forgotten.
func (o *Observations) Refresh(revisions iter.Seq2[string, uint64]) {
	next := make(map[string]observation, len(o.keys))
	for key, revision := range revisions {
		seen, ok := o.keys[key]
		if !ok || seen.revision != revision {
			seen = observation{revision, time.Now()}
		}
		next[key] = seen
	}
	o.keys = next
}

// Age returns how long ago the newest revision of a key was first seen; 0 for a key
// that was not among the last ones.
func (o *Observations) Age(key string) time.Duration {
	seen, ok := o.keys[key]
	if !ok {
		return 0
	}
	return time.Since(seen.since)
}

// LeaseConfig is what a Lease needs.
type LeaseConfig[T any] struct {
	Bucket *Bucket
	Key    string
	// Holder names this process among all others; not "".
	Holder string
	// Duration is how long a holder may go without saving before another process
	// takes the lease over. All processes must have the same.
	Duration time.Duration
	// HolderOf returns the field of a value that names its holder, "" for a free
	// lease.
	HolderOf func(*T) *string
}

// Lease is a key that one process at a time holds. Its value, a T in JSON, names
// the holder and passes the state of the work from one holder to the next. The
// holder keeps the lease by saving; another process takes it over once it has
// seen no new revision for the lease's duration, by its own clock. A holder that
// was replaced gets an error from its next Save: no work since the last Save must
// count before the next one succeeds.
//
// A Lease is not safe for concurrent use.
type Lease[T any] struct {
	cfg LeaseConfig[T]

	observation // of the key, as last read or written
	held        bool
	value       T // as last saved by this process
}

// NewLease returns a lease that this process does not hold yet.
func NewLease[T any](cfg LeaseConfig[T]) *Lease[T] { return &Lease[T]{cfg: cfg} }

// Held reports whether this process holds the lease. It may have been taken over
// since the last Save.
func (l *Lease[T]) Held() bool { return l.held }

// Value returns the value of a lease that is held.
func (l *Lease[T]) Value() T { return l.value }

// Acquire takes the lease if it is free or expired, and reports whether this
// process holds it then. To lose against another process is no error.
func (l *Lease[T]) Acquire(ctx context.Context) (bool, error) {
	if l.held {
		return true, nil
	}
	e, err := l.cfg.Bucket.Get(ctx, l.cfg.Key)
	if err != nil {
		return false, err
	}
	var value T
	if e.Exists() {
		if err := json.Unmarshal(e.Value, &value); err != nil {
			return false, fmt.Errorf("decode %s/%s: %w", l.cfg.Bucket.name, l.cfg.Key, err)
		}
	}
	if e.Revision != l.revision || l.since.IsZero() {
		l.observation = observation{e.Revision, time.Now()}
	}
	holder := l.cfg.HolderOf(&value)
	if *holder != "" && time.Since(l.since) <= l.cfg.Duration {
		return false, nil
	}
	*holder = l.cfg.Holder
	err = l.write(ctx, value)
	l.held = err == nil
	if errors.Is(err, ErrConflict) {
		err = nil
	}
	return l.held, err
}

// Save writes the value of a lease that is held, and renews it. The error is
// ErrConflict if another process has taken the lease over. After any other error
// the lease counts as held: a later Save can succeed.
func (l *Lease[T]) Save(ctx context.Context, value T) error {
	*l.cfg.HolderOf(&value) = l.cfg.Holder
	err := l.write(ctx, value)
	if errors.Is(err, ErrConflict) {
		l.held = false
	}
	return err
}

// Release frees a lease that is held, so that another process takes it at once.
// Without it, or if it fails, the lease expires.
func (l *Lease[T]) Release(ctx context.Context) error {
	if !l.held {
		return nil
	}
	l.held = false
	value := l.value
	*l.cfg.HolderOf(&value) = ""
	return l.write(ctx, value)
}

// write replaces the revision that was last read or written.
func (l *Lease[T]) write(ctx context.Context, value T) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s/%s: %w", l.cfg.Bucket.name, l.cfg.Key, err)
	}
	revision, err := l.cfg.Bucket.Replace(ctx, l.cfg.Key, raw, l.revision)
	if err != nil {
		return err
	}
	l.observation = observation{revision, time.Now()}
	l.value = value
	return nil
}
