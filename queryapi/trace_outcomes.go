package queryapi

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Bounds of the revisions that are rebuilt: each takes a reading of the bucket of
// schemas.
const (
	maxRevisions = 20 // of one trace
	maxTraces    = 4  // at work at once
	maxTraceWait = 2 * time.Second
)

// basis is where an outcome is from.
type basis string

const (
	basisStore      basis = "store"
	basisRecomputed basis = "recomputed"
)

// tracedOutcome is an outcome of an event in an answer.
type tracedOutcome struct {
	Basis         basis         `json:"basis"`
	Revision      uint64        `json:"revision"`
	Status        store.Status  `json:"status"`
	Errors        []event.Fault `json:"errors,omitempty"`
	SchemaVersion int64         `json:"schema_version,omitzero"`
	// At is when the event was judged so, or a while before.
	At string `json:"at,omitzero"`
	// Job is the replay that judged it so; it may have left the event out
	// where MayHaveTouched is set.
	Job            string `json:"job,omitzero"`
	MayHaveTouched bool   `json:"may_have_touched,omitzero"`
}

func outcomeOf(from basis, d *store.Document) tracedOutcome {
	return tracedOutcome{Basis: from, Revision: d.Revision, Status: d.Status, Errors: d.Errors, SchemaVersion: d.SchemaVersion}
}

// judgement is one by which an event was judged.
type judgement struct {
	revision uint64
	at       time.Time
	job      string
	// maybe says that the replay may have left the event out.
	maybe bool
}

// recompute judges an event again as it was judged when it was received, and by
// every replay since, in the order of the revisions. It is what the judgement
// says, as this build reads the message: the store is asked nothing. omitted
// counts the replays that were left out.
func (s *Service) recompute(ctx context.Context, d *store.Document, m stream.Raw) (list []tracedOutcome, omitted int, err error) {
	select {
	case s.traces <- struct{}{}:
		defer func() { <-s.traces }()
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	case <-time.After(maxTraceWait): // the places of other queries are not for waiting
		return nil, 0, unavailable(codeOverloaded, "too many events are being judged again", retryLater, nil)
	}
	all, omitted, err := s.judgements(ctx, d, m)
	if err != nil {
		return nil, 0, err
	}
	for _, by := range all {
		set, err := s.rules(ctx, by.revision)
		if errors.Is(err, registry.ErrNoRevision) {
			omitted++ // the registry was made anew since
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		again, _ := outcome.Evaluate(m, set, d.Origin.Epoch) // a panic is among its errors
		o := outcomeOf(basisRecomputed, again)
		o.At, o.Job, o.MayHaveTouched = timeText(by.at), by.job, by.maybe
		list = append(list, o)
	}
	return list, omitted, nil
}

// judgements are the revision in force when an event was received, and the
// targets of the newest replays that covered it since. A replay to an earlier
// target brought it nothing.
func (s *Service) judgements(ctx context.Context, d *store.Document, m stream.Raw) (list []judgement, omitted int, err error) {
	received := d.ReceivedAt
	// The document keeps milliseconds.
	if msg, err := stream.Parse(m.Header, m.Payload); err == nil {
		received = msg.ReceivedAt
	}
	first, err := registry.RevisionAt(ctx, s.js, received)
	if err != nil {
		return nil, 0, err
	}
	b, err := job.Open(ctx, s.js)
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
		list = append(list, judgement{j.TargetRevision, at, j.ID, j.Selection.ByOutcome() || j.State != job.Done})
	}
	slices.Reverse(list)
	return append([]judgement{{revision: first, at: received}}, list...), omitted, nil
}

// rules are the schemas and the policy of a revision.
func (s *Service) rules(ctx context.Context, revision uint64) (*schema.Set, error) {
	if now := s.registry.Snapshot(); now != nil && now.Schemas.Revision() == revision {
		return now.Schemas, nil
	}
	return registry.At(ctx, s.js, revision)
}
