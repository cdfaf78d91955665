package mongo

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// A server that filters by an index but never sorts by it reads everything
// that matches before it returns the first page: 218 ms for a category over a
// week. Asked in windows that begin small and double it reads about what it
// returns. Across a gap the windows only ask whether anything is there, which
// needs no sort, and then halve again to come down on it gently.

const (
	// firstWindow is the size of the first window, in microseconds.
	firstWindow = int64(8 * time.Second / time.Microsecond)
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
	for w.from < w.to {
		lo, hi := w.next()
		found, err := s.readRange(ctx, p, lo, hi, p.limit-len(docs))
		if err != nil {
			return nil, err
		}
		docs = append(docs, found...)
		if len(docs) == p.limit {
			return docs, nil
		}
		w.take()
		if len(found) > 0 {
			continue
		}
		if err := s.skipGap(ctx, p, w); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// skipGap moves the walk forward to a window of the first size that holds
// something, or to its end.
func (s *Store) skipGap(ctx context.Context, p *page, w *walk) error {
	for w.from < w.to {
		found, err := s.exists(ctx, p, w)
		if err != nil {
			return err
		}
		if found {
			break
		}
		w.take()
	}
	for size := w.size / 2; size >= firstWindow && w.from < w.to; size /= 2 {
		w.size = size
		found, err := s.exists(ctx, p, w)
		if err != nil {
			return err
		}
		if !found {
			w.take()
		}
		w.size = size
	}
	return nil
}

// exists asks whether the next window holds any document of the page.
func (s *Store) exists(ctx context.Context, p *page, w *walk) (bool, error) {
	from, to := w.next()
	err := s.pages.FindOne(ctx, p.clock.between(p.filter, from, to),
		options.FindOne().SetProjection(bson.D{{Key: fieldID, Value: 1}})).Err()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return false, nil
	}
	return err == nil, classify(err)
}
