package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Bounds of a trace. Each revision is rebuilt by reading the bucket of schemas.
const (
	maxRevisions = 20 // of one trace
	maxTraceWait = 2 * time.Second
	// maxCopies bounds the other contents that a trace lists.
	maxCopies = 20
)

// Trace returns the outcome of one event, and the outcomes that earlier
// revisions of the registry gave it. Those are not stored: they are computed
// again from the event's message.
func (f *Finder) Trace(ctx context.Context, p access.Principal, application, id string) (api.Trace, error) {
	doc, pending, err := f.Event(ctx, p, application, id)
	if err != nil {
		return api.Trace{}, err
	}
	if doc == nil {
		return api.Trace{
			Application: pending.Application, EventID: pending.EventID, ReceivedAt: api.TimeOf(pending.ReceivedAt),
			Origin: api.Origin(pending.Origin), Message: api.MessageKept, Outcomes: []api.TracedOutcome{},
		}, nil
	}
	return f.traceDocument(ctx, doc)
}

// traceDocument follows an event from its document back to its message.
func (f *Finder) traceDocument(ctx context.Context, d *store.Document) (api.Trace, error) {
	tr := api.Trace{
		Application: d.Application, EventID: d.EventID, ReceivedAt: api.TimeOf(d.ReceivedAt),
		Origin: api.Origin(d.Origin), Outcomes: []api.TracedOutcome{tracedOutcome(api.BasisStore, d)},
	}
	var err error
	if tr.Copies, err = f.findCopies(ctx, d); err != nil {
		return tr, err
	}
	if !f.streamConnected() {
		return tr, traceUnavailable(ctx, nats.ErrDisconnected)
	}
	m, state, err := f.readMessage(ctx, d.Origin)
	if err != nil {
		return tr, traceUnavailable(ctx, err)
	}
	tr.Message = state
	if state != api.MessageKept {
		return tr, nil
	}
	recomputed, omitted, err := f.recompute(ctx, d, m)
	if err != nil {
		return tr, traceUnavailable(ctx, err)
	}
	tr.Outcomes, tr.OutcomesOmitted = append(tr.Outcomes, recomputed...), omitted
	return tr, nil
}

// traceUnavailable is the error for a failure of NATS that no deadline
// explains.
func traceUnavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil || problem.Is(err) {
		return err
	}
	return &problem.Error{
		Code: api.CodeStreamUnavailable, RetryAfter: retryLater, Cause: err,
		Detail: "the stream does not answer, and the earlier outcomes of the event are computed from its message",
	}
}

func tracedOutcome(basis string, d *store.Document) api.TracedOutcome {
	return api.TracedOutcome{
		Basis: basis, Revision: d.Revision, Status: string(d.Status), Errors: d.Errors, SchemaVersion: d.SchemaVersion,
	}
}

// readMessage reads the message at an origin, and returns whether the stream
// kept it. Any replica of the stream may answer.
func (f *Finder) readMessage(ctx context.Context, o store.Origin) (m stream.Raw, state string, err error) {
	events, err := f.js.Stream(ctx, stream.Name)
	if err != nil {
		return m, "", fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	if stream.EpochOf(events.CachedInfo()) != o.Epoch {
		return m, api.MessagePurged, nil // with its whole stream
	}
	found, err := events.GetMsg(ctx, o.Seq)
	switch {
	case err == nil:
		return stream.Raw{Header: found.Header, Payload: found.Data, Seq: found.Sequence, Time: found.Time}, api.MessageKept, nil
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return m, "", fmt.Errorf("read message %d of the stream: %w", o.Seq, err)
	}
	// Read after the miss: the message may have been purged right before it.
	info, err := events.Info(ctx)
	if err != nil {
		return m, "", fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	if o.Seq < info.State.FirstSeq {
		return m, api.MessagePurged, nil
	}
	return m, api.MessageLost, nil
}

// findCopies returns the other contents that were sent under the id of a
// document.
func (f *Finder) findCopies(ctx context.Context, d *store.Document) ([]api.ConflictingCopy, error) {
	others, err := f.store.Find(ctx, query.Events{
		Filter: query.Filter{
			Applications: []string{d.Application}, EventID: d.EventID, Code: event.CodeIDConflict,
		},
		Rejected: true, Limit: maxCopies,
	})
	if err != nil {
		return nil, err
	}
	var copies []api.ConflictingCopy
	for _, o := range others {
		copies = append(copies, api.ConflictingCopy{
			ReceivedAt: api.TimeOf(o.ReceivedAt), Origin: api.Origin(o.Origin), ContentHash: o.ContentHash,
		})
	}
	return copies, nil
}

// evaluation is one earlier evaluation of an event.
type evaluation struct {
	revision uint64
	at       time.Time
	// job is the replay that evaluated the event, "" for the processor; it may
	// have skipped the event where uncertain is set.
	job       string
	uncertain bool
}

// recompute evaluates an event by the revision in force when it was received,
// and by the target of every replay since, in the order of the revisions. It
// uses the message alone, as this build reads it, not the store. omitted counts
// the replays that were left out.
func (f *Finder) recompute(ctx context.Context, d *store.Document, m stream.Raw) (list []api.TracedOutcome, omitted int, err error) {
	select {
	case f.traces <- struct{}{}:
		defer func() { <-f.traces }()
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	case <-time.After(maxTraceWait): // a waiting trace occupies a slot of the queries
		return nil, 0, &problem.Error{
			Code: api.CodeOverloaded, RetryAfter: retryLater, Detail: "too many events are being traced",
		}
	}
	evaluations, omitted, err := f.findEvaluations(ctx, d, m)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range evaluations {
		set, err := f.schemasAt(ctx, e.revision)
		if errors.Is(err, registry.ErrNoRevision) {
			omitted++ // the registry was recreated since
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		evaluated, _ := outcome.Evaluate(m, set, d.Origin.Epoch) // a panic is among its errors
		o := tracedOutcome(api.BasisRecomputed, evaluated)
		o.At, o.Job, o.MayHaveTouched = api.TimeOf(e.at), e.job, e.uncertain
		list = append(list, o)
	}
	return list, omitted, nil
}

// findEvaluations returns the revision in force when an event was received, and
// the targets of the newest replays that covered it since. A replay to an
// earlier target did not change it.
func (f *Finder) findEvaluations(ctx context.Context, d *store.Document, m stream.Raw) (list []evaluation, omitted int, err error) {
	received := d.ReceivedAt
	// The document has milliseconds, the message more.
	if msg, err := stream.Parse(m.Header, m.Payload); err == nil {
		received = msg.ReceivedAt
	}
	first, err := registry.RevisionAt(ctx, f.js, received)
	if err != nil {
		return nil, 0, err
	}
	b, err := job.Open(ctx, f.js)
	if err != nil {
		return nil, 0, err
	}
	jobs, err := b.List(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, j := range jobs { // the newest first
		if j.Kind != job.Replay || j.StartedAt.IsZero() || j.TargetRevision <= first || !j.Selection.Covers(d) {
			continue
		}
		if len(list) == maxRevisions-1 {
			omitted++
			continue
		}
		at := j.StartedAt
		if !j.EndedAt.IsZero() {
			at = j.EndedAt
		}
		list = append(list, evaluation{j.TargetRevision, at, j.ID, j.Selection.ByOutcome() || j.State != job.Done})
	}
	slices.Reverse(list)
	return append([]evaluation{{revision: first, at: received}}, list...), omitted, nil
}

// schemasAt returns the schemas and the policy of a revision.
func (f *Finder) schemasAt(ctx context.Context, revision uint64) (*schema.Set, error) {
	if s := f.registry.Snapshot(); s != nil && s.Schemas.Revision() == revision {
		return s.Schemas, nil
	}
	return registry.At(ctx, f.js, revision)
}
