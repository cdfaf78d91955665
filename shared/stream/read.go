package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/theeye/theeye/shared/retry"
)

// Raw is a message of the stream whose headers are not parsed.
type Raw struct {
	Header  nats.Header
	Payload []byte
	// Seq is the sequence in the stream, Time when the stream took the message.
	Seq  uint64
	Time time.Time
}

// Range is a part of the stream.
type Range struct {
	// First and Last are sequences, both inclusive. With Last 0 the range ends
	// at the last message that the stream holds when it is read.
	First, Last uint64
	// Subjects restricts the range to subjects, wildcards allowed; an empty
	// list is all subjects. No two of them may match the same message.
	Subjects []string
}

// Limits of one request, and the delay before it is repeated.
const (
	portionEvents = 1000
	portionBytes  = 2 << 20
	readLimit     = 5 * time.Second
	readRetry     = 250 * time.Millisecond
	headerPending = "Nats-Num-Pending"
)

// errIncomplete is the error of a reply that ended early.
var errIncomplete = errors.New("the stream ended its answer early")

// Read yields the messages of a range in portions, by sequence. A portion has at
// most 1,000 messages and about 2 MiB a subject. Read requests the messages from the
// stream directly: it needs no consumer and can start at any sequence. It requests
// the next portion while the caller processes one.
//
// While NATS is disconnected Read repeats its requests. The only error is that of
// ctx, which is yielded last. Messages that the stream lost are left out; in a
// stream with replicas those of the last moments may be missing as well.
func Read(ctx context.Context, js jetstream.JetStream, r Range) iter.Seq2[[]Raw, error] {
	return func(yield func([]Raw, error) bool) {
		if len(r.Subjects) == 0 {
			r.Subjects = []string{Subjects}
		}
		if r.Last == 0 {
			r.Last = math.MaxUint64
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		sources := make([]*source, len(r.Subjects))
		for i, subject := range r.Subjects {
			sources[i] = &source{js: js, subject: subject, next: max(r.First, 1), last: r.Last}
			sources[i].startRequest(ctx)
		}
		for {
			portion, err := mergeSources(ctx, sources)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(portion) == 0 || !yield(portion, nil) {
				return
			}
		}
	}
}

// mergeSources returns the messages up to the sequence to which all sources have
// been read.
func mergeSources(ctx context.Context, sources []*source) ([]Raw, error) {
	upTo := uint64(math.MaxUint64)
	for _, s := range sources {
		if err := s.fillBuffer(ctx); err != nil {
			return nil, err
		}
		if !s.ended {
			upTo = min(upTo, s.buffer[len(s.buffer)-1].Seq)
		}
	}
	var out []Raw
	for _, s := range sources {
		n, found := slices.BinarySearchFunc(s.buffer, upTo, func(m Raw, seq uint64) int { return cmp.Compare(m.Seq, seq) })
		if found {
			n++
		}
		out = append(out, s.buffer[:n]...)
		s.buffer = s.buffer[n:]
	}
	if len(sources) > 1 {
		slices.SortFunc(out, func(a, b Raw) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return out, nil
}

// source reads the messages of one subject.
type source struct {
	js         jetstream.JetStream
	subject    string
	next, last uint64
	// buffer holds the messages that were read and not yet yielded; ended is
	// set when no others follow.
	buffer []Raw
	ended  bool
	// pending receives the reply to the request in flight.
	pending chan reply
}

// reply is the reply to one request.
type reply struct {
	messages []Raw
	ended    bool
	err      error
}

// startRequest requests the next portion in a goroutine, which ends with the
// request and blocks on no receiver.
func (s *source) startRequest(ctx context.Context) {
	s.pending = make(chan reply, 1)
	go func(next uint64, pending chan<- reply) { pending <- s.requestPortion(ctx, next) }(s.next, s.pending)
}

// fillBuffer waits until the buffer has a message or the source has ended.
func (s *source) fillBuffer(ctx context.Context) error {
	for len(s.buffer) == 0 && !s.ended {
		var r reply
		select {
		case r = <-s.pending:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		s.consumeReply(r)
		if r.err != nil {
			if err := retry.Sleep(ctx, readRetry); err != nil {
				return err
			}
		}
		if !s.ended {
			s.startRequest(ctx)
		}
	}
	return nil
}

// consumeReply puts the messages of a reply that are within the range into the
// buffer.
func (s *source) consumeReply(r reply) {
	for i, m := range r.messages {
		if m.Seq > s.last {
			r.messages, r.ended = r.messages[:i], true
			break
		}
	}
	if n := len(r.messages); n > 0 {
		s.next = r.messages[n-1].Seq + 1
	}
	s.buffer, s.ended = r.messages, r.ended || s.next > s.last
}

// requestPortion requests one portion. The reply has the messages that arrived
// before an error.
func (s *source) requestPortion(ctx context.Context, next uint64) (r reply) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	r.messages = make([]Raw, 0, portionEvents)
	batch, err := jetstreamext.GetBatch(ctx, s.js, Name, portionEvents,
		jetstreamext.GetBatchSeq(next), jetstreamext.GetBatchSubject(s.subject), jetstreamext.GetBatchMaxBytes(portionBytes))
	if err != nil {
		r.err = fmt.Errorf("read stream %s: %w", Name, err)
		return r
	}
	pending := -1
	for msg, err := range batch {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			r.ended = true
			return r
		}
		if err != nil {
			r.err = fmt.Errorf("read stream %s: %w", Name, err)
			return r
		}
		if pending, err = strconv.Atoi(msg.Header.Get(headerPending)); err != nil {
			r.err = fmt.Errorf("read header %s: %w", headerPending, err)
			return r
		}
		r.messages = append(r.messages, Raw{Header: publishedHeaders(msg.Header), Payload: msg.Data, Seq: msg.Sequence, Time: msg.Time})
	}
	r.ended = pending == 0
	if pending < 0 {
		r.err = errIncomplete
	}
	return r
}

// publishedHeaders removes the headers that the server adds to its replies, and
// returns those of the publisher.
func publishedHeaders(h nats.Header) nats.Header {
	for _, name := range []string{"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp", headerPending, "Nats-Last-Sequence", "Nats-UpTo-Sequence"} {
		delete(h, name)
	}
	return h
}
