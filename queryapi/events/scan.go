package events

import (
	"context"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// Matches reports whether a document matches a filter. Fields that a rejected event
// lacks are missing.
func Matches(f filter.Filter, d *store.Document) bool {
	return f.Match(&filter.Event{
		Application: d.Application, EventID: d.EventID, SessionID: d.SessionID, Category: d.Category, Name: d.Name,
		SchemaVersion: d.SchemaVersion, Timestamp: d.Timestamp, ReceivedAt: d.ReceivedAt, Data: d.Data,
	})
}

// scanPage reads a page of the events of q that match a filter, from the store.
func (f *Finder) scanPage(ctx context.Context, q query.Events, match filter.Filter) (Page, error) {
	s := scanner{pager: f.pagerOf(q), match: func(d *store.Document) bool { return Matches(match, d) }}
	return s.read(ctx, q.After)
}

// scanShare is the part of the time that is left in which a page is scanned for; the
// rest is for its answer.
const scanShare = 2.0 / 3

// scanner reads one page of the documents of a query that match.
type scanner struct {
	*pager
	match func(*store.Document) bool
}

// read returns a page. It fetches bounded portions until the page is full, the
// documents end, or the time is short: then Next is behind the scanned events, and the
// page may be short or empty. So only a first portion that is late is an error, and
// the next page always begins further on. Next may be set where nothing follows that
// matches.
func (s *scanner) read(ctx context.Context, after *query.Position) (Page, error) {
	inTime, cancel := withShare(ctx)
	defer cancel()
	p, err := s.fill(ctx, inTime, after)
	if err != nil {
		return Page{}, err
	}
	size := 0
	for _, d := range p.Documents {
		size += d.Size()
	}
	return p, reserveDocuments(ctx, size)
}

// fill scans for the documents of a page until inTime ends.
func (s *scanner) fill(ctx, inTime context.Context, after *query.Position) (p Page, err error) {
	size, want, room := 0, fetchSize, firstFetch
	for portion := ctx; ; portion = inTime {
		docs, err := s.fetchReserved(portion, after, want, size, room)
		if err != nil && portion != ctx && hasEnded(inTime) && !hasEnded(ctx) {
			p.Next = after
			return p, nil // late: the next page reads what this one has not
		}
		if err != nil {
			return p, err
		}
		scanned := 0
		for i, d := range docs {
			if scanned += d.Size(); !s.match(d) {
				continue
			}
			p.Documents, size = append(p.Documents, d), size+d.Size()
			if full := len(p.Documents) == s.limit || size > MaxPageBytes; full && i+1 < len(docs) {
				return s.endPage(p.Documents, len(p.Documents)), nil
			}
		}
		if len(docs) < want && scanned < room {
			return p, nil
		}
		last := s.position(docs[len(docs)-1])
		after = &last
		if len(p.Documents) == s.limit || size > MaxPageBytes || hasEnded(inTime) {
			p.Next = after
			return p, nil
		}
		want, room = portionSize(scanned/len(docs)), laterFetch
	}
}

// portionSize returns how many documents of a mean size are fetched at once.
func portionSize(mean int) int {
	if mean > smallEvent {
		return fetchSize
	}
	return query.MaxEvents
}

// withShare returns a context that ends after scanShare of the time that ctx has left.
func withShare(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, time.Duration(float64(left)*scanShare))
}

func hasEnded(ctx context.Context) bool { return ctx.Err() != nil }
