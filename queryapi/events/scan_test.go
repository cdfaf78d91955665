package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// every returns a scanner of a shelf that matches every nth document.
func (s *shelf) every(n, limit int) *scanner {
	return &scanner{pager: s.pager(limit), match: func(d *store.Document) bool { return d.Timestamp.UnixMicro()%int64(n) == 0 }}
}

// Pages of matching documents hold each once and in order, and end, whatever the
// documents weigh.
func TestScannedPagesHoldEveryMatchOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(0, 3_000).Draw(t, "documents")
		nth := rapid.SampledFrom([]int{1, 2, 100, 5_000}).Draw(t, "nth")
		size := rapid.SampledFrom([]int{0, 300, 20_000}).Draw(t, "bytes")
		s := fill(count, size)
		scan := s.every(nth, rapid.IntRange(1, 500).Draw(t, "limit"))
		var got, want []string
		for _, d := range s.docs {
			if scan.match(d) {
				want = append(want, d.ID)
			}
		}
		var after *query.Position
		for {
			p, err := scan.read(context.Background(), after)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range p.Documents {
				got = append(got, d.ID)
			}
			if after = p.Next; after == nil {
				break
			}
			if len(p.Documents) < scan.limit && len(p.Documents)*size <= MaxPageBytes {
				t.Fatalf("a page of %d documents, and there was time", len(p.Documents))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d documents, want %d", len(got), len(want))
		}
		if s.largest > laterFetch+size {
			t.Fatalf("one fetch has %d bytes", s.largest)
		}
	})
}

// A scan that takes too long ends its page early, behind the events read, and the
// pages together hold every match.
func TestSlowScanEndsItsPageEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fill(20_000, 10)
		scan := s.every(1_000, 100)
		scan.fetch = func(ctx context.Context, after *query.Position, n, maxBytes int) ([]*store.Document, error) {
			select {
			case <-time.After(time.Second):
				return s.read(ctx, after, n, maxBytes)
			case <-ctx.Done():
				return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
			}
		}
		var after *query.Position
		var pages []int
		for after != nil || pages == nil {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			p, err := scan.read(ctx, after)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			pages, after = append(pages, len(p.Documents)), p.Next
		}
		// 3.3 s of 5 are for scanning: 128 + 1,000 + 1,000 documents a page.
		if sum := sumOf(pages); sum != 21 || len(pages) != 10 || !slices.Contains(pages, 0) {
			t.Errorf("pages of %v", pages)
		}
	})
}

func sumOf(list []int) (sum int) {
	for _, n := range list {
		sum += n
	}
	return sum
}

// A first portion that fails is an error, and so is a failure while there is time.
func TestScanOfAFailingStore(t *testing.T) {
	s := fill(10, 1)
	s.failed = store.ErrUnavailable
	if _, err := s.every(1, 5).read(context.Background(), nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v", err)
	}
	s = fill(1_000, 1)
	scan := s.every(1_000, 5)
	read := scan.fetch
	scan.fetch = func(ctx context.Context, after *query.Position, n, maxBytes int) ([]*store.Document, error) {
		docs, _ := read(ctx, after, n, maxBytes)
		if after != nil {
			return nil, store.ErrUnavailable
		}
		return docs, nil
	}
	if _, err := scan.read(context.Background(), nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error of the second portion = %v", err)
	}
}

// The kept documents of a scan are reserved, and no more.
func TestScanReservesItsDocuments(t *testing.T) {
	l := &ledger{limit: 1 << 30}
	p, err := fill(5_000, 1_000).every(100, 100).read(WithMemory(context.Background(), l), nil)
	if err != nil || l.now != len(p.Documents)*1_000 || l.most > laterFetch+200_000 {
		t.Errorf("%d documents: %d reserved, at most %d, %v", len(p.Documents), l.now, l.most, err)
	}
}

// Filters narrow a query by what stores have indexes on, and never to less than
// matches.
func TestNarrow(t *testing.T) {
	at := func(text string) time.Time {
		u, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	session := "0192f0c1-6f3a-7b1e-8c2d-0123456789ab"
	for _, c := range []struct {
		texts []string
		given query.Events
		want  query.Events
	}{
		{[]string{"category=a", "name=b", "session_id=" + session, "event_id=e"}, query.Events{}, query.Events{Filter: query.Filter{Category: "a", Name: "b", SessionID: session, EventID: "e"}}},
		{[]string{"name=b", "category!=a", "category^=a", "session_id=x"}, query.Events{}, query.Events{}},
		{[]string{"category=b"}, query.Events{Filter: query.Filter{Category: "a"}}, query.Events{Filter: query.Filter{Category: "a"}}},
		{[]string{"category=b", "event_id=e"}, query.Events{Rejected: true}, query.Events{Rejected: true}},
		{[]string{"timestamp>2026-01-01", "timestamp<=2026-01-02", "timestamp!=2026-01-03"}, query.Events{}, query.Events{Filter: query.Filter{From: at("2026-01-01T00:00:00Z"), To: at("2026-01-02T00:00:00.000001Z")}}},
		{[]string{"timestamp=2026-01-01"}, query.Events{Filter: query.Filter{From: at("2026-01-05T00:00:00Z")}}, query.Events{Filter: query.Filter{From: at("2026-01-05T00:00:00Z"), To: at("2026-01-01T00:00:00.000001Z")}}},
		{[]string{"timestamp>2026-01-01"}, query.Events{Rejected: true}, query.Events{Rejected: true}},
		{[]string{"received_at>2026-01-01"}, query.Events{Rejected: true}, query.Events{Rejected: true, Filter: query.Filter{From: at("2026-01-01T00:00:00Z")}}},
	} {
		f, err := filter.Parse(c.texts, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		got := c.given
		if narrow(&got, f); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v: %+v", c.texts, got)
		}
	}
	f, _ := filter.Parse([]string{"application=shop"}, time.Now())
	for _, c := range []struct{ given, want []string }{{nil, []string{"shop"}}, {[]string{"a", "shop"}, []string{"shop"}}, {[]string{"a"}, []string{}}} {
		if got := namedApplications(c.given, f); !slices.Equal(got, c.want) || got == nil {
			t.Errorf("of %v: %v", c.given, got)
		}
	}
}
