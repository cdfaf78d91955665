package processor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
)

const (
	// pullExpiry is how long the server keeps a request that finds nothing.
	pullExpiry = 2 * time.Second
	// pullGrace is how much later a request is taken for lost.
	pullGrace = time.Second
	// reconnectPoll is how often a lost connection is looked at.
	reconnectPoll = 20 * time.Millisecond
)

// errNoConsumer says that nobody serves the consumer: it was deleted, or the
// server has just begun to start.
var errNoConsumer = errors.New("the shared consumer does not answer")

// puller asks the shared consumer for messages, one request at a time. It is
// not safe for concurrent use.
//
// A request is the server's one-shot form (no_wait together with expires): it
// waits until something is there and then brings all there is, at most the
// batch. So a lone event travels at once, and under load batches are full. The
// library's Fetch offers either the one or the other, and bytes are bounded
// only by the one that waits until a batch is full.
type puller struct {
	nc      *nats.Conn
	sub     *nats.Subscription
	subject string // of requests
	inbox   string // of answers, without the request's number
	number  uint64
	// events and bytes bound a batch.
	events, bytes int
	// huge is set after a message was met that is over bytes: the next request
	// asks for it alone, without that bound.
	huge bool
}

// request is the body of a pull request.
type request struct {
	Batch    int           `json:"batch"`
	MaxBytes int           `json:"max_bytes,omitempty"`
	Expires  time.Duration `json:"expires"`
	NoWait   bool          `json:"no_wait"`
}

func newPuller(nc *nats.Conn, js jetstream.JetStream, events, bytes int) (*puller, error) {
	prefix := js.Options().APIPrefix
	if prefix == "" {
		prefix = jetstream.DefaultAPIPrefix
	}
	p := &puller{
		nc:      nc,
		subject: strings.TrimSuffix(prefix, ".") + ".CONSUMER.MSG.NEXT." + stream.Name + "." + stream.Consumer,
		inbox:   nc.NewInbox(),
		events:  events,
		bytes:   bytes,
	}
	var err error
	if p.sub, err = nc.SubscribeSync(p.inbox + ".*"); err != nil {
		return nil, fmt.Errorf("subscribe to the answers of the consumer: %w", err)
	}
	return p, nil
}

// pull returns what the consumer has, waiting up to pullExpiry for the first
// message. Nothing and no error means that there was nothing. Messages and an
// error may come together.
func (p *puller) pull(ctx context.Context) ([]*nats.Msg, error) {
	// A request made while the connection is away would be sent later,
	// together with all others like it.
	if err := p.connected(ctx); err != nil {
		return nil, err
	}
	if msgs, err := p.late(ctx); err != nil || len(msgs) > 0 {
		return msgs, err
	}
	wanted, reply, err := p.request()
	if err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, pullExpiry+pullGrace)
	defer cancel()
	var msgs []*nats.Msg
	for size := 0; len(msgs) < wanted && size < p.bytes; {
		m, err := p.sub.NextMsgWithContext(wait)
		if err != nil {
			return msgs, p.ended(ctx, err)
		}
		switch {
		case !p.isStatus(m):
			msgs = append(msgs, m)
			size += m.Size()
		case m.Subject == reply: // else it ends an earlier request
			if done, err := p.status(m, len(msgs)); done {
				return msgs, err
			}
		}
	}
	return msgs, nil
}

// isStatus tells answers of the server, which come on the inbox, from messages,
// which come with their own subjects.
func (p *puller) isStatus(m *nats.Msg) bool { return strings.HasPrefix(m.Subject, p.inbox) }

// late returns messages that came after their request had been given up; they
// are a batch of their own.
func (p *puller) late(ctx context.Context) ([]*nats.Msg, error) {
	waiting, _, err := p.sub.Pending()
	if err != nil {
		return nil, fmt.Errorf("look at the answers of the consumer: %w", err)
	}
	var msgs []*nats.Msg
	for size := 0; waiting > 0 && len(msgs) < p.events && size < p.bytes; waiting-- {
		m, err := p.sub.NextMsgWithContext(ctx)
		if err != nil {
			return msgs, p.ended(ctx, err)
		}
		if !p.isStatus(m) {
			msgs = append(msgs, m)
			size += m.Size()
		}
	}
	return msgs, nil
}

// request asks for a batch and returns how many messages it asked for, and
// where the answers come.
func (p *puller) request() (wanted int, reply string, err error) {
	r := request{Batch: p.events, MaxBytes: p.bytes, Expires: pullExpiry, NoWait: true}
	if p.huge {
		r.Batch, r.MaxBytes, p.huge = 1, 0, false
	}
	body, err := json.Marshal(r)
	if err != nil {
		return 0, "", fmt.Errorf("write a request: %w", err)
	}
	p.number++
	reply = p.inbox + "." + strconv.FormatUint(p.number, 36)
	if err := p.nc.PublishRequest(p.subject, reply, body); err != nil {
		return 0, "", fmt.Errorf("ask the consumer: %w", err)
	}
	return r.Batch, reply, nil
}

// status reads an answer that is no message, and reports whether the request
// is over.
func (p *puller) status(m *nats.Msg, got int) (done bool, err error) {
	switch code, text := m.Header.Get("Status"), m.Header.Get("Description"); {
	case code == "100": // a sign of life
		return false, nil
	case text == "Message Size Exceeds MaxBytes":
		p.huge = got == 0
		return true, nil
	case code == "503", text == "Consumer Deleted", text == "Consumer is push based":
		return true, fmt.Errorf("%w: status %s %s", errNoConsumer, code, text)
	default: // there is no more, there was nothing, the server moves: ask again
		return true, nil
	}
}

// connected waits until the connection is there.
func (p *puller) connected(ctx context.Context) error {
	if p.nc.IsConnected() {
		return nil
	}
	tick := time.NewTicker(reconnectPoll)
	defer tick.Stop()
	for !p.nc.IsConnected() {
		if p.nc.IsClosed() {
			return nats.ErrConnectionClosed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// ended turns the end of a wait into an error: none if only the time of the
// request is over.
func (p *puller) ended(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil
	case errors.Is(err, nats.ErrNoResponders): // status 503, as the library tells it
		return fmt.Errorf("%w: %w", errNoConsumer, err)
	default:
		return fmt.Errorf("read the answers of the consumer: %w", err)
	}
}

// close ends the subscription and returns what had been delivered and not
// pulled. The server sends nothing after it; ctx bounds the wait.
func (p *puller) close(ctx context.Context) []*nats.Msg {
	var rest []*nats.Msg
	if p.sub.Drain() != nil {
		return nil // the connection is closed
	}
	for {
		m, err := p.sub.NextMsgWithContext(ctx)
		if err != nil {
			return rest
		}
		if !p.isStatus(m) {
			rest = append(rest, m)
		}
	}
}
