package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// maxClockSkew bounds the difference between the received time, which is by the
// clock of a collector, and the time of the stream.
const maxClockSkew = 5 * time.Minute

// Range returns the range of the stream that holds all events of the selection, up
// to the end that the stream has now: Last is at least First-1. Errors are those
// of NATS.
func (s Selection) Range(ctx context.Context, js jetstream.JetStream) (stream.Range, error) {
	events, err := js.Stream(ctx, stream.Name)
	if err != nil {
		return stream.Range{}, fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	state := events.CachedInfo().State
	r := stream.Range{First: max(s.FromSeq, state.FirstSeq, 1), Last: state.LastSeq}
	if s.Application != "" || s.Category != "" || s.Name != "" {
		r.Subjects = stream.SubjectsFor(s.Application, s.Category, s.Name)
	}
	if s.ToSeq > 0 {
		r.Last = min(r.Last, s.ToSeq)
	}
	if !s.From.IsZero() {
		first, err := stream.SeqAt(ctx, js, s.From.Add(-maxClockSkew))
		if err != nil {
			return stream.Range{}, err
		}
		r.First = max(r.First, first)
	}
	if !s.To.IsZero() {
		end, err := stream.SeqAt(ctx, js, s.To.Add(maxClockSkew))
		if err != nil {
			return stream.Range{}, err
		}
		r.Last = min(r.Last, end-1)
	}
	r.Last = max(r.Last, r.First-1)
	return r, nil
}

// CountPurged returns how many sequences of the range the stream has purged. Where
// From is earlier than its first message, it counts those before that whatever their
// time, which is not known any more.
func (s Selection) CountPurged(state jetstream.StreamState) uint64 {
	if state.FirstSeq <= 1 || !s.From.IsZero() && state.Msgs > 0 && s.From.After(state.FirstTime) {
		return 0
	}
	from, to := max(s.FromSeq, 1), state.FirstSeq-1
	if s.ToSeq > 0 {
		to = min(to, s.ToSeq)
	}
	return to + 1 - min(from, to+1)
}

// Covers reports whether the selection covers an event, by what its message says:
// sequence, received time, application and decoded type. It reads no other field
// of d.
func (s Selection) Covers(d *store.Document) bool {
	return d.Origin.Seq >= s.FromSeq && (s.ToSeq == 0 || d.Origin.Seq <= s.ToSeq) &&
		(s.From.IsZero() || !d.ReceivedAt.Before(s.From)) && (s.To.IsZero() || d.ReceivedAt.Before(s.To)) &&
		(s.Application == "" || s.Application == d.Application) &&
		(s.Category == "" || s.Category == d.Category) && (s.Name == "" || s.Name == d.Name)
}

// CoversOutcome reports whether the selection covers an event with this
// outcome. An event without an outcome is covered: the process that writes it
// must know the newest revision.
func (s Selection) CoversOutcome(h store.Held, held bool) bool {
	if !s.ByOutcome() || !held {
		return true
	}
	return h.Status == store.Rejected &&
		(s.Code == "" || slices.ContainsFunc(h.Errors, func(f event.Fault) bool { return f.Code == s.Code }))
}

// maxCode bounds the code of a selection, in bytes.
const maxCode = 64

// Check returns the first fault of a selection, nil if a job can run it.
func (s Selection) Check() error {
	switch {
	case s.ToSeq > 0 && s.FromSeq > s.ToSeq:
		return errors.New("from_seq must not be above to_seq")
	case !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To):
		return errors.New("from must be before to")
	case s.Application != "" && !stream.ValidApplication(s.Application):
		return errors.New("application is not a valid name")
	case len(s.Category) > 4*event.MaxIDLength || len(s.Name) > 4*event.MaxIDLength:
		return fmt.Errorf("category and name must have at most %d characters", event.MaxIDLength)
	case s.Only != "" && s.Only != OnlyRejected:
		return fmt.Errorf("only must be %q or absent", OnlyRejected)
	case len(s.Code) > maxCode:
		return fmt.Errorf("code must have at most %d characters", maxCode)
	}
	return nil
}
