package kv

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrConflict says that another writer changed the key since it was read.
var ErrConflict = errors.New("the key was changed by another writer")

// errTruncated says that an answer ended before it was complete.
var errTruncated = errors.New("NATS ended its answer early")

// listTimeout bounds the reading of a whole bucket.
const listTimeout = 30 * time.Second

// Headers of the messages that a bucket consists of.
const (
	headerOperation = "KV-Operation"
	operationDelete = "DEL"
	operationPurge  = "PURGE"
)

// StreamOf returns the name of the stream that a bucket is kept in.
func StreamOf(bucket string) string { return "KV_" + bucket }

// SubjectPrefix returns what the subjects of a bucket's keys begin with; the key
// follows.
func SubjectPrefix(bucket string) string { return "$KV." + bucket + "." }

// Entry is a version of a key: a value, or the removal of the one before.
type Entry struct {
	// Revision is unique in the bucket and grows; 0 is that of a key that never
	// had a version.
	Revision uint64
	// Removed marks a removal. Value is then what Remove wrote beside it.
	Removed bool
	Value   []byte
	// Created is when the server took the version.
	Created time.Time
}

// NewEntry returns the entry that a message of a bucket's stream is, or a copy of
// one in another stream; its revision is the sequence in that stream.
func NewEntry(m *jetstream.RawStreamMsg) Entry {
	// A value has no operation in its header, whatever operations there are.
	return Entry{m.Sequence, m.Header.Get(headerOperation) != "", m.Data, m.Time}
}

// Exists reports whether the entry is a value.
func (e Entry) Exists() bool { return e.Revision > 0 && !e.Removed }

// Write is a version to be written: a value, or a removal with Value as its
// record.
type Write struct {
	Value  []byte
	Remove bool
}

// Bucket is a key-value bucket that exists or will be created by another process.
// It does not check keys: the caller uses only tokens that are valid in subjects.
// It is safe for concurrent use.
type Bucket struct {
	js   jetstream.JetStream
	name string

	mu       sync.Mutex
	messages jetstream.Stream
}

// New returns a bucket that is opened when it is first used. Until it exists,
// every method returns jetstream.ErrBucketNotFound.
func New(js jetstream.JetStream, name string) *Bucket { return &Bucket{js: js, name: name} }

// Open is New for a bucket that must exist.
func Open(ctx context.Context, js jetstream.JetStream, name string) (*Bucket, error) {
	b := New(js, name)
	_, err := b.openStream(ctx)
	return b, err
}

// Name returns the name of the bucket.
func (b *Bucket) Name() string { return b.name }

// JetStream returns the connection that the bucket is used through.
func (b *Bucket) JetStream() jetstream.JetStream { return b.js }

// openStream returns the stream of the bucket.
func (b *Bucket) openStream(ctx context.Context) (jetstream.Stream, error) {
	b.mu.Lock()
	opened := b.messages
	b.mu.Unlock()
	if opened != nil {
		return opened, nil
	}
	opened, err := b.js.Stream(ctx, StreamOf(b.name))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = jetstream.ErrBucketNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", b.name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = opened
	return opened, nil
}

// Info returns when the bucket was created and the newest revision of any of its
// keys.
func (b *Bucket) Info(ctx context.Context) (created time.Time, revision uint64, err error) {
	messages, err := b.openStream(ctx)
	if err != nil {
		return time.Time{}, 0, err
	}
	info, err := messages.Info(ctx)
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("look up bucket %s: %w", b.name, err)
	}
	return info.Created, info.State.LastSeq, nil
}

// Get returns the newest entry of a key, which may be a removal; the zero Entry
// for a key that never had one.
func (b *Bucket) Get(ctx context.Context, key string) (Entry, error) {
	messages, err := b.openStream(ctx)
	if err != nil {
		return Entry{}, err
	}
	m, err := messages.GetLastMsgForSubject(ctx, SubjectPrefix(b.name)+key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, fmt.Errorf("read %s/%s: %w", b.name, key, err)
	}
	return NewEntry(m), nil
}

// GetRevision returns the entry of a key at a revision; the zero Entry where the
// revision is that of another key or not there.
func (b *Bucket) GetRevision(ctx context.Context, key string, revision uint64) (Entry, error) {
	messages, err := b.openStream(ctx)
	if err != nil {
		return Entry{}, err
	}
	m, err := messages.GetMsg(ctx, revision)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Subject != SubjectPrefix(b.name)+key {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, fmt.Errorf("read %s/%s at revision %d: %w", b.name, key, revision, err)
	}
	return NewEntry(m), nil
}

// Replace writes a value as the successor of one revision of a key, 0 for a key
// that never had one, and returns the new revision. The error is ErrConflict if
// the newest revision is another one.
func (b *Bucket) Replace(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return b.publish(ctx, key, Write{Value: value}, revision)
}

// Purge removes a key with all of its versions.
func (b *Bucket) Purge(ctx context.Context, key string) error {
	m := &nats.Msg{Subject: SubjectPrefix(b.name) + key, Header: nats.Header{
		headerOperation: {operationPurge}, jetstream.MsgRollup: {jetstream.MsgRollupSubject},
	}}
	_, err := b.js.PublishMsg(ctx, m)
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		err = jetstream.ErrBucketNotFound
	}
	if err != nil {
		return fmt.Errorf("purge %s/%s: %w", b.name, key, err)
	}
	return nil
}

// publish writes the successor of a revision of a key.
func (b *Bucket) publish(ctx context.Context, key string, w Write, revision uint64) (uint64, error) {
	m := &nats.Msg{Subject: SubjectPrefix(b.name) + key, Data: w.Value}
	if w.Remove {
		m.Header = nats.Header{headerOperation: {operationDelete}}
	}
	ack, err := b.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(revision))
	if isConflict(err) {
		err = ErrConflict
	}
	if err != nil {
		return 0, fmt.Errorf("write %s/%s: %w", b.name, key, err)
	}
	return ack.Sequence, nil
}

// isConflict reports whether NATS refused a write because the newest revision of
// the key is not the expected one.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) ||
		errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}
