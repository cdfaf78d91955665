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
)

// Raw is a message as the stream holds it.
type Raw struct {
	Header  nats.Header
	Payload []byte
	// Seq is its sequence in the stream, Time when the stream took it.
	Seq  uint64
	Time time.Time
}

// Range is a part of the stream.
type Range struct {
	// First and Last are sequences, both inclusive; Last 0 is without end, up
	// to what the stream holds at that moment.
	First, Last uint64
	// Subjects restrict, wildcards allowed; none is every one. No two of them
	// may match the same message.
	Subjects []string
}

// Bounds of one question, and of the wait before it is asked again.
const (
	portionEvents = 1000
	portionBytes  = 2 << 20
	readLimit     = 5 * time.Second
	readRetry     = 250 * time.Millisecond
	headerPending = "Nats-Num-Pending"
)

// errShort says that an answer broke off.
var errShort = errors.New("the stream ended its answer early")

// Read yields the messages of a range in portions, by sequence, each portion at
// most 1,000 messages and some 2 MiB a subject. It asks the stream directly:
// no consumer knows of it, and it can begin anywhere. While the one is worked
// on, the next portion is fetched.
//
// NATS being away is waited out. The only error is that of ctx, and it is the
// last that is yielded. Messages that the stream lost are just not there; of a
// stream with replicas, those of the last moments may be missing, too.
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
			sources[i].prefetch(ctx)
		}
		for {
			portion, err := merge(ctx, sources)
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

// merge returns the messages up to which every source has been read.
func merge(ctx context.Context, sources []*source) ([]Raw, error) {
	upTo := uint64(math.MaxUint64)
	for _, s := range sources {
		if err := s.fill(ctx); err != nil {
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
	// buffer are messages that were read and not yet yielded; ended says that
	// no others follow.
	buffer []Raw
	ended  bool
	ahead  chan answer
}

// answer is what one question brought.
type answer struct {
	messages []Raw
	ended    bool
	err      error
}

func (s *source) prefetch(ctx context.Context) {
	s.ahead = make(chan answer, 1)
	go func(next uint64, ahead chan<- answer) { ahead <- s.ask(ctx, next) }(s.next, s.ahead)
}

// fill makes sure that the buffer has a message, unless there is none.
func (s *source) fill(ctx context.Context) error {
	for len(s.buffer) == 0 && !s.ended {
		var a answer
		select {
		case a = <-s.ahead:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		s.take(a)
		if a.err != nil {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(readRetry):
			}
		}
		if !s.ended {
			s.prefetch(ctx)
		}
	}
	return nil
}

func (s *source) take(a answer) {
	for i, m := range a.messages {
		if m.Seq > s.last {
			a.messages, a.ended = a.messages[:i], true
			break
		}
	}
	if n := len(a.messages); n > 0 {
		s.next = a.messages[n-1].Seq + 1
	}
	s.buffer, s.ended = a.messages, a.ended || s.next > s.last
}

// ask reads one portion. What came before an answer broke off counts.
func (s *source) ask(ctx context.Context, next uint64) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	a.messages = make([]Raw, 0, portionEvents)
	batch, err := jetstreamext.GetBatch(ctx, s.js, Name, portionEvents,
		jetstreamext.GetBatchSeq(next), jetstreamext.GetBatchSubject(s.subject), jetstreamext.GetBatchMaxBytes(portionBytes))
	if err != nil {
		a.err = fmt.Errorf("read stream %s: %w", Name, err)
		return a
	}
	pending := -1
	for msg, err := range batch {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			a.ended = true
			return a
		}
		if err != nil {
			a.err = fmt.Errorf("read stream %s: %w", Name, err)
			return a
		}
		if pending, err = strconv.Atoi(msg.Header.Get(headerPending)); err != nil {
			a.err = fmt.Errorf("read header %s: %w", headerPending, err)
			return a
		}
		a.messages = append(a.messages, Raw{Header: own(msg.Header), Payload: msg.Data, Seq: msg.Sequence, Time: msg.Time})
	}
	a.ended = pending == 0
	if pending < 0 {
		a.err = errShort
	}
	return a
}

// own are the headers that the message was published with: those that the
// server adds to its answers are no part of it.
func own(h nats.Header) nats.Header {
	for _, name := range []string{"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp", headerPending, "Nats-Last-Sequence", "Nats-UpTo-Sequence"} {
		delete(h, name)
	}
	return h
}
