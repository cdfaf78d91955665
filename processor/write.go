package processor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/theeye/theeye/shared/store"
)

const (
	// writeLimit bounds one attempt to write a batch.
	writeLimit = time.Minute
	// drainLimit bounds the attempt that is running when the processor ends,
	// and handOverLimit the goodbye after it.
	drainLimit    = 8 * time.Second
	handOverLimit = 3 * time.Second
	// firstRetry is the wait after the first failure; it doubles up to
	// lastRetry.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// write judges the messages of w and writes their documents; it returns what
// the write rule did with each. While the store is away it tries again, for as
// long as it takes. The error says that nothing is decided: it is of class
// store.ErrConfiguration, or ctx has ended.
func (s *Service) write(ctx context.Context, w *work) (written []store.WriteResult, err error) {
	failing := false
	defer func() {
		if failing {
			s.outage.end(ctx, err == nil)
		}
	}()
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		if err = s.judge(ctx, w); err != nil {
			return nil, err
		}
		if written, err = s.attempt(ctx, w.revision, w.docs); err == nil {
			return written, nil
		}
		if o := ofError(ctx, err); settlements[o].action != retry {
			return nil, err
		}
		if !failing {
			failing = true
			s.outage.begin(ctx, err)
		}
		s.metrics.retries.Inc()
		if sleep(ctx, wait) != nil {
			return nil, err
		}
	}
}

// attempt writes once. The end of ctx does not break off an attempt, it bounds
// it.
func (s *Service) attempt(ctx context.Context, revision uint64, docs []*store.Document) ([]store.WriteResult, error) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		t := time.AfterFunc(drainLimit, cancel)
		context.AfterFunc(bounded, func() { t.Stop() })
	})()
	begin := time.Now()
	defer func() { s.metrics.write.Observe(time.Since(begin).Seconds()) }()
	return s.writeDocs(bounded, revision, docs)
}

// raiseRevision records a revision in the store before the first document of
// it may be there, so that a store never holds one it does not know of.
func (s *Service) raiseRevision(ctx context.Context, revision uint64) error {
	s.raise.Lock()
	defer s.raise.Unlock()
	if revision <= s.raised {
		return nil
	}
	if err := s.cfg.Store.RaiseRevision(ctx, revision); err != nil {
		return fmt.Errorf("record revision: %w", err)
	}
	s.raised = revision
	return nil
}

// sleep waits, a little more or less than d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // spreads retries, no secret
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
