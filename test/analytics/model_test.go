package analytics

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/analytics/oracle"
)

// message is one that was sent.
type message struct {
	oracle.Event // without outcome

	seq uint64
	raw []byte
}

// content is what two messages of one event must have in common.
func (m *message) content() string {
	raw, _ := json.Marshal(m.Data)
	return fmt.Sprint(m.Session, m.Category, m.Name, m.Timestamp, string(raw))
}

// rules are those of one revision of the registry.
type rules struct {
	revision uint64
	// least is the least data.n of an event that is stored.
	least float64
	// version is the revision that put the schemas.
	version uint64
	// keep is the retention of all outcomes, 0 for ever.
	keep time.Duration
	// category is that of all known types.
	category string
}

// names are those of the known types.
var names = []string{"view", "click", "buy"}

// compile returns the rules as the processor knows them.
func (r *rules) compile() *schema.Set {
	s, faults := schema.Compile(fmt.Appendf(nil, `{"properties":{"n":{"minimum":%v}}}`, r.least))
	if len(faults) > 0 {
		panic(fmt.Sprint(faults))
	}
	policy := schema.DefaultPolicy()
	policy.Retention = schema.Retention{Stored: r.keep, Rejected: r.keep}
	types := map[schema.Type]schema.Versioned{}
	for _, name := range names {
		types[schema.Type{Category: r.category, Name: name}] = schema.Versioned{Schema: s, Revision: r.version}
	}
	return schema.NewSet(r.revision, policy, types, nil)
}

// judge returns the event of a message with its outcome, by the words of the schema.
func (r *rules) judge(m *message) *oracle.Event {
	e := m.Event
	if n, ok := oracle.Number(e.Data["n"]); ok {
		if f, _ := n.Float64(); f < r.least {
			e.Reasons = append(e.Reasons, oracle.Reason{Code: event.CodeSchemaViolation, Path: "/data/n"})
		}
	}
	if !slices.Contains(names, e.Name) {
		e.Reasons = []oracle.Reason{{Code: event.CodeUnknownType, Path: ""}}
	}
	if len(e.Reasons) == 0 {
		e.SchemaVersion = int64(r.version)
	}
	e.Expires = r.expiry(&e)
	return &e
}

func (r *rules) expiry(e *oracle.Event) time.Time {
	if r.keep == 0 {
		return time.Time{}
	}
	return e.Received.Add(r.keep)
}

// kept is an outcome in the store.
type kept struct {
	event         *oracle.Event
	content       string
	seq, revision uint64
}

// model is what the store must hold after everything that was delivered.
type model struct {
	kept map[string]*kept
}

func (w *model) deliver(m *message, r *rules, now time.Time) {
	e := r.judge(m)
	if !e.Expires.IsZero() && !e.Expires.After(now) {
		return
	}
	next := &kept{e, m.content(), m.seq, r.revision}
	held := w.kept[e.DocumentID]
	if held != nil && held.content != next.content { // the first one written stays
		e.DocumentID += "#" + next.content
		e.Reasons, e.SchemaVersion = append([]oracle.Reason{{Code: event.CodeIDConflict, Path: "/event_id"}}, e.Reasons...), 0
		held = w.kept[e.DocumentID]
	}
	if held == nil || next.seq < held.seq || next.seq == held.seq && next.revision > held.revision {
		w.kept[e.DocumentID] = next
	}
}

// sweep removes the expired events, as the store does now and then.
func (w *model) sweep(now time.Time) {
	for id, k := range w.kept {
		if !k.event.Expires.IsZero() && !k.event.Expires.After(now) {
			delete(w.kept, id)
		}
	}
}

// retain applies a changed retention to the present events.
func (w *model) retain(r *rules) {
	for _, k := range w.kept {
		if k.revision < r.revision {
			e := *k.event
			e.Expires = r.expiry(&e)
			k.event = &e
		}
	}
}

func (w *model) world(now time.Time) *oracle.World {
	world := &oracle.World{Now: now}
	for _, k := range w.kept {
		world.Events = append(world.Events, k.event)
	}
	return world
}

// errPlanted is a failure of the database that a schedule causes.
var errPlanted = fmt.Errorf("%w: planted", store.ErrUnavailable)

// failing is a database that fails before or after some of its steps.
type failing struct {
	store.Store

	// after is how many steps succeed before one fails; none fails when it is negative.
	after int
}

func (f *failing) step() error {
	f.after--
	if f.after != -1 {
		return nil
	}
	return errPlanted
}

func (f *failing) Insert(ctx context.Context, docs []*store.Document) ([]error, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	results, err := f.Store.Insert(ctx, docs)
	if failed := f.step(); failed != nil {
		return nil, failed
	}
	return results, err
}

func (f *failing) Replace(ctx context.Context, docs []*store.Document) ([]error, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	results, err := f.Store.Replace(ctx, docs)
	if failed := f.step(); failed != nil {
		return nil, failed
	}
	return results, err
}

func (f *failing) Mark(ctx context.Context, marks []store.SlotMark) error {
	return errors.Join(f.step(), f.Store.Mark(ctx, marks), f.step())
}

// writeMessages takes messages through evaluation and the write rule, as a processor
// does, until the database took them. Between two attempts it calls between. epoch is that
// of the stream.
func writeMessages(ctx context.Context, w *store.Writer, set outcome.Rules, epoch int64, messages []*message, between func()) error {
	docs := make([]*store.Document, len(messages))
	for i, m := range messages {
		sent := stream.Message{Application: m.Application, ReceivedAt: m.Received, Format: native.Name, Payload: m.raw}
		d, panicked := outcome.Evaluate(stream.Raw{Header: sent.Msg("subject").Header, Payload: m.raw, Seq: m.seq, Time: m.Received}, set, epoch)
		if panicked != nil {
			return fmt.Errorf("%s: %v", m.raw, panicked.Value)
		}
		docs[i] = d
	}
	for {
		_, err := w.Write(ctx, docs)
		if !errors.Is(err, errPlanted) {
			return err
		}
		between()
	}
}

// sortMessages sorts as a bulk is written: of two contents of one event, the one that was
// sent first comes first.
func sortMessages(messages []*message) []*message {
	sorted := slices.Clone(messages)
	slices.SortFunc(sorted, func(a, b *message) int {
		return cmp.Or(strings.Compare(a.DocumentID, b.DocumentID), cmp.Compare(a.seq, b.seq))
	})
	return sorted
}

// encode writes the event as a site sends it.
func (m *message) encode() {
	object := map[string]any{
		"event_id": m.ID, "session_id": m.Session, "category": m.Category, "name": m.Name,
		"timestamp": m.Timestamp.Format(time.RFC3339Nano), "data": m.Data,
	}
	m.raw, _ = json.Marshal(object)
	d := json.NewDecoder(bytes.NewReader(m.raw))
	d.UseNumber()
	_ = d.Decode(&object)
	m.Data, _ = object["data"].(map[string]any)
}
