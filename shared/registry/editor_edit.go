package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxRaces bounds how often a change is tried again because somebody else
	// changed the same key meanwhile.
	maxRaces = 20
	// raceWait is the most that a change waits before it is tried again, times
	// the number of tries.
	raceWait = 2 * time.Millisecond
)

// errUnchanged says that a key has what is wanted.
var errUnchanged = errors.New("nothing to change")

// place is a key of a bucket.
type place struct{ bucket, key string }

func (p place) String() string { return p.bucket + "/" + p.key }

func (p place) subject() string { return subjectOf(p.bucket) + p.key }

// subjectOf is the prefix of the subjects of a bucket's keys.
func subjectOf(bucket string) string { return "$KV." + bucket + "." }

// streamOf is the name of the stream that a bucket is.
func streamOf(bucket string) string { return "KV_" + bucket }

// Headers of the messages that a bucket consists of.
const (
	headerOperation = "KV-Operation"
	operationDelete = "DEL"
)

// state is a version of a key.
type state struct {
	revision uint64 // 0 where there never was one
	removed  bool
	value    []byte
	created  time.Time
}

func newState(m *jetstream.RawStreamMsg) state {
	// Whatever operation is named: a plain put names none.
	return state{m.Sequence, m.Header.Get(headerOperation) != "", m.Data, m.Time}
}

// there reports whether the entry is a value.
func (n state) there() bool { return n.revision > 0 && !n.removed }

// present is the revision of a value, 0 without one.
func (n state) present() uint64 {
	if n.removed {
		return 0
	}
	return n.revision
}

// matches returns a *ConflictError unless a change may replace the entry.
func (n state) matches(match uint64) error {
	present := n.present()
	if match == Any || match == present || match == AnyPresent && present > 0 {
		return nil
	}
	return &ConflictError{present}
}

// change is how the entry came to be. Of a record that cannot be read, and of
// one that others made, its time is known.
func (n state) change() change {
	var c change
	if err := json.Unmarshal(n.value, &c); err != nil {
		c = change{}
	}
	if c.Time.IsZero() {
		c.Time = n.created.UTC().Truncate(time.Second)
	}
	return c
}

func (n state) version() Version {
	c := n.change()
	return Version{Revision: n.revision, Time: c.Time, Author: c.Author, Note: c.Note, Removed: n.removed}
}

// stream opens the stream of a bucket.
func (e *Editor) stream(ctx context.Context, bucket string) (jetstream.Stream, error) {
	e.mu.Lock()
	s, ok := e.streams[bucket]
	e.mu.Unlock()
	if ok {
		return s, nil
	}
	s, err := e.js.Stream(ctx, streamOf(bucket))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = jetstream.ErrBucketNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.streams[bucket] = s
	return s, nil
}

// last returns the newest entry of a key, also one that removed it.
func (e *Editor) last(ctx context.Context, p place) (state, error) {
	s, err := e.stream(ctx, p.bucket)
	if err != nil {
		return state{}, err
	}
	m, err := s.GetLastMsgForSubject(ctx, p.subject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return state{}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("read %s: %w", p, err)
	}
	return newState(m), nil
}

// present returns the value of a key, at a revision or, with 0, the newest one;
// ErrNotFound where there is none.
func (e *Editor) present(ctx context.Context, p place, revision uint64) (state, error) {
	read := e.last
	if revision > 0 {
		read = func(ctx context.Context, p place) (state, error) { return e.at(ctx, p, revision) }
	}
	now, err := read(ctx, p)
	if err == nil && !now.there() {
		err = fmt.Errorf("%s: %w", p, ErrNotFound)
	}
	return now, err
}

// at returns the entry of a key at a revision, none where that is of another.
func (e *Editor) at(ctx context.Context, p place, revision uint64) (state, error) {
	s, err := e.stream(ctx, p.bucket)
	if err != nil {
		return state{}, err
	}
	m, err := s.GetMsg(ctx, revision)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Subject != p.subject() {
		return state{}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("read %s at revision %d: %w", p, revision, err)
	}
	return newState(m), nil
}

// edit puts what next makes of a key's newest entry, in one step: when another
// came between, next is asked again.
func (e *Editor) edit(ctx context.Context, p place, match uint64, next func(now state) ([]byte, error)) (Put, error) {
	var put Put
	err := e.replace(ctx, p, match, func(now state) (*nats.Msg, error) {
		put = Put{Revision: now.revision, Created: !now.there()}
		value, err := next(now)
		return &nats.Msg{Subject: p.subject(), Data: value}, err
	}, &put.Revision)
	if errors.Is(err, errUnchanged) {
		put.Unchanged, err = true, nil
	}
	if err != nil {
		return Put{}, err
	}
	return put, nil
}

// remove removes a key. Who did is told by the record that marks the end.
func (e *Editor) remove(ctx context.Context, p place, match uint64, by By) (revision uint64, err error) {
	if err := invalid(by.faults()); err != nil {
		return 0, err
	}
	value, err := json.Marshal(by.now())
	if err != nil {
		return 0, fmt.Errorf("encode the removal of %s: %w", p, err)
	}
	err = e.replace(ctx, p, match, func(now state) (*nats.Msg, error) {
		if !now.there() {
			return nil, fmt.Errorf("%s: %w", p, ErrNotFound)
		}
		return &nats.Msg{Subject: p.subject(), Data: value, Header: nats.Header{headerOperation: {operationDelete}}}, nil
	}, &revision)
	return revision, err
}

// replace publishes what next makes of a key's newest entry, as the successor of
// that entry or not at all, and notes its revision.
func (e *Editor) replace(ctx context.Context, p place, match uint64, next func(now state) (*nats.Msg, error), revision *uint64) error {
	var now state
	for round := range maxRaces {
		if err := pause(ctx, round); err != nil {
			return fmt.Errorf("change %s: %w", p, err)
		}
		var err error
		if now, err = e.last(ctx, p); err != nil {
			return err
		}
		m, err := next(now)
		if err != nil {
			return err
		}
		if err := now.matches(match); err != nil {
			return fmt.Errorf("change %s: %w", p, err)
		}
		ack, err := e.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(now.revision))
		switch {
		case err == nil:
			*revision = ack.Sequence
			return nil
		case !conflict(err):
			return fmt.Errorf("change %s: %w", p, err)
		}
	}
	return fmt.Errorf("change %s: %d others were faster: %w", p, maxRaces, &ConflictError{now.present()})
}

// pause waits before a round that is not the first: not all who lost shall try
// again at one time, and a server that follows its leader may show what was.
func pause(ctx context.Context, round int) error {
	if round == 0 {
		return nil
	}
	//nolint:gosec // no secret depends on it
	wait := time.NewTimer(rand.N(time.Duration(round) * raceWait))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// conflict reports whether somebody else changed the key first.
func conflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) ||
		errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}
