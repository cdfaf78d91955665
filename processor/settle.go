package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// disposition is the result of processing a message.
type disposition uint8

const (
	// stored and rejected are the two outcomes of an event: the document is written.
	stored disposition = iota + 1
	rejected
	// duplicate: the store holds the event already, from another copy of it or
	// from an earlier delivery of this message.
	duplicate
	// expired: past its retention already, so it was not written.
	expired
	// unavailable: nothing is decided, because the store is unavailable.
	unavailable
	// misconfigured: nothing is decided, and an operator must act.
	misconfigured
	// interrupted: nothing is decided, because the processor is shutting down.
	interrupted
)

// action is how a message is settled.
type action uint8

const (
	// actionAck: the message is acknowledged.
	actionAck action = iota + 1
	// actionRetry: the message stays in flight, and no other is fetched.
	actionRetry
	// actionStop: the message is released, and the processor ends with the error.
	actionStop
	// actionRelease: the message is released; another processor gets it at once.
	actionRelease
)

// settlements has the action for each disposition, and its name in metrics.
var settlements = map[disposition]struct {
	action action
	name   string
}{
	stored:        {actionAck, "stored"},
	rejected:      {actionAck, "rejected"},
	duplicate:     {actionAck, "duplicate"},
	expired:       {actionAck, "expired"},
	unavailable:   {actionRetry, "unavailable"},
	misconfigured: {actionStop, "misconfigured"},
	interrupted:   {actionRelease, "interrupted"},
}

// dispositionOf is the disposition of a message whose document was written, with
// the code of the first reason if it is rejected.
func dispositionOf(d *store.Document, written store.WriteResult) (disposition, string) {
	switch {
	case written == store.Unchanged:
		return duplicate, ""
	case written == store.Expired:
		return expired, ""
	case written == store.Conflict:
		return rejected, event.CodeIDConflict
	case written == store.Unstorable:
		return rejected, event.CodeUnstorable
	case d.Status == store.Rejected:
		return rejected, d.Errors[0].Code
	default:
		return stored, ""
	}
}

// dispositionOfError is the disposition of every message of a failed write.
func dispositionOfError(ctx context.Context, err error) disposition {
	switch {
	case errors.Is(err, store.ErrConfiguration):
		return misconfigured
	case ctx.Err() != nil:
		return interrupted
	default:
		return unavailable
	}
}

// Acknowledgements, published to a message's reply subject.
var (
	bodyAck      = []byte("+ACK")
	bodyNak      = []byte("-NAK")
	bodyProgress = []byte("+WPI")
)

// The first and the longest delay of a message that is postponed.
const (
	postponeFirst = 2 * time.Second
	postponeMost  = 5 * time.Minute
)

// settler acknowledges and releases messages.
type settler struct {
	conn    *nats.Conn
	metrics *metrics
	// requestPurge is called with the size of the messages that were
	// acknowledged, in bytes.
	requestPurge func(bytes int)
}

// settleBatch settles each message of a batch: written has one result for each
// document, or err says why nothing was decided. It returns err if that must stop
// the processor.
func (s *settler) settleBatch(
	ctx context.Context, messages []delivery, docs []*store.Document, written []store.WriteResult, err error,
) error {
	dispositions := make([]disposition, len(messages))
	var counts tally
	for i := range messages {
		var code string
		if err != nil {
			dispositions[i] = dispositionOfError(ctx, err)
		} else {
			dispositions[i], code = dispositionOf(docs[i], written[i])
		}
		counts.increment(dispositions[i], code)
	}
	// Counted first: who sees a message settled sees it counted.
	s.metrics.countSettled(counts)
	bytes := 0
	for i := range messages {
		switch settlements[dispositions[i]].action {
		case actionAck:
			// Ack only after the write returned: this line is the only one that
			// acknowledges, and what led here came from the store.
			s.publishReply(&messages[i], bodyAck)
			bytes += messages[i].size
		case actionRetry, actionStop, actionRelease:
			s.publishReply(&messages[i], bodyNak)
		}
	}
	s.requestPurge(bytes)
	if err != nil && settlements[dispositionOfError(ctx, err)].action == actionStop {
		return err
	}
	return nil
}

// release makes messages available to the next request of any processor.
func (s *settler) release(messages []delivery) {
	for i := range messages {
		s.publishReply(&messages[i], bodyNak)
	}
}

// postpone makes messages available to any processor after a while that grows with
// their deliveries, so that messages without room are not decoded all the time.
func (s *settler) postpone(messages []delivery) {
	for i := range messages {
		delay := postponeFirst << min(messages[i].attempt-1, 16)
		body := fmt.Appendf(nil, `-NAK {"delay": %d}`, min(delay, postponeMost))
		s.publishReply(&messages[i], body)
	}
}

// signalProgress extends the time that the server waits for acknowledgements.
func (s *settler) signalProgress(messages []delivery) {
	// While disconnected, the client would buffer every signal.
	if !s.conn.IsConnected() {
		return
	}
	for i := range messages {
		s.publishReply(&messages[i], bodyProgress)
	}
}

// publishReply publishes to a message's reply subject. The connection buffers
// it. An acknowledgement that is lost costs one more delivery, and nothing else.
func (s *settler) publishReply(d *delivery, body []byte) {
	if err := s.conn.Publish(d.reply, body); err != nil {
		s.metrics.lostReplies.Inc()
	}
}

// tally counts the messages of one batch by disposition and code.
type tally map[tallyKey]int

type tallyKey struct {
	disposition disposition
	code        string
}

func (t *tally) increment(d disposition, code string) {
	if *t == nil {
		*t = make(tally, 1)
	}
	(*t)[tallyKey{d, code}]++
}

func (m *metrics) countSettled(t tally) {
	for k, n := range t {
		m.events.WithLabelValues(settlements[k.disposition].name, k.code).Add(float64(n))
	}
}

// repeatEvery calls do at every interval d, also after the end of ctx, until the
// returned function is called. That one waits for a running call, and may be
// called more than once.
func repeatEvery(ctx context.Context, d time.Duration, do func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do()
			}
		}
	}()
	return func() { cancel(); <-ended }
}
