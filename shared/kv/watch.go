package kv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const (
	// watchInterval is how often a watch asks for new entries that it did not hear
	// of.
	watchInterval = 500 * time.Millisecond
	// identityInterval is how often a watch makes sure that the bucket is the one
	// that it began with.
	identityInterval = 3 * time.Second
	// watchBuffer is how many entries wait for the reader of a watch.
	watchBuffer = maxBatch
	// maxNewest is of how many keys one request reads the newest entries.
	maxNewest = 128

	headerPending = "Nats-Num-Pending"
)

// heardDelays are the waits before a watch asks, after it heard that an entry is
// written: the server passes the message on before it has stored it.
var heardDelays = []time.Duration{
	0, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 60 * time.Millisecond,
	120 * time.Millisecond, 240 * time.Millisecond,
}

// errReplaced says that a bucket was deleted, and perhaps created again.
var errReplaced = errors.New("the bucket was replaced")

// KeyEntry is an entry with its key.
type KeyEntry struct {
	Key string
	Entry
	// More says that the bucket has more entries already.
	More bool
}

// Watcher reads a bucket and then follows its changes. It asks the stream of the
// bucket directly and makes no consumer: who may create a consumer can have the
// server deliver messages to any subject of the account, the keys of other buckets
// among them.
type Watcher struct {
	bucket  *Bucket
	created time.Time
	updates chan *KeyEntry
	heard   chan struct{} // a message was published under a key
	cancel  context.CancelFunc
}

// Watch reads a bucket, every version of every key where history is set and else
// the newest ones, and then follows it until ctx ends or Stop is called. It listens
// to messages under the keys, and asks when it hears something, or half a second
// later. While NATS is disconnected the watch waits.
func (b *Bucket) Watch(ctx context.Context, history bool) (*Watcher, error) {
	created, newest, err := b.Info(ctx)
	if err != nil {
		return nil, err
	}
	w := &Watcher{bucket: b, created: created, updates: make(chan *KeyEntry, watchBuffer), heard: make(chan struct{}, 1)}
	sub, err := b.js.Conn().Subscribe(SubjectPrefix(b.name)+">", func(*nats.Msg) { w.wake() })
	if err != nil {
		return nil, fmt.Errorf("listen to bucket %s: %w", b.name, err)
	}
	ctx, w.cancel = context.WithCancel(ctx)
	go func() {
		defer func() { _ = sub.Unsubscribe() }() // fails on a closed connection, which has unsubscribed
		w.readAndFollow(ctx, history, newest)
	}()
	return w, nil
}

// wake lets a watch ask soon.
func (w *Watcher) wake() {
	select {
	case w.heard <- struct{}{}:
	default:
	}
}

// Updates returns the entries in the order of revisions, except for the newest
// ones at the start, which are in the order of keys. One nil follows the entries
// that the bucket had at the start. The channel is closed when the watch has ended,
// for an error or because the bucket was replaced: then watch again.
func (w *Watcher) Updates() <-chan *KeyEntry { return w.updates }

// Stop ends the watch and returns at once.
func (w *Watcher) Stop() { w.cancel() }

func (w *Watcher) readAndFollow(ctx context.Context, history bool, newest uint64) {
	defer close(w.updates)
	defer w.cancel()
	next := uint64(1)
	if !history {
		err := w.bucket.Each(ctx, ">", func(key string, e Entry) { w.send(ctx, &KeyEntry{key, e, true}) })
		if err != nil {
			return
		}
		next = newest + 1
	}
	if next, ok := w.readUpTo(ctx, next, newest); ok && w.send(ctx, nil) {
		w.follow(ctx, next)
	}
}

// send passes an entry on. It returns false when ctx has ended.
func (w *Watcher) send(ctx context.Context, e *KeyEntry) bool {
	select {
	case w.updates <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// readUpTo sends the entries from a sequence up to the newest one at the start, and
// returns the sequence to go on with.
func (w *Watcher) readUpTo(ctx context.Context, next, newest uint64) (uint64, bool) {
	for next <= newest {
		after, err := w.readBatch(ctx, next)
		if err != nil {
			return 0, false
		}
		if after == next {
			break // the rest was removed
		}
		next = after
	}
	return next, true
}

// readBatch sends some entries from a sequence on and returns the sequence to go on
// with, which is the same one if there are no more.
func (w *Watcher) readBatch(ctx context.Context, next uint64) (uint64, error) {
	prefix := SubjectPrefix(w.bucket.name)
	batch, err := w.bucket.Messages().Range(ctx, prefix+">", next, math.MaxUint64)
	if err != nil {
		return 0, err
	}
	for i, m := range batch {
		more := i < len(batch)-1
		if !more {
			pending, err := strconv.Atoi(m.Header.Get(headerPending))
			more = err == nil && pending > 0
		}
		if !w.send(ctx, &KeyEntry{strings.TrimPrefix(m.Subject, prefix), NewEntry(m), more}) {
			return 0, context.Cause(ctx)
		}
		next = m.Sequence + 1
	}
	return next, nil
}

// follow sends new entries until the watch ends.
func (w *Watcher) follow(ctx context.Context, next uint64) {
	checked := time.Now()
	for delays := []time.Duration(nil); ; {
		wait := watchInterval
		if len(delays) > 0 {
			wait, delays = delays[0], delays[1:]
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-w.heard:
			delays = heardDelays
		case <-timer.C:
		}
		timer.Stop()
		if !w.bucket.js.Conn().IsConnected() {
			continue
		}
		after, err := w.readBatch(ctx, next)
		for err == nil && after != next {
			next = after
			after, err = w.readBatch(ctx, next)
		}
		if err == nil && time.Since(checked) >= identityInterval {
			checked = time.Now()
			err = w.checkIdentity(ctx, next)
		}
		if err != nil && w.bucket.js.Conn().IsConnected() {
			return
		}
	}
}

// checkIdentity returns an error if the bucket is not the one that the watch began
// with, of which it has read the entries before a sequence.
func (w *Watcher) checkIdentity(ctx context.Context, next uint64) error {
	created, newest, err := w.bucket.Info(ctx)
	if err == nil && (!created.Equal(w.created) || newest < next-1) {
		err = errReplaced
	}
	return err
}

// Each calls use with the newest entry of every key that matches a pattern, in
// the order of keys. The pattern is as in subjects: * is one token of a key, > at
// the end is the rest. Keys that are put or changed during the call may be left
// out, or read with their newer entry.
func (b *Bucket) Each(ctx context.Context, pattern string, use func(key string, e Entry)) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	messages, err := b.openStream(ctx)
	if err != nil {
		return err
	}
	prefix := SubjectPrefix(b.name)
	info, err := messages.Info(ctx, jetstream.WithSubjectFilter(prefix+pattern))
	if err != nil {
		return fmt.Errorf("list the keys of bucket %s: %w", b.name, err)
	}
	for subjects := range slices.Chunk(slices.Sorted(maps.Keys(info.State.Subjects)), maxNewest) {
		newest, err := b.readNewest(ctx, subjects)
		if err != nil {
			return err
		}
		for _, subject := range subjects {
			if m := newest[subject]; m != nil {
				use(strings.TrimPrefix(subject, prefix), NewEntry(m))
			}
		}
	}
	return nil
}

// readNewest returns the newest message of each subject that has one.
func (b *Bucket) readNewest(ctx context.Context, subjects []string) (map[string]*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	answers, err := jetstreamext.GetLastMsgsFor(ctx, b.js, StreamOf(b.name), subjects)
	if err != nil {
		return nil, b.Messages().fail(err)
	}
	newest := make(map[string]*jetstream.RawStreamMsg, len(subjects))
	for m, err := range answers {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return newest, nil
		}
		if err != nil {
			return nil, b.Messages().fail(err)
		}
		newest[m.Subject] = m
	}
	if len(newest) == 0 {
		return nil, b.Messages().fail(errTruncated)
	}
	return newest, nil
}

// History returns every version of a key, oldest first.
func (b *Bucket) History(ctx context.Context, key string) ([]Entry, error) {
	var versions []Entry
	for next := uint64(1); ; {
		batch, err := b.Messages().Range(ctx, SubjectPrefix(b.name)+key, next, math.MaxUint64)
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			return versions, nil
		}
		for _, m := range batch {
			versions = append(versions, NewEntry(m))
			next = m.Sequence + 1
		}
	}
}
