package processor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// disposition is what became of a message.
type disposition uint8

const (
	// stored and rejected are the two outcomes of an event: the document is written.
	stored disposition = iota + 1
	rejected
	// duplicate: the store holds the event already, from another copy of it or
	// from an earlier delivery of this one.
	duplicate
	// expired: past its retention already, so it was not written.
	expired
	// unavailable: nothing is decided, the store is away.
	unavailable
	// misconfigured: nothing is decided, and only a person can help.
	misconfigured
	// interrupted: nothing is decided, the processor is ending.
	interrupted
)

// action is what is done with a message.
type action uint8

const (
	// ack: it is done with.
	ack action = iota + 1
	// retry: it stays in work here, and no other is fetched.
	retry
	// stop: it is handed back, and the processor ends with the error.
	stop
	// handBack: another processor gets it at once.
	handBack
)

// settlements says for each outcome what is done, and what metrics call it.
var settlements = map[disposition]struct {
	action action
	name   string
}{
	stored:        {ack, "stored"},
	rejected:      {ack, "rejected"},
	duplicate:     {ack, "duplicate"},
	expired:       {ack, "expired"},
	unavailable:   {retry, "unavailable"},
	misconfigured: {stop, "misconfigured"},
	interrupted:   {handBack, "interrupted"},
}

// ofDocument is the outcome of a document that was written, with the code of
// the first reason of a rejection.
func ofDocument(d *store.Document, written store.WriteResult) (disposition, string) {
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

// ofError is the outcome of all messages of a write that failed.
func ofError(ctx context.Context, err error) disposition {
	switch {
	case errors.Is(err, store.ErrConfiguration):
		return misconfigured
	case ctx.Err() != nil:
		return interrupted
	default:
		return unavailable
	}
}

// Bodies of what is published to a message's reply subject.
var (
	bodyAck      = []byte("+ACK")
	bodyNak      = []byte("-NAK")
	bodyProgress = []byte("+WPI")
)

// settle does with each message of a batch what its outcome says: written has
// one outcome a document, or err says why nothing was decided. It returns err if
// that must stop the processor.
func (s *Service) settle(
	ctx context.Context, batch []delivery, docs []*store.Document, written []store.WriteResult, err error,
) error {
	bytes := 0
	var counts tally
	for i := range batch {
		var o disposition
		var code string
		if err != nil {
			o = ofError(ctx, err)
		} else {
			o, code = ofDocument(docs[i], written[i])
		}
		switch settlements[o].action {
		case ack:
			// Ack only after the write returned: this line is the only one that
			// acknowledges, and what led here came from the store.
			s.reply(&batch[i], bodyAck)
			bytes += batch[i].size
		case retry, stop, handBack:
			s.reply(&batch[i], bodyNak)
		}
		counts.add(o, code)
	}
	s.metrics.settled(counts)
	s.settledABit(bytes)
	if err != nil && settlements[ofError(ctx, err)].action == stop {
		return err
	}
	return nil
}

// handBack gives messages to whoever asks next.
func (s *Service) handBack(batch []delivery) {
	for i := range batch {
		s.reply(&batch[i], bodyNak)
	}
}

// reply publishes to a message's reply subject. The connection buffers it. An
// acknowledgement that is lost costs another delivery, and nothing else.
func (s *Service) reply(d *delivery, body []byte) {
	if err := s.cfg.Conn.Publish(d.reply, body); err != nil {
		s.metrics.lostReplies.Inc()
	}
}

// inProgress tells the server that a batch is in work.
func (s *Service) inProgress(batch []delivery) {
	// Without a connection the signals would pile up.
	if !s.cfg.Conn.IsConnected() {
		return
	}
	for i := range batch {
		s.reply(&batch[i], bodyProgress)
	}
}

// repeat calls do every d, also after the end of ctx, until the returned
// function is called, which waits for a call that is running and may itself be
// called again.
func repeat(ctx context.Context, d time.Duration, do func()) (done func()) {
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

// handOver returns what was delivered and never taken up, and waits until the
// server has all acknowledgements. It is bounded, and runs after the end of ctx.
func (s *Service) handOver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOverLimit)
	defer cancel()
	s.handBack(s.deliveries(ctx, s.puller.close(ctx)))
	if err := s.cfg.Conn.FlushWithContext(ctx); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "acknowledgements may be lost; the events will be delivered again",
			slog.Any("error", err))
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "processing ended")
}
