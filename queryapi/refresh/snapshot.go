package refresh

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// Need says which rows a question is about. A zero bound is open.
type Need struct {
	// Applications are names.
	Applications []string
	// From and To bound the timestamps: rows in [From, To). With one of them, rejected
	// events without a timestamp may be missing.
	From, To time.Time
	// ReceivedFrom and ReceivedTo bound the received times.
	ReceivedFrom, ReceivedTo time.Time
}

// Snapshot returns the rows that a question needs, as of a moment that is at most two
// seconds before the call. It waits for missing days, no longer than ctx: past that,
// the error is a problem with code still_building where a day was never built.
//
// Parts that hold no row of the ranges are left out; the others hold rows of any time.
// Rows whose expiry is not after Snapshot.Now are for the caller to drop.
func (r *Refresher) Snapshot(ctx context.Context, n Need) (*columns.Snapshot, error) {
	oldest := r.now().Add(-freshFor)
	for {
		view, missing := r.selectParts(n, oldest)
		if missing == nil {
			snapshot, lost, err := r.openViews(ctx, view)
			if err != nil {
				return nil, err
			}
			if !lost {
				return snapshot, nil
			}
			continue
		}
		if err := r.awaitChange(ctx, missing); err != nil {
			return nil, err
		}
	}
}

// selection is what a snapshot is made of.
type selection struct {
	asOf, now    time.Time
	applications []string
	parts        []selected // by application, in the order of the days
	version      string
}

// selected is a segment as it was at the moment of selection.
type selected struct {
	application int
	day         *day
	segment     *segment
	owned       *slotSet // nil if every row counts
}

// missing is what a question waits for.
type missing struct {
	changed <-chan struct{}
	days    []columns.Key
	// pass says that a pass brings it nearer: the marks were read too long ago, or a day
	// has changes that are not left to the builders.
	pass bool
	// failed is why it would wait in vain.
	failed error
	// building says that a day was never built; builtFrom is the moment from which on
	// all is held: a timestamp if ofTimestamps, else the start of a day of received time.
	building     bool
	builtFrom    time.Time
	ofTimestamps bool
}

// explainStandstill returns why no pass brings what a question waits for, nil if the next one
// may. A folder that cannot be used is waited for, so it is a problem with code starting.
// The caller holds mu.
func (r *Refresher) explainStandstill() error {
	if r.lockFailed != nil {
		return problem.Wrap(api.CodeStarting, "the folder of columns cannot be used; this service waits for it", r.lockFailed)
	}
	return r.passFailed
}

// selectParts returns the parts of a question, or the days that are missing.
func (r *Refresher) selectParts(n Need, oldest time.Time) (selection, *missing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := selection{asOf: r.asOf, now: r.now(), applications: n.Applications}
	lacking := &missing{changed: r.changed, building: r.asOf.IsZero(), pass: r.asOf.Before(oldest), failed: r.explainStandstill()}
	version := fnv.New128a()
	fmt.Fprintf(version, "%s %q", r.nonce, n.Applications)
	for i, application := range n.Applications {
		for _, d := range r.daysOf(application) {
			if !r.needs(d, n) {
				continue
			}
			if asOf := d.asOf(r.asOf); asOf.Before(oldest) {
				lacking.addDay(d)
				s.asOf = asOf
				continue
			} else if asOf.Before(s.asOf) {
				s.asOf = asOf
			}
			fmt.Fprintf(version, " %d/%d/%d", i, d.key.Day, d.version)
			for _, g := range d.segments {
				if !g.stored.overlaps(n.From, n.To) && n.byTimestamp() || !g.received.overlaps(n.ReceivedFrom, n.ReceivedTo) {
					continue
				}
				if !g.expires.IsZero() && !g.expires.After(s.now) {
					fmt.Fprintf(version, "@%d", s.now.UnixNano())
				}
				part := selected{application: i, day: d, segment: g}
				if g.masked() {
					owned := g.owned
					part.owned = &owned
				}
				s.parts = append(s.parts, part)
			}
		}
	}
	if s.asOf.Before(oldest) {
		lacking.ofTimestamps = n.byTimestamp()
		lacking.builtFrom = r.builtFrom(n)
		return s, lacking
	}
	s.version = hex.EncodeToString(version.Sum(nil))
	return s, nil
}

// addDay notes that a day is awaited.
func (m *missing) addDay(d *day) {
	m.days = append(m.days, d.key)
	m.pass = m.pass || !d.queued
	if d.failed != nil {
		m.failed = d.failed
	}
	if d.asOf(time.Time{}).IsZero() && !d.complete() {
		m.building = true
	}
}

func (n Need) byTimestamp() bool { return !n.From.IsZero() || !n.To.IsZero() }

// asOf returns a moment as of which everything of the day is held: the last one at
// which the marks were read, if nothing is to do.
func (d *day) asOf(last time.Time) time.Time {
	if d.complete() {
		return last
	}
	return d.heldAt
}

// daysOf returns the days of an application, in order.
func (r *Refresher) daysOf(application string) []*day {
	var list []*day
	for key, d := range r.days {
		if key.Application == application {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b *day) int { return int(a.key.Day - b.key.Day) })
	return list
}

// needs reports whether rows of a day can be within the ranges. Held rows are known
// exactly. Other rows were received before the end of the day, and have timestamps that
// the mark of the day bounds: no policy does, since each event was judged by that of its
// time.
func (r *Refresher) needs(d *day, n Need) bool {
	received := !d.complete() && startOf(d.key.Day+1).After(n.ReceivedFrom)
	stored := !n.byTimestamp() || !d.complete() && d.mayHold(n.From, n.To)
	for _, s := range d.segments {
		stored = stored || s.stored.overlaps(n.From, n.To)
		received = received || s.received.overlaps(n.ReceivedFrom, n.ReceivedTo)
	}
	return stored && received
}

// builtFrom returns the moment from which on everything is held that a question can be
// about, zero without one: of received time, the start of the oldest day from which
// on every day was built; of timestamps, the first one behind those of all other days.
func (r *Refresher) builtFrom(n Need) time.Time {
	var gap int64 = -1
	var built, others store.Span
	bounded := true
	for key, d := range r.days {
		switch {
		case !slices.Contains(n.Applications, key.Application):
		case d.asOf(r.asOf).IsZero():
			gap = max(gap, key.Day)
			others, bounded = others.Join(d.timestamps), bounded && d.bounded
		default:
			built = built.Join(d.timestamps)
		}
	}
	switch {
	case !n.byTimestamp():
		return r.oldestAfter(gap)
	case !bounded || !others.Some || !built.Some || built.Last <= others.Last:
		return time.Time{}
	}
	return time.UnixMicro(others.Last + 1)
}

// awaitChange asks for the missing days and waits for a change. Every pass is one, so it
// asks for another only where that helps.
func (r *Refresher) awaitChange(ctx context.Context, m *missing) error {
	if m.failed != nil {
		return m.failed
	}
	r.countWanted(m.days, 1)
	defer r.countWanted(m.days, -1)
	if m.pass {
		wake(r.kick)
	}
	r.wakeBuilders()
	select {
	case <-m.changed:
		return nil
	case <-ctx.Done():
	}
	if !m.building {
		return fmt.Errorf("wait for the columns: %w", context.Cause(ctx))
	}
	return m.stillBuilding()
}

// stillBuilding returns the problem that names the range that can be asked for until
// then.
func (m *missing) stillBuilding() *problem.Error {
	e := problem.New(api.CodeStillBuilding, "the columns are still being built from the store; ask again in a while")
	if m.builtFrom.IsZero() {
		return e
	}
	from, kind := event.FormatTime(m.builtFrom), "received time"
	if m.ofTimestamps {
		kind = "timestamp"
	}
	e.Members = []problem.Member{{Name: "built_from", Value: from}}
	e.Detail = fmt.Sprintf("the columns are still being built from the store, the newest days first; all events with a %s from %s on are there: ask for these, or again in a while", kind, from)
	return e
}

func (r *Refresher) countWanted(days []columns.Key, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range days {
		if r.wanted[key] += n; r.wanted[key] <= 0 {
			delete(r.wanted, key)
		}
	}
}

func newNonce() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
