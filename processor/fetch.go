package processor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// requestExpiry is how long the server keeps a request while the consumer
	// has no message.
	requestExpiry = 2 * time.Second
	// requestGrace is how long after its expiry a request is considered lost.
	requestGrace = time.Second
	// reconnectPoll is how often a lost connection is checked.
	reconnectPoll = 20 * time.Millisecond
)

// errNoConsumer means that no server answers for the consumer: it was deleted,
// or the server has only begun to start.
var errNoConsumer = errors.New("the shared consumer does not answer")

// fetcher fetches batches for the workers, one request at a time.
type fetcher struct {
	// lock is the fetch lock: it holds one token, and the worker that took it
	// may fetch.
	lock    chan struct{}
	puller  *puller // set before the workers start
	stream  *streamGuard
	outage  *outage
	health  *readiness
	metrics *metrics
	log     *slog.Logger
}

// fetchBatch returns the next batch, which may be empty. It waits for the fetch
// lock and, while the store is unavailable, for the end of the outage. Together
// with an error, or after the end of ctx, it may return messages, too: the caller
// must release them.
func (f *fetcher) fetchBatch(ctx context.Context) ([]delivery, error) {
	select {
	case <-ctx.Done():
		return nil, nil
	case <-f.lock:
	}
	defer func() { f.lock <- struct{}{} }()
	// Checked while holding the lock: the previous worker may have met an outage
	// in the meantime.
	if err := f.outage.awaitEnd(ctx); err != nil {
		return nil, nil
	}
	if err := f.stream.verifyConnection(ctx); err != nil {
		return nil, err
	}
	begin := time.Now()
	msgs, err := f.puller.pullBatch(ctx)
	batch := f.parseDeliveries(ctx, msgs)
	took := time.Since(begin)
	if len(batch) > 0 {
		f.metrics.countFetched(batch, took)
	}
	f.health.record(conditionNATS, err)
	if len(batch) == 0 && err == nil && took < refusedDelay {
		err = retry.SleepJitter(ctx, refusedDelay) // the server turned it down at once: no busy loop
	}
	switch {
	case ctx.Err() != nil:
		return batch, nil
	case errors.Is(err, errNoConsumer):
		if len(batch) > 0 {
			return batch, nil // the next request will fail in the same way
		}
		return nil, f.stream.restoreConsumer(ctx, err)
	default:
		return batch, err
	}
}

// parseDeliveries reads the metadata of messages. A message that did not come
// from a consumer cannot be settled, so it is logged and left out.
func (f *fetcher) parseDeliveries(ctx context.Context, msgs []*nats.Msg) []delivery {
	if len(msgs) == 0 {
		return nil
	}
	batch := make([]delivery, 0, len(msgs))
	for _, m := range msgs {
		d, err := newDelivery(m)
		if err != nil {
			f.log.LogAttrs(ctx, slog.LevelWarn, "ignored a message that is not of the consumer", slog.Any("error", err))
			continue
		}
		batch = append(batch, d)
	}
	return batch
}

// unsubscribe ends fetching and returns the messages that were delivered and
// that no worker took.
func (f *fetcher) unsubscribe(ctx context.Context) []delivery {
	return f.parseDeliveries(ctx, f.puller.unsubscribe(ctx))
}

// delivery is a fetched message with the data that settling it needs.
type delivery struct {
	stream.Raw
	// reply is the subject for acknowledgements.
	reply string
	// attempt is 1 at the first delivery.
	attempt uint64
	// size is the message's size in memory, headers included.
	size int
}

// newDelivery reads the metadata that the server puts into the reply subject.
func newDelivery(m *nats.Msg) (delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return delivery{}, fmt.Errorf("read metadata of a message: %w", err)
	}
	return delivery{
		Raw: stream.Raw{
			Header:  m.Header,
			Payload: m.Data,
			Seq:     meta.Sequence.Stream,
			Time:    meta.Timestamp,
		},
		reply:   m.Reply,
		attempt: meta.NumDelivered,
		size:    m.Size(),
	}, nil
}

// countFetched counts a batch that is not empty.
func (m *metrics) countFetched(batch []delivery, took time.Duration) {
	m.batch.Observe(float64(len(batch)))
	m.fetchWait.Observe(took.Seconds())
	redelivered := 0
	for i := range batch {
		if batch[i].attempt > 1 {
			redelivered++
		}
	}
	m.redelivered.Add(float64(redelivered))
}

// puller requests messages of the shared consumer, one request at a time. It is
// not safe for concurrent use.
//
// A request is the server's one-shot form (no_wait together with expires): it
// waits until there is a message and then brings all that there are, at most one
// batch. So a lone event travels at once, and under load batches are full. The
// library's Fetch offers either the one or the other, and it bounds bytes only in
// the form that waits until a batch is full.
type puller struct {
	nc      *nats.Conn
	sub     *nats.Subscription
	subject string // of requests
	inbox   string // of answers, without the number of the request
	number  uint64 // of the last request
	// maxEvents and maxBytes bound a batch.
	maxEvents, maxBytes int
	// oversized is set after the server refused a message because it exceeds
	// maxBytes: the next request asks for one message without that bound.
	oversized bool
}

// pullRequest is the body of a request.
type pullRequest struct {
	Batch    int           `json:"batch"`
	MaxBytes int           `json:"max_bytes,omitempty"`
	Expires  time.Duration `json:"expires"`
	NoWait   bool          `json:"no_wait"`
}

func newPuller(nc *nats.Conn, js jetstream.JetStream, maxEvents, maxBytes int) (*puller, error) {
	prefix := js.Options().APIPrefix
	if prefix == "" {
		prefix = jetstream.DefaultAPIPrefix
	}
	p := &puller{
		nc:        nc,
		subject:   strings.TrimSuffix(prefix, ".") + ".CONSUMER.MSG.NEXT." + stream.Name + "." + stream.Consumer,
		inbox:     nc.NewInbox(),
		maxEvents: maxEvents,
		maxBytes:  maxBytes,
	}
	var err error
	if p.sub, err = nc.SubscribeSync(p.inbox + ".*"); err != nil {
		return nil, fmt.Errorf("subscribe to the answers of the consumer: %w", err)
	}
	return p, nil
}

// pullBatch returns the messages that the consumer has, waiting up to
// requestExpiry for the first one. It may return neither messages nor an error,
// and it may return both.
func (p *puller) pullBatch(ctx context.Context) ([]*nats.Msg, error) {
	// The client would buffer a request that is made while it is disconnected
	// and send it later, together with all others.
	if err := p.awaitConnection(ctx); err != nil {
		return nil, err
	}
	if msgs, err := p.receiveLate(ctx); err != nil || len(msgs) > 0 {
		return msgs, err
	}
	wanted, reply, err := p.sendRequest()
	if err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, requestExpiry+requestGrace)
	defer cancel()
	var msgs []*nats.Msg
	for size := 0; len(msgs) < wanted && size < p.maxBytes; {
		m, err := p.sub.NextMsgWithContext(wait)
		if err != nil {
			return msgs, p.receiveError(ctx, err)
		}
		switch {
		case !p.isStatus(m):
			msgs = append(msgs, m)
			size += m.Size()
		case m.Subject == reply: // any other one ends an earlier request
			if done, err := p.parseStatus(m, len(msgs)); done {
				return msgs, err
			}
		}
	}
	return msgs, nil
}

// awaitConnection waits until the connection is established.
func (p *puller) awaitConnection(ctx context.Context) error {
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

// receiveLate returns messages that arrived after their request had been given
// up; they are a batch of their own.
func (p *puller) receiveLate(ctx context.Context) ([]*nats.Msg, error) {
	waiting, _, err := p.sub.Pending()
	if err != nil {
		return nil, fmt.Errorf("count the answers of the consumer: %w", err)
	}
	var msgs []*nats.Msg
	for size := 0; waiting > 0 && len(msgs) < p.maxEvents && size < p.maxBytes; waiting-- {
		m, err := p.sub.NextMsgWithContext(ctx)
		if err != nil {
			return msgs, p.receiveError(ctx, err)
		}
		if !p.isStatus(m) {
			msgs = append(msgs, m)
			size += m.Size()
		}
	}
	return msgs, nil
}

// sendRequest requests a batch. It returns the number of messages requested and
// the subject of the answers.
func (p *puller) sendRequest() (wanted int, reply string, err error) {
	r := pullRequest{Batch: p.maxEvents, MaxBytes: p.maxBytes, Expires: requestExpiry, NoWait: true}
	if p.oversized {
		r.Batch, r.MaxBytes, p.oversized = 1, 0, false
	}
	body, err := json.Marshal(r)
	if err != nil {
		return 0, "", fmt.Errorf("encode a request: %w", err)
	}
	p.number++
	reply = p.inbox + "." + strconv.FormatUint(p.number, 36)
	if err := p.nc.PublishRequest(p.subject, reply, body); err != nil {
		return 0, "", fmt.Errorf("send a request to the consumer: %w", err)
	}
	return r.Batch, reply, nil
}

// isStatus reports whether m is a status of the server. Statuses arrive on the
// inbox, messages with the subjects under which they were published.
func (p *puller) isStatus(m *nats.Msg) bool { return strings.HasPrefix(m.Subject, p.inbox) }

// parseStatus reads a status of the server, and reports whether it ends the
// request, which has brought so many messages.
func (p *puller) parseStatus(m *nats.Msg, received int) (done bool, err error) {
	switch code, text := m.Header.Get("Status"), m.Header.Get("Description"); {
	case code == "100": // the server's idle heartbeat
		return false, nil
	case text == "Message Size Exceeds MaxBytes":
		p.oversized = received == 0
		return true, nil
	case code == "503", text == "Consumer Deleted", text == "Consumer is push based":
		return true, fmt.Errorf("%w: status %s %s", errNoConsumer, code, text)
	default: // no more messages, no message at all, or a change of leader: request again
		return true, nil
	}
}

// receiveError is the error of a failed receive: nil if only the time of the
// request is over.
func (p *puller) receiveError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil
	case errors.Is(err, nats.ErrNoResponders): // the library's form of status 503
		return fmt.Errorf("%w: %w", errNoConsumer, err)
	default:
		return fmt.Errorf("read the answers of the consumer: %w", err)
	}
}

// unsubscribe ends the subscription and returns the messages that were delivered
// and not pulled. The server delivers no more after it. ctx bounds the wait.
func (p *puller) unsubscribe(ctx context.Context) []*nats.Msg {
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
