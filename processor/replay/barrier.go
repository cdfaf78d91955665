package replay

import (
	"context"
	"fmt"
	"strings"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/retry"
)

// processorService is the name of processors in their heartbeats.
const processorService = "processor"

// maxNamed bounds the processors that a phase names.
const maxNamed = 5

// awaitProcessors waits until no live processor is behind. While it waits, the
// phase of the job names those that are, and the goal that they have to reach. A
// process without heartbeats is not live.
func (r *Replayer) awaitProcessors(ctx context.Context, h *jobs.Handle, goal string, behind func(heartbeat.Beat) bool) error {
	for {
		var beats []heartbeat.Beat
		err := jobs.Retry(ctx, natsLimit, func(ctx context.Context) (err error) {
			beats, err = r.cfg.Beats(ctx)
			return err
		}, nil)
		if err != nil {
			return err
		}
		var names []string
		for _, b := range beats {
			if b.Service == processorService && behind(b) {
				names = append(names, fmt.Sprintf("%s (revision %d, version %s)", b.Instance, b.Revision, b.Version))
			}
		}
		if len(names) == 0 {
			return nil
		}
		phase := fmt.Sprintf("waiting until %s: %s", goal, strings.Join(names[:min(len(names), maxNamed)], ", "))
		if more := len(names) - maxNamed; more > 0 {
			phase += fmt.Sprintf(" and %d more", more)
		}
		h.Update(func(j *job.Job) { j.Phase = phase })
		if err := retry.Sleep(ctx, pollInterval); err != nil {
			return err
		}
	}
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
