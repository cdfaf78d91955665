package queryapi

import (
	"context"

	storequery "github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// Bounds of one page beside its limit. Events may have a megabyte each, so the
// store is asked in portions, and a page ends early once it is heavy; its
// next_cursor continues behind it.
const (
	maxPageBytes = 8 << 20
	portion      = 128
	// smallEvent is the mean size up to which a page's rest is fetched at once.
	smallEvent = 4 << 10
)

// page is one page of documents.
type page struct {
	docs []*store.Document
	// next is the cursor behind docs, "" when nothing follows.
	next string
}

// portionFunc reads up to limit documents behind a position.
type portionFunc func(ctx context.Context, after *storequery.Position, limit int) ([]*store.Document, error)

// pager reads one page of a query.
type pager struct {
	read        portionFunc
	position    func(*store.Document) storequery.Position
	fingerprint [8]byte
	limit       int
}

// page reads limit documents and one more, which tells whether there is a next
// page.
func (p *pager) page(ctx context.Context, after *storequery.Position) (page, error) {
	var docs []*store.Document
	size, want := 0, min(p.limit+1, portion)
	for {
		more, err := p.read(ctx, after, want)
		if err != nil {
			return page{}, err
		}
		for i, d := range more {
			docs, size = append(docs, d), size+weight(d)
			if len(docs) > p.limit || size > maxPageBytes && i+1 < len(more) {
				return p.cut(docs, min(len(docs), p.limit)), nil
			}
		}
		if len(more) < want {
			return page{docs: docs}, nil
		}
		if size > maxPageBytes {
			return p.cut(docs, len(docs)), nil
		}
		last := p.position(docs[len(docs)-1])
		after = &last
		want = min(p.limit+1-len(docs), portion)
		if size/len(docs) <= smallEvent {
			want = min(p.limit+1-len(docs), maxLimit)
		}
	}
}

// cut ends a page behind its first n documents.
func (p *pager) cut(docs []*store.Document, n int) page {
	return page{docs: docs[:n], next: encodeCursor(p.fingerprint, p.position(docs[n-1]))}
}

func weight(d *store.Document) int { return len(d.Data) + len(d.Original) }

func byTimestamp(d *store.Document) storequery.Position {
	return storequery.Position{Time: d.Timestamp, ID: d.ID}
}

func byReceived(d *store.Document) storequery.Position {
	return storequery.Position{Time: d.ReceivedAt, ID: d.ID}
}
