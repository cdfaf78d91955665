package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/theeye/theeye/shared/retry"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// processorService is what processors call themselves in their heartbeats.
const processorService = "processor"

// maxNamed bounds the processors that a phase names.
const maxNamed = 5

// awaitProcessors waits until no live processor is behind, and tells meanwhile
// which ones are. A process that sends no heartbeats is not live.
func (r *Replayer) awaitProcessors(ctx context.Context, h *jobs.Handle, what string, behind func(heartbeat.Beat) bool) error {
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
		phase := fmt.Sprintf("waiting until %s: %s", what, strings.Join(names[:min(len(names), maxNamed)], ", "))
		if more := len(names) - maxNamed; more > 0 {
			phase += fmt.Sprintf(" and %d more", more)
		}
		h.Update(func(j *job.Job) { j.Phase = phase })
		if err := retry.Sleep(ctx, pollInterval); err != nil {
			return err
		}
	}
}

// errBucketTooYoung says that the bucket of heartbeats may not have those of every live
// process yet.
var errBucketTooYoung = errors.New("the bucket of heartbeats was made a moment ago")

// liveBeats returns the heartbeats of the live processes. The bucket is in memory: a
// server that starts again has an empty one, in which processes that never
// stopped are missing until their next heartbeat.
func (r *Replayer) liveBeats(ctx context.Context) ([]heartbeat.Beat, error) {
	bucket, err := r.cfg.JetStream.Stream(ctx, stream.BucketStream(stream.BucketServices))
	if err != nil {
		return nil, fmt.Errorf("look up bucket %s: %w", stream.BucketServices, err)
	}
	if info := bucket.CachedInfo(); info.TimeStamp.Sub(info.Created) < stream.HeartbeatTTL {
		return nil, errBucketTooYoung
	}
	return heartbeat.List(ctx, r.cfg.JetStream)
}

// awaitBarrier waits until every live processor judges by the target or later, with
// the decoder of this build: an older one would judge what comes after the
// range otherwise.
func (r *Replayer) awaitBarrier(ctx context.Context, h *jobs.Handle, target uint64) error {
	for s := r.cfg.Registry.Snapshot(); s == nil || s.Schemas.Revision() < target; s = r.cfg.Registry.Snapshot() {
		h.Update(func(j *job.Job) { j.Phase = fmt.Sprintf("waiting for revision %d of the registry", target) })
		if err := retry.Sleep(ctx, pollInterval); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("every processor is at revision %d and of version %s", target, r.build.Version)
	return r.awaitProcessors(ctx, h, what, func(b heartbeat.Beat) bool {
		return b.Revision < target || b.Version != r.build.Version || b.Commit != r.build.Commit
	})
}

// awaitInFlight waits until no live processor has in its hands what it judged
// below the target.
func (r *Replayer) awaitInFlight(ctx context.Context, h *jobs.Handle, target uint64) error {
	return r.awaitProcessors(ctx, h, "what was judged before the replay is settled", func(b heartbeat.Beat) bool {
		return b.OldestRevision != 0 && b.OldestRevision < target
	})
}
