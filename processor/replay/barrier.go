package replay

import (
	"context"
	"fmt"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/retry"
)

// awaitProcessors waits until no live processor is behind the goal.
func (r *Replayer) awaitProcessors(ctx context.Context, h *jobs.Handle, goal string, behind func(heartbeat.Beat) bool) error {
	return jobs.AwaitProcessors(ctx, h, r.cfg.Beats, goal, behind)
}

// awaitBarrier waits until every live processor validates against the target or
// later, and has the decoder of this build: a processor with an older one would
// validate events after the range differently.
func (r *Replayer) awaitBarrier(ctx context.Context, h *jobs.Handle, target uint64) error {
	for s := r.cfg.Registry.Snapshot(); s == nil || s.Schemas.Revision() < target; s = r.cfg.Registry.Snapshot() {
		h.Update(func(j *job.Job) { j.Phase = fmt.Sprintf("waiting for revision %d of the registry", target) })
		if err := retry.Sleep(ctx, pollInterval); err != nil {
			return err
		}
	}
	goal := fmt.Sprintf("every processor is at revision %d and of version %s", target, r.build.Version)
	return r.awaitProcessors(ctx, h, goal, func(b heartbeat.Beat) bool {
		return b.Revision < target || b.Version != r.build.Version || b.Commit != r.build.Commit
	})
}

// awaitInFlight waits until no live processor has a batch in flight that it
// validated below the target.
func (r *Replayer) awaitInFlight(ctx context.Context, h *jobs.Handle, target uint64) error {
	return r.awaitProcessors(ctx, h, "every batch validated before the replay is settled", func(b heartbeat.Beat) bool {
		return b.OldestRevision != 0 && b.OldestRevision < target
	})
}
