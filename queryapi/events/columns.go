package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

const (
	// columnsWait is how long a page waits for columns before it is scanned.
	columnsWait = 2 * time.Second
	// firstLookup and the factor of the next ones bound how many documents of unknown
	// size are read at once.
	firstLookup, lookupFactor = 16, 4
)

// errColumns marks that columns cannot answer: the store can.
var errColumns = errors.New("columns cannot answer")

// matchPage returns a page of the events of q that match a filter: from columns, or by a
// scan of the store where they do not hold a field, are not built yet, or are late. An
// event or a session by its id is few events that the store finds by themselves.
func (f *Finder) matchPage(ctx context.Context, q query.Events, match filter.Filter) (Page, error) {
	if f.analytics == nil || q.Rejected || q.EventID != "" || q.SessionID != "" {
		return f.scanPage(ctx, q, match)
	}
	page, err := f.columnPage(ctx, q, match)
	if err != nil && errors.Is(err, errColumns) && ctx.Err() == nil {
		return f.scanPage(ctx, q, match)
	}
	return page, err
}

// columnPage returns a page of events that columns select and the store reads. The error
// is of class errColumns where they cannot.
func (f *Finder) columnPage(ctx context.Context, q query.Events, match filter.Filter) (Page, error) {
	inTime, cancel := withShare(ctx)
	defer cancel()
	list := &columnLister{finder: f, query: &analytics.EventsQuery{
		Scope: analytics.Scope{
			Applications: q.Applications, Category: q.Category, Name: q.Name, Filter: match, From: q.From, To: q.To,
		},
		Descending: q.Descending, After: q.After, Limit: q.Limit + 1,
	}}
	if err := list.takeSnapshot(inTime); err != nil {
		return Page{}, err
	}
	pages := &pager{
		fetch: func(_ context.Context, _ *query.Position, n, maxBytes int) ([]*store.Document, error) {
			docs, err := list.fetch(inTime, n, maxBytes)
			if err != nil && inTime.Err() != nil {
				return nil, fmt.Errorf("%w: %w", errColumns, err)
			}
			return docs, err
		},
		position: timestampPosition,
		limit:    q.Limit,
	}
	return pages.read(inTime, q.After)
}

// columnLister reads the documents that columns select, in order and each once. It is for
// one page and one goroutine.
type columnLister struct {
	finder   *Finder
	query    *analytics.EventsQuery
	snapshot *columns.Snapshot
	// positions are those of documents that were not read yet; more says that others
	// follow behind query.After.
	positions []query.Position
	more      bool
	// read and bytes are of the documents that were read, lookup is how many the last
	// lookup asked for.
	read, bytes, lookup int
}

// takeSnapshot takes the snapshot that the page is answered from.
func (l *columnLister) takeSnapshot(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, columnsWait)
	defer cancel()
	a := l.finder.analytics
	if l.query.Applications == nil {
		// The names are known only as of a snapshot.
		if _, err := a.Snapshot(ctx, refresh.Need{}); err != nil {
			return fmt.Errorf("%w: %w", errColumns, err)
		}
		l.query.Applications = a.Applications()
	}
	if l.snapshot, err = a.Snapshot(ctx, l.query.Need()); err != nil {
		return fmt.Errorf("%w: %w", errColumns, err)
	}
	l.more = true
	return nil
}

// fetch reads the next n documents, and no further than maxBytes. Fewer are the last.
func (l *columnLister) fetch(ctx context.Context, n, maxBytes int) ([]*store.Document, error) {
	var docs []*store.Document
	for size := 0; len(docs) < n && size < maxBytes; {
		if len(l.positions) == 0 {
			if !l.more {
				break
			}
			if err := l.selectPositions(ctx); err != nil {
				return nil, err
			}
			continue
		}
		count := min(l.lookupSize(maxBytes-size), n-len(docs), len(l.positions))
		found, err := l.lookUp(ctx, l.positions[:count])
		if err != nil {
			return nil, err
		}
		l.positions = l.positions[count:]
		for _, d := range found {
			size += d.Size()
		}
		docs = append(docs, found...)
	}
	return docs, nil
}

// selectPositions asks columns for the next positions.
func (l *columnLister) selectPositions(ctx context.Context) (err error) {
	if l.positions, l.more, err = l.finder.analytics.Events(ctx, l.snapshot, l.query); err != nil {
		return fmt.Errorf("%w: %w", errColumns, err)
	}
	if l.more {
		last := l.positions[len(l.positions)-1]
		l.query.After = &last
	}
	return nil
}

// lookupSize returns how many documents are read at once, about as many as room has
// space for.
func (l *columnLister) lookupSize(room int) int {
	l.lookup = min(max(l.lookup*lookupFactor, firstLookup), query.MaxEvents)
	if l.read > 0 {
		l.lookup = min(l.lookup, room/max(l.bytes/l.read, 1)+1)
	}
	return l.lookup
}

// lookUp reads the documents at positions, in their order. A document may have changed or
// gone since the snapshot: one that does not match any more, or lies elsewhere, is left
// out.
func (l *columnLister) lookUp(ctx context.Context, positions []query.Position) ([]*store.Document, error) {
	ids := make([]string, len(positions))
	for i := range positions {
		ids[i] = positions[i].ID
	}
	found, err := l.finder.store.Lookup(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*store.Document, len(found))
	for _, d := range found {
		byID[d.ID] = d
		l.read, l.bytes = l.read+1, l.bytes+d.Size()
	}
	docs := make([]*store.Document, 0, len(found))
	for i := range positions {
		if d := byID[positions[i].ID]; d != nil && d.Timestamp.Equal(positions[i].Time) && l.selects(d) {
			docs = append(docs, d)
		}
	}
	return slices.Clip(docs), nil
}

// selects reports whether a document is one of the question.
func (l *columnLister) selects(d *store.Document) bool {
	q := l.query
	return d.Status == store.Stored && (q.Category == "" || q.Category == d.Category) && (q.Name == "" || q.Name == d.Name) &&
		Matches(q.Filter, d)
}
