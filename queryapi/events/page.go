package events

import (
	"context"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// MaxPageBytes is the size behind which a page ends before its limit: events
// may have a megabyte each.
const MaxPageBytes = 8 << 20

// Bounds of one fetch of a page.
const (
	fetchSize = 128
	// smallEvent is the mean size up to which the rest of a page is fetched at
	// once.
	smallEvent = 4 << 10
	// firstFetch and laterFetch end the first fetch and those behind it, in bytes.
	firstFetch = 128 << 10
	laterFetch = 1 << 20
)

// Page is one page of events.
type Page struct {
	Documents []*store.Document
	// Next is the position behind Documents, nil where nothing follows.
	Next *query.Position
}

// fetchFunc reads up to n documents behind a position, and no further than
// query.Events.MaxBytes.
type fetchFunc func(ctx context.Context, after *query.Position, n, maxBytes int) ([]*store.Document, error)

// pager reads one page of a query.
type pager struct {
	fetch    fetchFunc
	position func(*store.Document) query.Position
	limit    int
}

// read returns a page. It asks for one document more than the limit, to know
// whether there is a next page. Memory is reserved before each fetch.
func (p *pager) read(ctx context.Context, after *query.Position) (Page, error) {
	var docs []*store.Document
	size, want, room := 0, min(p.limit+1, fetchSize), firstFetch
	for {
		more, err := p.fetchReserved(ctx, after, want, size, room)
		if err != nil {
			return Page{}, err
		}
		before := size
		for i, d := range more {
			docs, size = append(docs, d), size+d.Size()
			if len(docs) > p.limit || size > MaxPageBytes && i+1 < len(more) {
				return p.endPage(docs, min(len(docs), p.limit)), nil
			}
		}
		if len(more) < want && size-before < room {
			return Page{Documents: docs}, nil
		}
		if size > MaxPageBytes {
			return p.endPage(docs, len(docs)), nil
		}
		last := p.position(docs[len(docs)-1])
		after = &last
		want = min(p.limit+1-len(docs), fetchSize)
		if size/len(docs) <= smallEvent {
			want = min(p.limit+1-len(docs), query.MaxEvents)
		}
		room = laterFetch
	}
}

// fetchReserved fetches documents beside others of a size. It reserves memory for
// both, and then for those that came.
func (p *pager) fetchReserved(ctx context.Context, after *query.Position, want, size, room int) ([]*store.Document, error) {
	if err := reserveDocuments(ctx, size+room); err != nil {
		return nil, err
	}
	more, err := p.fetch(ctx, after, want, room)
	if err != nil {
		return nil, err
	}
	for _, d := range more {
		size += d.Size()
	}
	return more, reserveDocuments(ctx, size)
}

// endPage ends a page behind its first n documents.
func (p *pager) endPage(docs []*store.Document, n int) Page {
	next := p.position(docs[n-1])
	return Page{Documents: docs[:n], Next: &next}
}

// timestampPosition is the position of a stored event.
func timestampPosition(d *store.Document) query.Position {
	return query.Position{Time: d.Timestamp, ID: d.ID}
}

// receivedPosition is the position of a rejected event.
func receivedPosition(d *store.Document) query.Position {
	return query.Position{Time: d.ReceivedAt, ID: d.ID}
}
