package processor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// progressInterval is a third of the time after which the server would
	// redeliver a batch.
	progressInterval = stream.AckWait / 3
	// writeLimit bounds one attempt to write a batch, and finalWriteLimit the
	// attempt that is running when the processor shuts down.
	writeLimit      = time.Minute
	finalWriteLimit = 8 * time.Second
)

// worker takes batches through all steps, one after the other. It keeps no
// state of its own: all workers of a processor share one value.
type worker struct {
	fetcher   *fetcher
	validator *validator
	fence     *fence
	writeDocs jobs.WriteFunc
	// rewriteDocs also writes documents that have expired by now: they replace
	// those that this process wrote with a later expiry.
	rewriteDocs jobs.WriteFunc
	outage      *outage
	settler     *settler
	costly      *costlyQueue
	metrics     *metrics
}

// processBatches works until ctx ends, and then returns nil. It returns an
// error that must stop the processor.
func (w *worker) processBatches(ctx context.Context) error {
	for {
		messages, err := w.fetcher.fetchBatch(ctx)
		if err != nil || ctx.Err() != nil {
			w.settler.release(messages)
			return unlessEnded(ctx, err)
		}
		if len(messages) == 0 {
			continue
		}
		if err := w.processBatch(ctx, &batch{messages: messages, allowance: batchWork}); err != nil {
			return err
		}
	}
}

// unlessEnded returns err, or nil if ctx has ended, since every operation then
// fails and that is no failure.
func unlessEnded(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// processBatch brings the messages of b to their outcomes, except those that are set
// aside. Until they are settled, the server receives progress signals for them.
func (w *worker) processBatch(ctx context.Context, b *batch) error {
	stop := repeatEvery(ctx, progressInterval, func() { w.settler.signalProgress(b.held()) })
	defer stop()
	defer w.fence.inFlight.untrack(b)
	written, err := w.writeBatch(ctx, b)
	stop()
	return w.settler.settleBatch(ctx, b.messages, b.docs, written, err)
}

// writeBatch validates the messages of b and writes their documents; it returns
// the write rule's result for each. While the store is unavailable it retries
// without end. An error means that nothing is decided: it is of class
// store.ErrConfiguration, or ctx has ended.
func (w *worker) writeBatch(ctx context.Context, b *batch) (written []store.WriteResult, err error) {
	failing := false
	defer func() {
		if failing {
			w.outage.leave(ctx, err == nil)
		}
	}()
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		if err = w.validateBatch(ctx, b); err != nil {
			return nil, err
		}
		if len(b.docs) == 0 { // all of them are set aside
			return nil, nil
		}
		if written, err = w.attemptWrite(ctx, b); err == nil {
			if w.fence.wasLive(b) {
				return written, nil
			}
			// The documents may be older than others rely on: they are validated and
			// written once more, before they are settled.
			b.late = true
			continue
		}
		if d := dispositionOfError(ctx, err); settlements[d].action != actionRetry {
			return nil, err
		}
		if !failing {
			failing = true
			w.outage.enter(ctx, err)
		}
		w.metrics.retries.Inc()
		if retry.SleepJitter(ctx, delay) != nil {
			return nil, err
		}
	}
}

// validateBatch makes sure that the documents of b may be written now. If the
// heartbeat of this process has expired since it validated them, it validates
// again, against the present registry: a replay may have begun that did not wait
// for this process, and the earlier outcomes may be older than the replay
// promises at its end. The error is the end of ctx.
func (w *worker) validateBatch(ctx context.Context, b *batch) error {
	for {
		expirations, err := w.fence.awaitLive(ctx)
		if err != nil {
			return err
		}
		if b.docs != nil {
			if expirations == b.expirations {
				return nil
			}
			w.metrics.again.Inc()
		}
		rules := w.fence.inFlight.track(b, w.validator.rules)
		b.docs, b.revision, b.expirations = w.validator.evaluateAll(ctx, b.messages, rules, b.allowance), rules.Revision(), expirations
		if costly := b.splitCostly(); len(costly) > 0 {
			w.costly.setAside(costly)
		}
		// Validation takes time, too: check the heartbeat again.
	}
}

// attemptWrite writes once. The end of ctx does not interrupt the attempt; it
// shortens its time limit.
func (w *worker) attemptWrite(ctx context.Context, b *batch) ([]store.WriteResult, error) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		t := time.AfterFunc(finalWriteLimit, cancel)
		context.AfterFunc(bounded, func() { t.Stop() })
	})()
	begin := time.Now()
	defer func() { w.metrics.write.Observe(time.Since(begin).Seconds()) }()
	if b.late {
		return w.rewriteDocs(bounded, b.revision, b.docs, nil)
	}
	return w.writeDocs(bounded, b.revision, b.docs, nil)
}

// storeWriters makes the functions that write documents: one for the workers,
// one for replays and one for audits. They share the record of the revision.
type storeWriters struct {
	store store.Store
	now   func() time.Time
	alarm func(error)

	mu sync.Mutex
	// recorded is the highest revision that the store is known to have.
	// Guarded by mu.
	recorded uint64
}

// newWriteFunc returns a function that writes documents of one revision. It
// records the revision first, and returns one result for each document. It has a
// store.Writer of its own, because what a Writer learns about the documents of
// one kind of work is misleading for another.
func (s *storeWriters) newWriteFunc() jobs.WriteFunc { return s.writeBy(s.newWriter(false)) }

func (s *storeWriters) newWriter(writeExpired bool) *store.Writer {
	return store.NewWriter(store.WriterConfig{Backend: s.store, Now: s.now, Alarm: s.alarm, WriteExpired: writeExpired})
}

// writeBy is newWriteFunc with a given Writer.
func (s *storeWriters) writeBy(w *store.Writer) jobs.WriteFunc {
	return func(ctx context.Context, revision uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error) {
		if err := s.recordRevision(ctx, revision); err != nil {
			return nil, err
		}
		written, err := w.WriteOver(ctx, docs, read)
		if err == nil && len(written) != len(docs) {
			return nil, fmt.Errorf("%w: %d results for %d documents", store.ErrUnknown, len(written), len(docs))
		}
		return written, err
	}
}

// recordRevision records a revision in the store before the first document of
// that revision can be there, so that a store never holds a document of a
// revision that it does not know.
func (s *storeWriters) recordRevision(ctx context.Context, revision uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision <= s.recorded {
		return nil
	}
	if err := s.store.RaiseRevision(ctx, revision); err != nil {
		return fmt.Errorf("record revision: %w", err)
	}
	s.recorded = revision
	return nil
}
