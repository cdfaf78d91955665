package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// A server that filters by an index but never sorts by it reads everything
// that matches before it returns the first page: 218 ms for a category over a
// week. Asked in windows it reads about what it returns: a window is first
// counted, as far as it matters, which needs no sort. One that holds nothing
// is skipped and the next is twice as long, one that holds too much is halved.

const (
	// firstWindow is the size of the first window, in microseconds.
	firstWindow = int64(8 * time.Second / time.Microsecond)
	// smallestWindow is not halved any more.
	smallestWindow = int64(time.Millisecond / time.Microsecond)
	// crowd is how many pages a window may hold to be sorted whole.
	crowd = 4
	// The span of all timestamps an event may have: years 0 to 9999, with a
	// year to spare.
	firstInstant = int64(-62_200_000_000) * 1_000_000
	lastInstant  = int64(253_500_000_000) * 1_000_000
	// nearFuture is how far ahead of the clock events are expected.
	nearFuture = int64(time.Hour / time.Microsecond)
)

// needsWindows says how this server is to be asked; the first call asks it.
func (s *Store) needsWindows(ctx context.Context) (bool, error) {
	if o := Order(s.order.Load()); o != OrderDetect {
		return o == OrderByWindows, nil
	}
	raw, err := s.meta.Database().RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Raw()
	if err != nil {
		return false, classify(err)
	}
	order := OrderByIndex
	if _, err := raw.LookupErr("ferretdb"); err == nil {
		order = OrderByWindows
	}
	s.order.Store(uint32(order))
	return order == OrderByWindows, nil
}

// walk goes through a range of time in windows, in either direction.
type walk struct {
	from, to   int64 // what is left
	descending bool
	size       int64 // of the next window
	ahead      int64 // what the first window is larger
}

// next returns the next window without taking it.
func (w *walk) next() (from, to int64) {
	size := min(w.size+w.ahead, w.to-w.from)
	if w.descending {
		return w.to - size, w.to
	}
	return w.from, w.from + size
}

// take removes the next window from what is left, and doubles the following.
func (w *walk) take() {
	from, to := w.next()
	if w.descending {
		w.to = from
	} else {
		w.from = to
	}
	w.ahead = 0
	w.size *= 2
}

// halve makes the next window about half as long, and reports false if it is
// too short for that. Of a first window that reaches ahead, the part before
// now goes first: most events are there.
func (w *walk) halve() bool {
	if w.ahead > 0 && w.size > smallestWindow {
		w.size /= 2
		return true
	}
	if w.ahead > 0 {
		w.ahead /= 2
		return true
	}
	from, to := w.next()
	if (to-from)/2 < smallestWindow {
		return false
	}
	w.size = (to - from) / 2
	return true
}

// walk returns the walk through a range. Asked for the newest events, it begins
// with one window from just before now to the end of time.
func (s *Store) walk(from, to int64, descending bool) *walk {
	w := &walk{
		from: max(from, firstInstant), to: min(to, lastInstant),
		descending: descending, size: firstWindow,
	}
	if now := s.now().UnixMicro(); descending && w.to > now+nearFuture && w.from < now {
		w.ahead = w.to - now
	}
	return w
}

// readWindows returns the page like readRange.
func (s *Store) readWindows(ctx context.Context, p *page, from, to int64) ([]*store.Document, error) {
	w := s.walk(from, to, p.descending)
	var docs []*store.Document
	for w.from < w.to && len(docs) < p.limit {
		most := int64(crowd * p.limit)
		n, err := s.count(ctx, p, w, most+1)
		if err != nil {
			return nil, err
		}
		if n > most && w.halve() {
			continue
		}
		if n > 0 {
			lo, hi := w.next()
			found, err := s.readRange(ctx, p, lo, hi, p.limit-len(docs))
			if err != nil {
				return nil, err
			}
			docs = append(docs, found...)
		}
		w.take()
	}
	return docs, nil
}

// count counts the documents of the page in the next window, up to most.
func (s *Store) count(ctx context.Context, p *page, w *walk, most int64) (int64, error) {
	from, to := w.next()
	n, err := s.pages.CountDocuments(ctx, p.time.addRange(p.filter, from, to), options.Count().SetLimit(most))
	return n, classify(err)
}
