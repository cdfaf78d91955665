package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// portionDocuments is how many documents a portion has. On SQLite it is one
	// transaction, for which live events wait.
	portionDocuments = 500
	// portionLimit bounds one portion, countLimit the counting of all documents.
	portionLimit = time.Minute
	countLimit   = 5 * time.Minute
	// dueAhead is how far ahead the documents are that are changed first, and
	// dueInterval the time after which that is repeated.
	dueAhead    = 5 * time.Minute
	dueInterval = time.Minute
	// throttleInterval is how often the lag of live events is checked.
	throttleInterval = 500 * time.Millisecond
	// registryInterval is how often the snapshot of the registry is checked for the
	// policy of the job.
	registryInterval = 50 * time.Millisecond
)

// Config configures a Tasker.
type Config struct {
	JetStream jetstream.JetStream
	// Registry must be running.
	Registry *registry.Registry
	Store    store.Retainer
	// Now is the clock by which documents expire; nil is time.Now.
	Now func() time.Time
	// Beats returns the heartbeats of the live processes; nil reads the bucket.
	Beats func(ctx context.Context) ([]heartbeat.Beat, error)
}

// Tasker has the task of retention jobs. It is safe for concurrent use.
type Tasker struct {
	cfg Config
	// portion and dueInterval are the constants of these names; tests shorten them.
	portion     int
	dueInterval time.Duration
}

// New returns a Tasker.
func New(cfg Config) *Tasker {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Beats == nil {
		cfg.Beats = func(ctx context.Context) ([]heartbeat.Beat, error) {
			return jobs.LiveBeats(ctx, cfg.JetStream, stream.HeartbeatTTL)
		}
	}
	return &Tasker{cfg: cfg, portion: portionDocuments, dueInterval: dueInterval}
}

// checkpoint is the checkpoint of a job.
type checkpoint struct {
	// Mark is store.RetentionPortion.Mark.
	Mark bool `json:"mark,omitzero"`
	// Passing says that the barrier was passed, and After is where the pass
	// continues.
	Passing bool   `json:"passing,omitzero"`
	After   string `json:"after,omitzero"`
}

// run is one job that this process runs.
type run struct {
	*Tasker
	h          *jobs.Handle
	job        job.Job
	retention  schema.Retention
	checkpoint checkpoint
	report     job.RetentionReport
	throttle   jobs.Throttle
	raisedAt   time.Time
}

// Apply is the jobs.Task of a retention job. The package comment has its order.
func (t *Tasker) Apply(ctx context.Context, h *jobs.Handle) error {
	r := &run{Tasker: t, h: h, job: h.Job()}
	if err := r.resume(ctx); err != nil {
		return err
	}
	if err := r.awaitPolicy(ctx); err != nil {
		return err
	}
	if err := r.applyDue(ctx); err != nil {
		return err
	}
	if err := r.awaitBarrier(ctx); err != nil {
		return err
	}
	return r.applyToAll(ctx)
}

// resume continues at the checkpoint of another runner, or begins.
func (r *run) resume(ctx context.Context) (err error) {
	if r.retention, err = parseRetention(r.job.Retention); err != nil {
		return err
	}
	if r.job.Report != nil {
		if err := json.Unmarshal(r.job.Report, &r.report); err != nil {
			return fmt.Errorf("read the report: %w", err)
		}
	}
	if r.job.Checkpoint != nil {
		if err := json.Unmarshal(r.job.Checkpoint, &r.checkpoint); err != nil {
			return fmt.Errorf("read the checkpoint: %w", err)
		}
		return nil
	}
	if r.checkpoint.Mark, err = r.runnerWasLost(ctx); err != nil {
		return err
	}
	return r.count(ctx)
}

// runnerWasLost reports whether an earlier job that writes documents has lost its
// runner: that process may be suspended, and write when it wakes.
func (r *run) runnerWasLost(ctx context.Context) (lost bool, err error) {
	err = jobs.Retry(ctx, followLimit, func(ctx context.Context) error {
		bucket, err := job.Open(ctx, r.cfg.JetStream)
		if err != nil {
			return err
		}
		all, err := bucket.List(ctx)
		lost = false
		for _, e := range all {
			lost = lost || e.ID != r.job.ID && e.Kind == job.Retention && e.Runs > 1
		}
		return err
	}, nil)
	return lost, err
}

// count sets the total, which grows while events arrive.
func (r *run) count(ctx context.Context) error {
	r.h.Update(func(j *job.Job) { j.Phase = "counting the documents" })
	return jobs.RetryStore(ctx, r.h, countLimit, func(ctx context.Context) error {
		n, err := r.cfg.Store.CountDocuments(ctx)
		if err == nil {
			r.h.Update(func(j *job.Job) { j.Total = n })
		}
		return err
	})
}

// awaitPolicy waits until the registry of this process has the policy of the job.
func (r *run) awaitPolicy(ctx context.Context) error {
	for r.cfg.Registry.Revision() < r.job.TargetRevision {
		r.h.Update(func(j *job.Job) { j.Phase = fmt.Sprintf("waiting for revision %d of the registry", j.TargetRevision) })
		if err := retry.Sleep(ctx, registryInterval); err != nil {
			return err
		}
	}
	return r.checkPresent()
}

// checkPresent returns jobs.ErrSuperseded unless the retention of the job is that of
// the present policy: to apply another one could remove what the present one keeps.
func (r *run) checkPresent() error {
	if r.cfg.Registry.Snapshot().Schemas.Retention().Equal(r.retention) {
		return nil
	}
	return fmt.Errorf("%w: the policy has changed since, and the job of that change applies it", jobs.ErrSuperseded)
}

// errDue ends a wait after which documents that fall due are changed again.
var errDue = errors.New("documents fall due")

// awaitBarrier waits until every live processor writes by the policy of the job, or
// a later one, and keeps changing the documents that fall due.
func (r *run) awaitBarrier(ctx context.Context) error {
	target := r.job.TargetRevision
	goal := fmt.Sprintf("every processor is at revision %d and has settled what it validated before", target)
	for {
		bounded, cancel := context.WithTimeoutCause(ctx, r.dueInterval, errDue)
		err := jobs.AwaitProcessors(bounded, r.h, r.cfg.Beats, goal, func(b heartbeat.Beat) bool {
			return b.Revision < target || b.OldestRevision != 0 && b.OldestRevision < target
		})
		waited := context.Cause(bounded)
		cancel()
		if err == nil || !errors.Is(waited, errDue) {
			return err
		}
		if err := r.applyDue(ctx); err != nil {
			return err
		}
	}
}
