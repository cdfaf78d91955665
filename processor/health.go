package processor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// condition is something that a processor needs, by its name in readiness.
type condition string

const (
	conditionNATS      condition = "nats"
	conditionRegistry  condition = "registry"
	conditionStore     condition = "store"
	conditionStart     condition = "start"
	conditionHeartbeat condition = "heartbeat"
)

var conditions = []condition{conditionNATS, conditionRegistry, conditionStore, conditionStart, conditionHeartbeat}

var errNotReached = errors.New("not reached yet")

// ErrRevision is returned by Run when the store holds a revision above the
// registry's: a wiped NATS beside an old store. Going on would write documents
// that look older than they are.
var ErrRevision = errors.New("the store has seen a later registry revision than this registry has: " +
	"a wiped NATS beside an old store; restore NATS, or begin with an empty database")

// ErrReplaced is returned by Run when the stream was recreated while the
// processor ran: its sequences no longer compare with those of the documents
// written so far. Starting again is safe, and processes everything from the
// beginning.
var ErrReplaced = errors.New("the stream was recreated under the processor")

// isPermanent reports whether retrying cannot help: the store or the stream
// refuses its configuration, the registry or the stream is not the one that the
// store knows, or the connection was closed under the processor.
func isPermanent(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, ErrRevision) || errors.Is(err, ErrReplaced) ||
		errors.Is(err, store.ErrConfiguration) || errors.Is(err, stream.ErrRefused) ||
		errors.As(err, &api) && api.Code == 400
}

const (
	// firstRetry is the delay after the first failure; it doubles up to
	// lastRetry.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// readiness remembers the last result of each condition. It is safe for
// concurrent use.
type readiness struct {
	log *slog.Logger

	mu      sync.Mutex
	results map[condition]error // guarded by mu
}

func newReadiness(log *slog.Logger) *readiness {
	return &readiness{log: log, results: make(map[condition]error, len(conditions))}
}

func (r *readiness) record(c condition, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[c] = err
}

// lastResult returns errNotReached for a condition without a result.
func (r *readiness) lastResult(c condition) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err, ok := r.results[c]; ok {
		return err
	}
	return errNotReached
}

// retryUntilDone repeats a step until it succeeds, ctx ends, or its error is
// permanent. It records each result under c, and logs the first failure.
func (r *readiness) retryUntilDone(ctx context.Context, c condition, step func(context.Context) error) error {
	logged := false
	policy := retry.Policy{First: firstRetry, Most: lastRetry, Jitter: true, Permanent: isPermanent}
	return retry.Until(ctx, policy, func(ctx context.Context) error {
		err := step(ctx)
		r.record(c, err)
		if err != nil && !isPermanent(err) && ctx.Err() == nil && !logged {
			logged = true
			r.log.LogAttrs(ctx, slog.LevelWarn, "waiting for a dependency; retrying", slog.String("for", string(c)), slog.Any("error", err))
		}
		return err
	})
}

// outage is the time during which the store is unavailable: from the first
// worker whose write fails until no worker's write is failing. During an outage
// no worker fetches. It is safe for concurrent use.
type outage struct {
	health  *readiness
	metrics *metrics
	log     *slog.Logger

	mu sync.Mutex
	// failing is the number of workers whose write is failing, since the time of
	// the first failure. over is closed while no write is failing. All three are
	// guarded by mu.
	failing int
	since   time.Time
	over    chan struct{}
}

func newOutage(health *readiness, m *metrics, log *slog.Logger) *outage {
	o := &outage{health: health, metrics: m, log: log, over: make(chan struct{})}
	close(o.over)
	return o
}

// awaitEnd returns when there is no outage, or with the end of ctx.
func (o *outage) awaitEnd(ctx context.Context) error {
	o.mu.Lock()
	over := o.over
	o.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
		return nil
	}
}

// enter notes that a worker's write is failing.
func (o *outage) enter(ctx context.Context, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing++
	if o.failing > 1 {
		return
	}
	o.over, o.since = make(chan struct{}), time.Now()
	o.health.record(conditionStore, err)
	o.metrics.storeUp.Set(0)
	o.log.LogAttrs(ctx, slog.LevelWarn, "the store is unavailable; fetching is paused", slog.Any("error", err))
}

// leave notes that the worker no longer has the batch whose write was failing.
// available says that it was written.
func (o *outage) leave(ctx context.Context, available bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing--
	if o.failing > 0 {
		return
	}
	close(o.over)
	if !available {
		return
	}
	o.health.record(conditionStore, nil)
	o.metrics.storeUp.Set(1)
	o.log.LogAttrs(ctx, slog.LevelInfo, "the store is available again", slog.Duration("outage", time.Since(o.since)))
}

// recordProbe notes whether the store answered a probe. It changes nothing
// during an outage, because a failing write is the better evidence.
func (o *outage) recordProbe(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failing > 0 {
		return
	}
	o.health.record(conditionStore, err)
	o.metrics.storeUp.Set(0)
	if err == nil {
		o.metrics.storeUp.Set(1)
	}
}
