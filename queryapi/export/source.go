package export

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Bounds of one page.
const (
	pageEvents = query.MaxEvents
	pageBytes  = 1 << 20
	// pageTimeout bounds the reading of one page, of which a narrow question
	// may have to read much.
	pageTimeout = 2 * time.Minute
)

// Finder is what an export needs of a store.
type Finder interface {
	Find(ctx context.Context, q query.Events) ([]*store.Document, error)
}

// Query selects the events of an export.
type Query struct {
	query.Filter
	// Match decides about the events that the store finds; nil takes all.
	Match func(*store.Document) bool
	// After is the position behind which the export begins; nil is the beginning.
	After *query.Position
}

var errPanic = errors.New("panic while a page was read")

// Page is a part of an export.
type Page struct {
	// Documents are those that match. There may be none.
	Documents []*store.Document
	// End is the position behind which the next page begins.
	End query.Position
}

// Source reads the pages of a question, one ahead. It is for one goroutine.
type Source struct {
	finder  Finder
	query   Query
	pages   chan reading
	stop    context.CancelFunc
	pending *reading
}

// reading is a page, or the error in its place; last says that none follows.
type reading struct {
	page Page
	err  error
	last bool
}

// Open starts to read. The caller must close the source.
func Open(ctx context.Context, finder Finder, q Query) *Source {
	ctx, stop := context.WithCancel(ctx)
	s := &Source{finder: finder, query: q, pages: make(chan reading), stop: stop}
	go s.readPages(ctx)
	return s
}

// Close ends the reading and waits until the store is left alone.
func (s *Source) Close() {
	s.stop()
	for range s.pages { // until it is closed
	}
}

// Peek waits for the first page and returns its documents, which stay the first.
// It is called before Run.
func (s *Source) Peek() ([]*store.Document, error) {
	r, ok := <-s.pages
	if !ok {
		return nil, context.Canceled
	}
	if r.err != nil {
		return nil, r.err
	}
	s.pending = &r
	return r.page.Documents, nil
}

// readPages reads page after page and sends each on. It ends with the last
// page, the first error, or ctx.
func (s *Source) readPages(ctx context.Context) {
	defer close(s.pages)
	for after := s.query.After; ; {
		r := s.readPage(ctx, after)
		select {
		case s.pages <- r:
		case <-ctx.Done():
			return
		}
		if r.err != nil || r.last {
			return
		}
		after = &r.page.End
	}
}

// readPage reads the page behind a position. A panic is an error of the page, since
// this goroutine has no other place for it.
func (s *Source) readPage(ctx context.Context, after *query.Position) (r reading) {
	defer func() {
		if cause := recover(); cause != nil {
			r = reading{err: fmt.Errorf("%w: %v\n%s", errPanic, cause, debug.Stack())}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	docs, err := s.finder.Find(ctx, query.Events{
		Filter: s.query.Filter, After: after, Limit: pageEvents, MaxBytes: pageBytes,
	})
	if err != nil {
		return reading{err: err}
	}
	r.last = isLastPage(docs)
	if after != nil {
		r.page.End = *after
	}
	if n := len(docs); n > 0 {
		r.page.End = docs[n-1].Position()
	}
	r.page.Documents = docs
	if s.query.Match != nil {
		r.page.Documents = docs[:0]
		for _, d := range docs {
			if s.query.Match(d) {
				r.page.Documents = append(r.page.Documents, d)
			}
		}
	}
	return r
}

// isLastPage reports whether a page ended before both of its bounds.
func isLastPage(docs []*store.Document) bool {
	size := 0
	for _, d := range docs {
		size += d.Size()
	}
	return len(docs) < pageEvents && size < pageBytes
}
