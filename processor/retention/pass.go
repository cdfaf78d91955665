package retention

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
)

// phaseApplying is the phase of the pass. The phases of waiting name what the job
// waits for.
const phaseApplying = "applying the retention"

// applyDue changes the documents that expire soon under the earlier policy.
func (r *run) applyDue(ctx context.Context) error {
	r.raisedAt = time.Now()
	p := r.newPortion()
	p.DueBefore = r.cfg.Now().Add(dueAhead)
	for {
		result, err := r.applyPortion(ctx, p)
		if err != nil {
			return err
		}
		r.report.Changed += uint64(result.Changed)
		if result.Next == "" {
			return r.recordProgress("changed what falls due first")
		}
		p.After = result.Next
	}
}

// applyToAll changes all documents, from the checkpoint on.
func (r *run) applyToAll(ctx context.Context) error {
	r.checkpoint.Passing = true
	for p := r.newPortion(); ; {
		p.After = r.checkpoint.After
		result, err := r.applyPortion(ctx, p)
		if err != nil {
			return err
		}
		r.report.Documents += uint64(result.Read)
		r.report.Changed += uint64(result.Changed)
		if result.Next == "" {
			return r.recordProgress("")
		}
		r.checkpoint.After = result.Next
		if err := r.recordProgress(phaseApplying); err != nil {
			return err
		}
		if time.Since(r.raisedAt) >= r.dueInterval {
			if err := r.applyDue(ctx); err != nil {
				return err
			}
		}
	}
}

func (r *run) newPortion() store.RetentionPortion {
	return store.RetentionPortion{
		Retention: store.Retention{
			Revision: r.job.TargetRevision,
			Of: func(category, name string, s store.Status) time.Duration {
				return r.retention.Of(schema.Type{Category: category, Name: name}, s == store.Rejected)
			},
		},
		Limit: r.portion, Mark: r.checkpoint.Mark,
	}
}

// applyPortion applies one portion, as long as the policy is the job's. Afterwards
// it rests for half as long as that took, and while the lag of live events grows.
func (r *run) applyPortion(ctx context.Context, p store.RetentionPortion) (result store.RetentionResult, err error) {
	if err := r.throttle.AwaitLag(ctx, r.h, r.cfg.JetStream, throttleInterval); err != nil {
		return result, err
	}
	var took time.Duration
	var superseded error
	err = jobs.RetryStore(ctx, r.h, portionLimit, func(ctx context.Context) (err error) {
		if superseded = r.checkPresent(); superseded != nil {
			return nil //nolint:nilerr // superseded is the error: no attempt can succeed
		}
		began := time.Now()
		result, err = r.cfg.Store.ApplyRetention(ctx, p)
		took = time.Since(began)
		return err
	})
	if err = cmp.Or(superseded, err); err != nil {
		return result, err
	}
	return result, retry.Sleep(ctx, min(took/2, time.Second))
}

// recordProgress records the checkpoint and the report of one moment, which the
// handle saves every second.
func (r *run) recordProgress(phase string) error {
	place, err := json.Marshal(r.checkpoint)
	if err != nil {
		return fmt.Errorf("encode the checkpoint: %w", err)
	}
	report, err := json.Marshal(r.report)
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	r.h.Update(func(j *job.Job) {
		j.Checkpoint, j.Report, j.Phase = place, report, phase
		j.Done = r.report.Documents
		j.Total = max(j.Total, j.Done)
	})
	return nil
}
