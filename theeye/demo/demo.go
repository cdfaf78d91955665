package demo

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// Bounds of a Config. A planned session takes 24 bytes, about one byte an event.
const (
	MaxEvents = 20_000_000
	MaxDays   = 3650
)

// Config says which events are made.
type Config struct {
	// Events is their number, from 1 to MaxEvents.
	Events int
	// Days is how long before Until the first of them may happen, from 1 to
	// MaxDays.
	Days int
	// Seed chooses one of the possible histories.
	Seed uint64
	// Until is the time before which all of them happen.
	Until time.Time
}

// ErrConfig marks a Config that is out of bounds.
var ErrConfig = errors.New("invalid sample")

// Sample is a planned history. It does not change and is safe for concurrent use.
type Sample struct {
	config      Config
	from, until int64 // microseconds since 1970
	sessions    []session
	summary     Summary
}

// session is one visit, as planned: enough to make its events again.
type session struct {
	start   int64  // microseconds since 1970
	visitor uint32 // number of the visitor
	nth     uint16 // number of the visit among the visitor's
	limit   uint16 // events at most, where the sample ends within it
	plan    plan   // the visitor's plan when it begins
}

// New plans a sample.
func New(c Config) (*Sample, error) {
	switch {
	case c.Events < 1 || c.Events > MaxEvents:
		return nil, fmt.Errorf("%w: the number of events must be from 1 to %d", ErrConfig, MaxEvents)
	case c.Days < 1 || c.Days > MaxDays:
		return nil, fmt.Errorf("%w: the number of days must be from 1 to %d", ErrConfig, MaxDays)
	}
	until := c.Until.UTC().Truncate(time.Microsecond)
	from := until.AddDate(0, 0, -c.Days)
	if from.Year() < 1 || until.Year() > 9999 {
		return nil, fmt.Errorf("%w: it must lie in the years 1 to 9999", ErrConfig)
	}
	s := &Sample{config: c, from: from.UnixMicro(), until: until.UnixMicro()}
	s.planSessions(newTally(from, until, c.Seed))
	slices.SortFunc(s.sessions, func(a, b session) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.visitor, b.visitor))
	})
	return s, nil
}

// Summary returns what a correct count of the stored events must give.
func (s *Sample) Summary() *Summary { return &s.summary }

// NDJSON returns a reader of all events, a line each, session by session in the
// order of their beginning.
func (s *Sample) NDJSON() io.Reader { return &lineReader{sample: s} }

// planSessions plans visitor by visitor until there are enough events.
func (s *Sample) planSessions(t *tally) {
	left := s.config.Events
	for number := uint32(0); left > 0; number++ {
		p := s.newVisitor(number)
		t.beginVisitor()
		rng := s.newRand(number, planStream)
		for nth, at := uint16(0), p.firstVisit(rng, s); at < s.until && left > 0 && nth < maxVisits; nth++ {
			if at < s.from {
				at = p.nextVisit(rng, s, at)
				continue
			}
			planned := session{
				start: at, visitor: number, nth: nth, plan: p.plan,
				limit: uint16(min(left, maxSessionEvents)),
			}
			t.beginSession()
			end, plan, made := s.makeSession(&p, &planned, t.addAction)
			s.sessions = append(s.sessions, planned)
			left -= made
			p.plan = plan
			at = p.nextVisit(rng, s, end)
		}
		t.endVisitor()
	}
	s.summary = *t.finishSummary()
}

// history is how long before the sample its visitors may have come first: so its
// first days have those who come back, too. Events of that time are not made.
const history = 60 * day

// maxVisits bounds the sessions of one visitor, maxSessionEvents the events of a
// session.
const (
	maxVisits        = 500
	maxSessionEvents = 200
)

// planStream separates the random numbers of a visitor's habits and visits from
// those of the sessions, which have the numbers below it.
const planStream = 1 << 16

// newRand returns the random numbers of one part of a visitor's history.
func (s *Sample) newRand(visitor uint32, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(s.config.Seed, uint64(visitor)<<20|stream)) //nolint:gosec // repeatable, not secret
}

// newIDs returns the random bits of the ids of a session. Unlike those of the
// history they depend on the time: the same visits before another end are other
// events.
func (s *Sample) newIDs(of *session) *rand.PCG {
	key := s.config.Seed ^ uint64(s.until)*0x9E3779B97F4A7C15 ^ uint64(s.config.Days)*0xC2B2AE3D27D4EB4F
	return rand.NewPCG(key, uint64(of.visitor)<<20|uint64(of.nth))
}
