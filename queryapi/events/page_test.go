package events

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/store"
)

// shelf is a store that holds documents in order, and records the sizes that are
// fetched.
type shelf struct {
	docs  []*store.Document
	asked []int
	// largest is the size of the largest fetch in bytes.
	largest int
	failed  error
}

func (s *shelf) read(_ context.Context, after *query.Position, limit, maxBytes int) ([]*store.Document, error) {
	s.asked = append(s.asked, limit)
	start := 0
	for after != nil && start < len(s.docs) && !behind(s.docs[start], *after) {
		start++
	}
	end, size := start, 0
	for end < min(start+limit, len(s.docs)) && size < maxBytes {
		size += s.docs[end].Size()
		end++
	}
	s.largest = max(s.largest, size)
	return s.docs[start:end], s.failed
}

func behind(d *store.Document, p query.Position) bool {
	return d.Timestamp.After(p.Time) || d.Timestamp.Equal(p.Time) && d.ID > p.ID
}

func fill(n, bytes int) *shelf {
	s, data := &shelf{}, make([]byte, bytes)
	for i := range n {
		s.docs = append(s.docs, &store.Document{
			ID: fmt.Sprintf("demo/%05d", i), Timestamp: time.UnixMicro(int64(i / 3)).UTC(), Data: data,
		})
	}
	return s
}

func (s *shelf) pager(limit int) *pager {
	return &pager{fetch: s.read, position: timestampPosition, limit: limit}
}

// readAll reads page after page to the end.
func readAll(t *rapid.T, p *pager) (ids []string, pages []int) {
	var after *query.Position
	for range 10_000 {
		got, err := p.read(context.Background(), after)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got.Documents {
			ids = append(ids, d.ID)
		}
		pages = append(pages, len(got.Documents))
		if got.Next == nil {
			return ids, pages
		}
		after = got.Next
	}
	t.Fatal("the pages do not end")
	return nil, nil
}

// Pages of any size hold every document once and in order, whatever the
// documents weigh.
func TestPagesHoldEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 400).Draw(t, "documents")
		limit := rapid.IntRange(1, query.MaxEvents).Draw(t, "limit")
		size := rapid.SampledFrom([]int{0, 300, 5_000, 300_000}).Draw(t, "bytes")
		s := fill(n, size)
		ids, pages := readAll(t, s.pager(limit))
		if len(ids) != n {
			t.Fatalf("%d of %d documents, in pages of %v", len(ids), n, pages)
		}
		for i, id := range ids {
			if id != s.docs[i].ID {
				t.Fatalf("document %d is %s", i, id)
			}
		}
		for _, count := range pages {
			if count > limit || (count-1)*size > MaxPageBytes {
				t.Fatalf("a page of %d documents of %d bytes, limit %d", count, size, limit)
			}
		}
		if s.largest > laterFetch+size {
			t.Fatalf("one fetch has %d bytes", s.largest)
		}
		for _, asked := range s.asked {
			if asked < 1 || asked > query.MaxEvents {
				t.Fatalf("the store was asked for %d documents", asked)
			}
		}
	})
}

// The usual page is one question to the store, and a cursor is given only
// where something follows.
func TestPageAsksOnce(t *testing.T) {
	for n, wantNext := range map[int]bool{0: false, 99: false, 100: false, 101: true, 500: true} {
		s := fill(n, 300)
		p, err := s.pager(100).read(context.Background(), nil)
		if err != nil || (p.Next != nil) != wantNext || len(p.Documents) != min(n, 100) || len(s.asked) != 1 {
			t.Errorf("%d documents: %d in the page, next %v, %v, asked %v", n, len(p.Documents), p.Next, err, s.asked)
		}
	}
}

func TestPageOfAFailingStore(t *testing.T) {
	s := fill(10, 1)
	s.failed = store.ErrUnavailable
	if _, err := s.pager(5).read(context.Background(), nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v", err)
	}
}

// ledger is a Memory of limited size.
type ledger struct{ limit, most, now int }

func (l *ledger) Reserve(bytes int) error {
	if bytes > l.limit {
		return errors.New("no memory")
	}
	l.now, l.most = bytes, max(l.most, bytes)
	return nil
}

// The documents of a page are reserved before they are read, and a page that
// gets no memory fails.
func TestPageReservesItsDocuments(t *testing.T) {
	for _, c := range []struct {
		count, bytes, limit, most int
		ok                        bool
	}{
		{10, 300, firstFetch, firstFetch, true},
		{100, 100_000, 10 << 20, MaxPageBytes + laterFetch, true},
		{100, 100_000, 4 << 20, 4 << 20, false},
		{1, 300, firstFetch - 1, 0, false},
	} {
		l := &ledger{limit: c.limit}
		page, err := fill(c.count, c.bytes).pager(100).read(WithMemory(context.Background(), l), nil)
		if (err == nil) != c.ok || l.most > c.most {
			t.Errorf("%d documents of %d bytes in %d: %v, at most %d reserved", c.count, c.bytes, c.limit, err, l.most)
		}
		if err == nil && l.now < len(page.Documents)*c.bytes {
			t.Errorf("%d documents of %d bytes: %d reserved in the end", len(page.Documents), c.bytes, l.now)
		}
	}
}
