package sessions

import (
	"context"
	"time"

	"github.com/theeye/theeye/shared/query"
)

// Source is what an adapter reads. Expired events are invisible to it.
type Source interface {
	// SessionStarts returns up to n sessions in the order of their positions,
	// behind after; fewer only where nothing follows.
	SessionStarts(ctx context.Context, q Starts, after *query.SessionPosition, n int) ([]query.SessionPosition, error)
	// SessionEvents calls yield with every stored event that has one of the
	// session ids, in any order and of any application. It stops at the first
	// error of yield and returns it.
	SessionEvents(ctx context.Context, ids []string, yield func(*Event) error) error
}

// Starts selects sessions by their first event.
type Starts struct {
	Applications []string
	SessionID    string
	From, To     time.Time
	// Before selects the sessions that have an event in the range and began
	// before From, in place of those whose first event lies in the range.
	Before     bool
	Descending bool
}

// Event is the part of a stored event that the figures of a session are made of.
type Event struct {
	ID             string
	Application    string
	SessionID      string
	Category, Name string
	Timestamp      time.Time
}

// Bounds of one batch of sessions that are looked at.
const (
	firstBatch = 32
	lastBatch  = 256
)

// Read answers q from a source.
func Read(ctx context.Context, source Source, q query.Sessions) ([]query.Session, error) {
	if err := q.CheckBounds(); err != nil {
		return nil, err
	}
	if q.MatchesNothing() {
		return nil, nil
	}
	var page []query.Session
	for _, part := range partsOf(&q) {
		var err error
		if page, err = readPart(ctx, source, &q, part, page); err != nil || len(page) == q.Limit {
			return page, err
		}
	}
	return page, nil
}

// partsOf divides a question into selections whose sessions follow each other:
// those that began before the range come first, or last where it descends.
func partsOf(q *query.Sessions) []Starts {
	within := Starts{
		Applications: q.Applications, SessionID: q.SessionID, From: q.From, To: q.To, Descending: q.Descending,
	}
	if !q.Active || q.From.IsZero() {
		return []Starts{within}
	}
	before := within
	before.Before = true
	switch {
	case q.Descending:
		return []Starts{within, before}
	case q.After != nil && !q.After.First.Before(q.From):
		return []Starts{within} // the pages have passed the others
	}
	return []Starts{before, within}
}

// readPart adds the sessions of one selection to the page, until that is full.
func readPart(ctx context.Context, source Source, q *query.Sessions, part Starts, page []query.Session) ([]query.Session, error) {
	after := q.After
	for batch := max(firstBatch, min(q.Limit-len(page), lastBatch)); ; batch = min(2*batch, lastBatch) {
		starts, err := source.SessionStarts(ctx, part, after, batch)
		if err != nil {
			return nil, err
		}
		sessions, err := readFigures(ctx, source, q, starts)
		if err != nil {
			return nil, err
		}
		for i := range sessions {
			if !isListed(q, &sessions[i]) {
				continue
			}
			if page = append(page, sessions[i]); len(page) == q.Limit {
				return page, nil
			}
		}
		if len(starts) < batch {
			return page, nil
		}
		after = &starts[len(starts)-1]
	}
}

// isListed reports whether a session has what the question asks of it.
func isListed(q *query.Sessions, s *query.Session) bool {
	return s.Count >= max(q.MinEvents, 1) && s.Last.Sub(s.First) >= q.MinDuration && s.Matched > 0
}
