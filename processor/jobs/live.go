package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// processorService is the name of processors in their heartbeats.
	processorService = "processor"
	// maxNamed bounds the processors that a phase names.
	maxNamed = 5
	// waitInterval is how often a condition is checked that a job waits for.
	waitInterval = 200 * time.Millisecond
	// TolerableLag is a lag of live events, in events, for which no job waits.
	TolerableLag = 2000
	// PhaseStore is the phase of a job while the store is unavailable.
	PhaseStore = "waiting for the store"
)

// ErrBucketTooYoung means that the bucket of heartbeats may not have those of every
// live process yet.
var ErrBucketTooYoung = errors.New("the bucket of heartbeats was created a moment ago")

// LiveBeats returns the heartbeats of the live processes. The bucket is in memory: a
// server that restarts has an empty one, in which processes that never stopped are
// missing until their next heartbeat, hence the least age of the bucket.
func LiveBeats(ctx context.Context, js jetstream.JetStream, minAge time.Duration) ([]heartbeat.Beat, error) {
	bucket, err := js.Stream(ctx, stream.BucketStream(stream.BucketServices))
	if err != nil {
		return nil, fmt.Errorf("look up bucket %s: %w", stream.BucketServices, err)
	}
	if info := bucket.CachedInfo(); info.TimeStamp.Sub(info.Created) < minAge {
		return nil, ErrBucketTooYoung
	}
	return heartbeat.List(ctx, js)
}

// AwaitProcessors waits until no live processor is behind. While it waits, the
// phase of the job names those that are, and the goal that they have to reach. A
// process without heartbeats is not live.
func AwaitProcessors(
	ctx context.Context, h *Handle, list func(context.Context) ([]heartbeat.Beat, error),
	goal string, behind func(heartbeat.Beat) bool,
) error {
	for {
		var beats []heartbeat.Beat
		err := Retry(ctx, requestLimit, func(ctx context.Context) (err error) {
			beats, err = list(ctx)
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
		if err := retry.Sleep(ctx, waitInterval); err != nil {
			return err
		}
	}
}

// Throttle pauses a job while the lag of live events is more than twice that at the
// beginning of the job. The zero value is ready to use.
type Throttle struct {
	checkedAt time.Time // zero before the first check
	limit     uint64
}

// AwaitLag waits until the lag of live events is within the limit, and says so in
// the phase of the job. It checks the lag once within an interval.
func (p *Throttle) AwaitLag(ctx context.Context, h *Handle, js jetstream.JetStream, interval time.Duration) error {
	if time.Since(p.checkedAt) < interval {
		return nil
	}
	lag, err := liveLag(ctx, js)
	if err != nil {
		return err
	}
	if p.checkedAt.IsZero() {
		p.limit = max(2*lag, TolerableLag)
	}
	for lag > p.limit {
		phase := fmt.Sprintf("yielding to %d live events", lag)
		h.Update(func(j *job.Job) { j.Phase = phase })
		if err := retry.Sleep(ctx, waitInterval); err != nil {
			return err
		}
		if lag, err = liveLag(ctx, js); err != nil {
			return err
		}
	}
	p.checkedAt = time.Now()
	return nil
}

// liveLag is the number of events that wait for a processor.
func liveLag(ctx context.Context, js jetstream.JetStream) (lag uint64, err error) {
	err = Retry(ctx, requestLimit, func(ctx context.Context) error {
		c, err := js.Consumer(ctx, stream.Name, stream.Consumer)
		if err == nil {
			lag = c.CachedInfo().NumPending
		}
		return err
	}, nil)
	return lag, err
}

// RetryStore retries a request while the store is unavailable, and shows that in
// the phase of the job. A store that refuses its configuration is a permanent
// error.
func RetryStore(ctx context.Context, h *Handle, limit time.Duration, do func(context.Context) error) error {
	return Retry(ctx, limit, do, func(err error) bool {
		if errors.Is(err, store.ErrConfiguration) {
			return true
		}
		h.Update(func(j *job.Job) { j.Phase = PhaseStore })
		return false
	})
}
