package live

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/store"
)

func everything(*store.Document) bool { return true }

// joinedHub returns a hub that has passed on everything up to message 100, and a
// subscription that it serves.
func joinedHub(match func(*store.Document) bool) (*Hub, *Subscription) {
	h := New(Config{Logger: slog.New(slog.DiscardHandler)})
	h.at = store.Origin{Epoch: 1, Seq: 100}
	s := &Subscription{hub: h, match: match, joined: true, ready: make(chan struct{}, 1), drained: make(chan struct{}, 1), at: h.at, resume: h.at}
	h.subs[s] = true
	return h, s
}

// portion is n outcomes behind message 100+after, each with data of a size.
func portion(after, n, size int) (outcomes, store.Origin) {
	found := outcomes{last: uint64(100 + after + n)}
	for i := range n {
		found.documents = append(found.documents, &store.Document{Status: store.Stored, Data: make([]byte, size)})
		found.seqs = append(found.seqs, uint64(100+after+i+1))
	}
	return found, store.Origin{Epoch: 1, Seq: found.last}
}

// A reader that takes nothing loses its stream, and learns how many outcomes it
// missed, and from where on no outcome is missed.
func TestSlowReaderIsDropped(t *testing.T) {
	for name, c := range map[string]struct{ portions, size, kept int }{
		"by number": {6, 10, queueEvents},
		"by bytes":  {6, 5000, queueBytes / 5000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, s := joinedHub(everything)
				const each = 1000
				for i := range c.portions {
					found, to := portion(i*each, each, c.size)
					h.passOn(t.Context(), to, found)
				}
				events, err := s.Next(t.Context())
				if len(events) != c.kept || err != nil {
					t.Fatalf("%d events, %v", len(events), err)
				}
				_, err = s.Next(t.Context())
				var dropped *DroppedError
				want := DroppedError{Missed: int64(c.portions*each - c.kept), Resume: events[len(events)-1].Position}
				if !errors.As(err, &dropped) || *dropped != want {
					t.Errorf("%+v, want %+v", err, want)
				}
				if s.resume.Seq != uint64(100+c.kept) {
					t.Errorf("resume at %v", s.resume)
				}
			})
		})
	}
}

// A reader that keeps up is not dropped by a burst of any length: the hub waits for
// it.
func TestHubWaitsForAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := joinedHub(everything)
		const portions, each = 20, 1000
		got := make(chan int)
		go func() {
			n := 0
			for n < portions*each {
				events, err := s.Next(t.Context())
				if err != nil {
					t.Error(err)
					break
				}
				n += len(events)
				time.Sleep(drainTime / 10) // it writes
			}
			got <- n
		}()
		for i := range portions {
			found, to := portion(i*each, each, 1000)
			h.passOn(t.Context(), to, found)
		}
		if n := <-got; n != portions*each {
			t.Errorf("%d events", n)
		}
	})
}

// A position that nothing matched since is one to resume at; a queued event is not
// skipped by it.
func TestPositionIsThatOfWhatWasTaken(t *testing.T) {
	h, s := joinedHub(func(d *store.Document) bool { return len(d.Data) == 1 })
	found, to := portion(0, 10, 0)
	h.passOn(t.Context(), to, found)
	if at, ok := s.Position(); !ok || at.Seq != 110 {
		t.Errorf("%v, %v", at, ok)
	}
	found, to = portion(10, 10, 1)
	h.passOn(t.Context(), to, found)
	if at, ok := s.Position(); ok {
		t.Errorf("%v while events wait", at)
	}
	if _, err := s.Next(t.Context()); err != nil {
		t.Error(err)
	}
	if at, ok := s.Position(); !ok || at.Seq != 120 {
		t.Errorf("%v, %v", at, ok)
	}
}

// Messages that are not there are a gap before what follows.
func TestMissingMessagesAreAGap(t *testing.T) {
	h, s := joinedHub(everything)
	h.passOn(t.Context(), store.Origin{Epoch: 1, Seq: 130}, outcomes{missing: 30, last: 130})
	found, to := portion(30, 1, 0)
	h.passOn(t.Context(), to, found)
	h.skip(t.Context(), store.Origin{Epoch: 2, Seq: 5}, 0)
	events, err := s.Next(t.Context())
	if err != nil || len(events) != 3 || events[0].Gap == nil || *events[0].Gap != (Gap{After: store.Origin{Epoch: 1, Seq: 100}, Missed: 30}) ||
		events[0].Position.Seq != 130 || events[1].Document == nil || events[2].Gap == nil || events[2].Position != (store.Origin{Epoch: 2, Seq: 5}) {
		t.Errorf("%+v, %v", events, err)
	}
}

// A client that is further behind than the stream is read for learns how many messages it
// misses, whether it reads by itself or the hub skips them, and is served from there on.
func TestFarBehindIsAGap(t *testing.T) {
	h, s := joinedHub(everything)
	s.joined = false
	before := h.at
	h.at.Seq += maxLag + 1
	events, err := s.Next(t.Context())
	if err != nil || len(events) != 1 || events[0].Gap == nil || *events[0].Gap != (Gap{After: before, Missed: maxLag + 1}) || events[0].Position != h.at {
		t.Fatalf("%+v, %v", events, err)
	}
	if _, joined := s.join(); !joined {
		t.Fatal("the hub does not serve it")
	}
	before = h.at
	h.skip(t.Context(), store.Origin{Epoch: 1, Seq: before.Seq + maxLag + 2}, maxLag+2)
	events, err = s.Next(t.Context())
	if err != nil || len(events) != 1 || events[0].Gap == nil || *events[0].Gap != (Gap{After: before, Missed: maxLag + 2}) || events[0].Position != h.at {
		t.Errorf("%+v, %v", events, err)
	}
}

// A reading that ended passes nothing on: another may have begun.
func TestAnEndedReadingPassesNothingOn(t *testing.T) {
	h, s := joinedHub(everything)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	found, to := portion(0, 1, 0)
	h.passOn(ctx, to, found)
	h.skip(ctx, to, 1)
	h.beginReading(ctx, make(chan struct{}), bounds{epoch: 7})
	if h.at.Seq != 100 || len(s.queue) != 0 {
		t.Errorf("%v, %v", h.at, s.queue)
	}
}

func TestWithoutNATSNoStreamBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Logger: slog.New(slog.DiscardHandler)})
		start := time.Now()
		_, err := h.Subscribe(t.Context(), everything, nil)
		var p *problem.Error
		if !errors.As(err, &p) || p.Code != api.CodeStreamUnavailable || time.Since(start) != startTimeout || len(h.subs) != 0 || h.stop != nil {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
	})
}
