package queryapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	storequery "github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// maxCopies bounds the other contents that a trace names.
const maxCopies = 20

// What became of the message of an event.
const (
	messageKept   = "kept"
	messagePurged = "purged"
	messageLost   = "lost"
)

// traceAnswer is the answer of GET /v1/events/{event_id}/trace.
type traceAnswer struct {
	Application string          `json:"application"`
	EventID     string          `json:"event_id"`
	ReceivedAt  string          `json:"received_at"`
	Origin      originAnswer    `json:"origin"`
	Message     string          `json:"message"`
	Outcomes    []tracedOutcome `json:"outcomes"`
	// Omitted counts the replays that were not asked.
	Omitted int          `json:"outcomes_omitted,omitzero"`
	Copies  []copyAnswer `json:"copies,omitempty"`
}

type originAnswer struct {
	Epoch int64  `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// copyAnswer is another content that was sent under the same id.
type copyAnswer struct {
	ReceivedAt  string       `json:"received_at"`
	Origin      originAnswer `json:"origin"`
	ContentHash string       `json:"content_hash"`
}

// trace answers GET /v1/events/{event_id}/trace: what became of one event, now
// and by the revisions that judged it before.
func (s *Service) trace(w http.ResponseWriter, r *http.Request, who scope) error {
	segments, err := pathSegments(r, pathEvents)
	if err != nil {
		return err
	}
	if segments[0] == "" {
		return notFound("there is nothing at this path")
	}
	q, err := parseQuery(r.URL.RawQuery, eventParams)
	if err != nil {
		return err
	}
	doc, pending, err := s.findEvent(r.Context(), who, q.application, segments[0])
	if err != nil {
		return err
	}
	if doc == nil {
		return reply(w, http.StatusOK, 0, traceAnswer{
			Application: pending.application, EventID: pending.eventID, ReceivedAt: event.FormatTime(pending.receivedAt),
			Origin: originAnswer(pending.origin), Message: messageKept, Outcomes: []tracedOutcome{},
		})
	}
	a, err := s.traceOf(r.Context(), doc)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, 0, a)
}

// traceOf follows an event from its document back to its message.
func (s *Service) traceOf(ctx context.Context, d *store.Document) (traceAnswer, error) {
	a := traceAnswer{
		Application: d.Application, EventID: d.EventID, ReceivedAt: event.FormatTime(d.ReceivedAt),
		Origin: originAnswer(d.Origin), Outcomes: []tracedOutcome{outcomeOf(basisStore, d)},
	}
	var err error
	if a.Copies, err = s.copies(ctx, d); err != nil {
		return a, err
	}
	if s.js == nil || !s.js.Conn().IsConnected() {
		return a, streamSilent(ctx, nats.ErrDisconnected)
	}
	m, became, err := s.message(ctx, d.Origin)
	if err != nil {
		return a, streamSilent(ctx, err)
	}
	a.Message = became
	if became != messageKept {
		return a, nil
	}
	recomputed, omitted, err := s.recompute(ctx, d, m)
	if err != nil {
		return a, streamSilent(ctx, err)
	}
	a.Outcomes, a.Omitted = append(a.Outcomes, recomputed...), omitted
	return a, nil
}

// streamSilent is the answer to an error of NATS that no deadline explains.
func streamSilent(ctx context.Context, err error) error {
	var f *failure
	if ctx.Err() != nil || errors.As(err, &f) {
		return err
	}
	return unavailable(codeStreamUnavailable, "the stream does not answer, and only it tells how the event was judged before", retryLater, err)
}

// message reads the message of a place and tells what became of it. Any replica
// of the stream may answer.
func (s *Service) message(ctx context.Context, o store.Origin) (m stream.Raw, became string, err error) {
	events, err := s.js.Stream(ctx, stream.Name)
	if err != nil {
		return m, "", fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	if events.CachedInfo().Created.UnixMicro() != o.Epoch {
		return m, messagePurged, nil // with all of that stream
	}
	found, err := events.GetMsg(ctx, o.Seq)
	switch {
	case err == nil:
		return stream.Raw{Header: found.Header, Payload: found.Data, Seq: found.Sequence, Time: found.Time}, messageKept, nil
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return m, "", fmt.Errorf("read message %d of the stream: %w", o.Seq, err)
	}
	// Asked after the miss: it may have been purged right before it.
	info, err := events.Info(ctx)
	if err != nil {
		return m, "", fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	if o.Seq < info.State.FirstSeq {
		return m, messagePurged, nil
	}
	return m, messageLost, nil
}

// copies are the other contents that were sent under the id of a document.
func (s *Service) copies(ctx context.Context, d *store.Document) ([]copyAnswer, error) {
	others, err := s.store.Find(ctx, storequery.Events{
		Filter: storequery.Filter{
			Applications: []string{d.Application}, EventID: d.EventID, Code: event.CodeIDConflict,
		},
		Rejected: true, Limit: maxCopies,
	})
	if err != nil {
		return nil, err
	}
	var copies []copyAnswer
	for _, o := range others {
		copies = append(copies, copyAnswer{event.FormatTime(o.ReceivedAt), originAnswer(o.Origin), o.ContentHash})
	}
	return copies, nil
}
