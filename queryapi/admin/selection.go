package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// checkSelection returns an *editor.InvalidError where a selection can match no
// event: it names an application, a type or a code that does not exist, or a range
// without events. A replay must not make a revision in vain.
func (a *Admin) checkSelection(ctx context.Context, j job.Job) error {
	events, err := a.js.Stream(ctx, stream.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // the processor will create it; nothing is known of it yet
	}
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	c := selectionCheck{admin: a, events: events, job: j}
	for _, check := range []func(context.Context) error{c.checkApplication, c.checkType, c.checkCode, c.checkRange} {
		if err := check(ctx); err != nil {
			return err
		}
	}
	if len(c.faults) > 0 {
		return &editor.InvalidError{Faults: c.faults}
	}
	return nil
}

// findTimeout bounds the search for an event of a type.
const findTimeout = 3 * time.Second

// selectionCheck collects the faults of one selection.
type selectionCheck struct {
	admin  *Admin
	events jetstream.Stream
	job    job.Job
	faults []event.Fault
}

func (c *selectionCheck) addFault(member, format string, args ...any) {
	m := schema.Location{Faults: &c.faults}
	m.At(member).Faultf(format, args...)
}

// suggest returns a sentence with the nearest of the known words, "" if none is near.
func suggest(word string, known []string) string {
	if i, nearest := event.NewVocabulary(known...).Nearest(word); i >= 0 {
		return fmt.Sprintf("; did you mean %q?", nearest)
	}
	return ""
}

// checkApplication accepts an application that was removed, while the stream has its
// events.
func (c *selectionCheck) checkApplication(ctx context.Context) error {
	name := c.job.Selection.Application
	snapshot := c.admin.registry.Snapshot()
	if name == "" || snapshot == nil {
		return nil
	}
	known := snapshot.Access.Applications()
	if slices.Contains(known, name) {
		return nil
	}
	has, err := c.hasSubjects(ctx, stream.SubjectsFor(name, "", ""))
	if err != nil || has {
		return err
	}
	c.addFault("application", "the registry has no application %q, and the stream no event of one%s", name, suggest(name, known))
	return nil
}

// hasSubjects reports whether the stream has messages of one of the subjects.
func (c *selectionCheck) hasSubjects(ctx context.Context, subjects []string) (bool, error) {
	for _, subject := range subjects {
		info, err := c.events.Info(ctx, jetstream.WithSubjectFilter(subject))
		if err != nil {
			return false, fmt.Errorf("look up %s in the stream: %w", subject, err)
		}
		if len(info.State.Subjects) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// checkType accepts a category or a name of a type that is registered, or that an
// event in the store has. While the store does not answer it accepts every type.
func (c *selectionCheck) checkType(ctx context.Context) error {
	s := c.job.Selection
	snapshot := c.admin.registry.Snapshot()
	if s.Category == "" && s.Name == "" || snapshot == nil {
		return nil
	}
	matches := func(t schema.Type) bool {
		return (s.Category == "" || s.Category == t.Category) && (s.Name == "" || s.Name == t.Name)
	}
	types := snapshot.Schemas.Types()
	for name := range c.job.Schemas { // those of a dry run
		if t, err := schema.ParseType(name); err == nil {
			types = append(types, t)
		}
	}
	if slices.ContainsFunc(types, matches) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	for _, rejected := range []bool{false, true} {
		found, err := c.admin.store.Find(ctx, query.Events{
			Filter: query.Filter{Category: s.Category, Name: s.Name}, Rejected: rejected, Limit: 1,
		})
		if err != nil || len(found) > 0 {
			return nil // after an error the job waits for the store, and then decides
		}
	}
	if newest, err := stream.NewestRevision(ctx, c.admin.js, stream.BucketSchemas); err != nil || newest > snapshot.Schemas.Revision() {
		return nil // the type may have been put a moment ago
	}
	c.explainType(s, types)
	return nil
}

// explainType adds the fault of a type that does not exist, with the nearest one.
func (c *selectionCheck) explainType(s job.Selection, types []schema.Type) {
	categories, names := make([]string, len(types)), make([]string, 0, len(types))
	for i, t := range types {
		categories[i] = t.Category
		if s.Category == "" || s.Category == t.Category {
			names = append(names, t.Name)
		}
	}
	const none = "no type of it is registered, and no event of one was received: %q%s"
	switch {
	case s.Category != "" && !slices.Contains(categories, s.Category):
		c.addFault("category", none, s.Category, suggest(s.Category, categories))
	case s.Category != "":
		c.addFault("name", "no type of category %q has the name %q, and no event of one was received%s", s.Category, s.Name, suggest(s.Name, names))
	default:
		c.addFault("name", none, s.Name, suggest(s.Name, names))
	}
}

func (c *selectionCheck) checkCode(context.Context) error {
	code := c.job.Selection.Code
	if code != "" && !slices.Contains(event.RejectionCodes, code) {
		c.addFault("code", "no event is rejected with the code %q%s", code, suggest(code, event.RejectionCodes))
	}
	return nil
}

// checkRange refuses a range without messages. An audit accounts for sequences that
// were purged, too.
func (c *selectionCheck) checkRange(ctx context.Context) error {
	s, state := c.job.Selection, c.events.CachedInfo().State
	bounded := s.FromSeq > 0 || s.ToSeq > 0 || !s.From.IsZero() || !s.To.IsZero()
	purged := s.CountPurged(state)
	switch {
	case s.From.After(time.Now()):
		c.addFault("from", "lies in the future: it is now %s", event.FormatTime(time.Now()))
	case !bounded && (state.Msgs > 0 || c.job.Kind == job.Audit):
	case state.Msgs == 0 && state.LastSeq == 0:
		c.addFault("", "the stream has no event yet")
	case s.FromSeq > state.LastSeq:
		c.addFault("from_seq", "the stream ends at sequence %d", state.LastSeq)
	case c.job.Kind == job.Audit && purged > 0:
	case s.ToSeq > 0 && s.ToSeq < state.FirstSeq:
		c.addFault("to_seq", "all %d of the range are purged from the stream, which begins at sequence %d", purged, state.FirstSeq)
	case state.Msgs == 0:
		c.addFault("", "all %d events are purged from the stream; their outcomes stay as they are", purged)
	default:
		return c.checkTimes(ctx, s, state)
	}
	return nil
}

func (c *selectionCheck) checkTimes(ctx context.Context, s job.Selection, state jetstream.StreamState) error {
	r, err := s.Range(ctx, c.admin.js)
	if err != nil || r.Last >= r.First {
		return err
	}
	first, last := event.FormatTime(state.FirstTime), event.FormatTime(state.LastTime)
	switch {
	case !s.To.IsZero() && s.To.Before(state.FirstTime):
		purged := ""
		if state.FirstSeq > 1 {
			purged = fmt.Sprintf("; %d earlier ones are purged", state.FirstSeq-1)
		}
		c.addFault("to", "the stream has no event before %s%s", first, purged)
	case !s.From.IsZero() && s.From.After(state.LastTime):
		c.addFault("from", "no event was received since; the newest is of %s", last)
	default:
		c.addFault("", "no event lies in the range; the stream has those from %s, sequence %d, to %s, sequence %d",
			first, state.FirstSeq, last, state.LastSeq)
	}
	return nil
}

// Finder is the part of a store that shows whether events of a type exist.
type Finder interface {
	Find(ctx context.Context, q query.Events) ([]*store.Document, error)
}
