package stream

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/retry"
)

const (
	// consumedPortion bounds the messages of a portion of Consume.
	consumedPortion = 2 * portionEvents
	// consumedFrom is the number of sequences from which on a consumer costs less than
	// requests to the stream.
	consumedFrom = 4 * consumedPortion
	// readerInactivity is how long the server keeps a consumer whose reader has died.
	readerInactivity = time.Minute
	// deleteLimit bounds the deletion of a consumer.
	deleteLimit = time.Second
)

// errBroken says that a consumer did not bring its next message.
var errBroken = errors.New("a message of the consumer is missing")

// ReadLong is Consume for a range of many sequences, and Read for one of few.
func ReadLong(ctx context.Context, js jetstream.JetStream, r Range) iter.Seq2[[]Raw, error] {
	if first := max(r.First, 1); r.Last != 0 && r.Last < first+consumedFrom {
		return Read(ctx, js, r)
	}
	return Consume(ctx, js, r)
}

// Consume is Read for callers that may create consumers of the stream: it reads the range
// through one of its own, which costs a fraction of requests to the stream. A portion has
// at most 2,000 messages and about 2 MiB. The consumer is not durable, so it protects
// nothing from a purge, and its leader reads the messages.
//
// It reads up to two portions ahead. While NATS is unavailable it continues with another
// consumer, until it has read the range. The only error is that of ctx, which is yielded
// last. Messages that the stream lost are left out.
func Consume(ctx context.Context, js jetstream.JetStream, r Range) iter.Seq2[[]Raw, error] {
	return func(yield func([]Raw, error) bool) {
		if r.Last == 0 {
			r.Last = math.MaxUint64
		}
		ctx, cancel := context.WithCancel(ctx)
		portions := make(chan []Raw)
		c := &consumption{js: js, rng: r, next: max(r.First, 1)}
		var failed error
		var reader sync.WaitGroup
		defer reader.Wait()
		defer cancel()
		reader.Go(func() {
			defer close(portions)
			failed = c.readPortions(ctx, portions)
		})
		for p := range portions {
			if ctx.Err() != nil { // nothing follows it
				yield(nil, context.Cause(ctx))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
		if failed != nil {
			yield(nil, failed)
		}
	}
}

// consumption reads a range through one consumer after the other. One goroutine uses it.
type consumption struct {
	js  jetstream.JetStream
	rng Range
	// next is the sequence where the next portion begins at the earliest.
	next uint64
	// name is that of the present consumer, "" without one. sub receives its messages,
	// and delivered is the number of those that it has brought.
	name      string
	sub       *nats.Subscription
	delivered uint64
	// inbox is the subject of answers without the number of the request.
	inbox    string
	requests uint64
	// ended says that no message of the range follows, oversized that the next message
	// exceeds the bytes of a portion.
	ended, oversized bool
}

// readPortions sends the portions of the range. The error is that of ctx.
func (c *consumption) readPortions(ctx context.Context, portions chan<- []Raw) error {
	defer c.closeConsumer(ctx)
	for !c.ended {
		p, err := c.nextPortion(ctx)
		if len(p) > 0 {
			c.next = p[len(p)-1].Seq + 1
			select {
			case portions <- p:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			c.closeConsumer(ctx)
			if err := retry.Sleep(ctx, readRetry); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextPortion returns the next messages. Together with an error it may return some.
func (c *consumption) nextPortion(ctx context.Context) ([]Raw, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	if c.name == "" {
		if err := c.openConsumer(ctx); err != nil || c.ended {
			return nil, err
		}
	}
	wanted, reply, err := c.sendRequest()
	if err != nil {
		return nil, err
	}
	var p []Raw
	for size := 0; len(p) < wanted && size < portionBytes && !c.ended; {
		m, err := c.sub.NextMsgWithContext(ctx)
		if err != nil {
			return p, fmt.Errorf("read from consumer %s: %w", c.name, err)
		}
		if strings.HasPrefix(m.Subject, c.inbox) { // a status; messages have the subjects of their publishers
			if m.Subject != reply {
				continue // it ends an earlier request
			}
			return p, c.parseStatus(m, len(p))
		}
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Consumer != c.delivered+1 {
			return p, errBroken
		}
		c.delivered++
		c.ended = meta.NumPending == 0 || meta.Sequence.Stream >= c.rng.Last
		if seq := meta.Sequence.Stream; seq >= c.next && seq <= c.rng.Last {
			if p == nil {
				p = make([]Raw, 0, wanted)
			}
			p = append(p, Raw{Header: m.Header, Payload: m.Data, Seq: seq, Time: meta.Timestamp})
			size += m.Size()
		}
	}
	return p, nil
}

// openConsumer creates a consumer of the rest of the range.
func (c *consumption) openConsumer(ctx context.Context) error {
	name := "read-" + rand.Text()
	consumer, err := c.js.CreateConsumer(ctx, Name, jetstream.ConsumerConfig{
		Name:              name,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       c.next,
		FilterSubjects:    c.rng.Subjects,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		InactiveThreshold: readerInactivity,
	})
	if err != nil {
		return fmt.Errorf("create consumer %s: %w", name, err)
	}
	c.name, c.delivered, c.oversized = name, 0, false
	c.ended = consumer.CachedInfo().NumPending == 0
	c.inbox = c.js.Conn().NewInbox()
	if c.sub, err = c.js.Conn().SubscribeSync(c.inbox + ".*"); err != nil {
		return fmt.Errorf("subscribe to consumer %s: %w", name, err)
	}
	return nil
}

// sendRequest requests a portion. It returns the number of messages requested and the
// subject of the status.
func (c *consumption) sendRequest() (wanted int, reply string, err error) {
	request := struct {
		Batch    int           `json:"batch"`
		MaxBytes int           `json:"max_bytes,omitempty"`
		Expires  time.Duration `json:"expires"`
		NoWait   bool          `json:"no_wait"`
	}{Batch: consumedPortion, MaxBytes: portionBytes, Expires: readLimit / 2, NoWait: true}
	if c.oversized {
		request.Batch, request.MaxBytes, c.oversized = 1, 0, false
	}
	body, err := json.Marshal(request)
	if err != nil {
		return 0, "", fmt.Errorf("encode a request: %w", err)
	}
	c.requests++
	reply = c.inbox + "." + strconv.FormatUint(c.requests, 36)
	prefix := strings.TrimSuffix(cmp.Or(c.js.Options().APIPrefix, jetstream.DefaultAPIPrefix), ".")
	if err := c.js.Conn().PublishRequest(prefix+".CONSUMER.MSG.NEXT."+Name+"."+c.name, reply, body); err != nil {
		return 0, "", fmt.Errorf("send a request to consumer %s: %w", c.name, err)
	}
	return request.Batch, reply, nil
}

// parseStatus reads the status that ended a request, which has brought so many messages.
// The error says that the consumer cannot be relied on any more.
func (c *consumption) parseStatus(m *nats.Msg, received int) error {
	switch code, text := m.Header.Get("Status"), m.Header.Get("Description"); {
	case text == "Message Size Exceeds MaxBytes":
		c.oversized = received == 0
		return nil
	case received > 0 && code != "503":
		return nil // the next request says why there is no more
	default:
		return fmt.Errorf("%w: consumer %s: status %s %s", errBroken, c.name, code, text)
	}
}

// closeConsumer deletes the consumer, if there is one. The server deletes it where that
// fails.
func (c *consumption) closeConsumer(ctx context.Context) {
	if c.name == "" {
		return
	}
	if c.sub != nil {
		_ = c.sub.Unsubscribe()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
	defer cancel()
	_ = c.js.DeleteConsumer(ctx, Name, c.name)
	c.name, c.sub = "", nil
}
