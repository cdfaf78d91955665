package replay

import (
	"context"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Config configures a Replayer.
type Config struct {
	jobs.Resources
	// Evaluate decodes and validates a message against a set of schemas; it is
	// pure.
	Evaluate func(m stream.Raw, set *schema.Set) *store.Document
	// OnChange, if set, is called with the number of events whose outcomes a
	// replay changed in one way.
	OnChange func(change job.Change, events uint64)
	// Beats returns the heartbeats of the live processes; nil reads the bucket.
	Beats func(ctx context.Context) ([]heartbeat.Beat, error)
}

// Replayer has the tasks of package jobs for replays and dry runs. It is safe
// for concurrent use.
type Replayer struct {
	cfg   Config
	build daemon.Build
	// The constants of these names; tests shorten them.
	progressInterval, throttleInterval, minBucketAge time.Duration
}

// New returns a Replayer.
func New(cfg Config) *Replayer {
	r := &Replayer{
		cfg: cfg, build: daemon.BuildInfo(),
		progressInterval: progressInterval, throttleInterval: throttleInterval, minBucketAge: minBucketAge,
	}
	if r.cfg.Beats == nil {
		r.cfg.Beats = func(ctx context.Context) ([]heartbeat.Beat, error) {
			return jobs.LiveBeats(ctx, r.cfg.JetStream, r.minBucketAge)
		}
	}
	return r
}

const (
	// storeLimit bounds one read of the store or a portion of the stream,
	// writeLimit one attempt to write a portion.
	storeLimit = 20 * time.Second
	writeLimit = time.Minute
	// natsLimit bounds a short request to NATS: a server that shuts down does not
	// answer the requests that are on their way.
	natsLimit = 5 * time.Second
	// progressInterval is how often progress is recorded, because encoding a
	// report takes time.
	progressInterval = 250 * time.Millisecond
	// throttleInterval is how often the lag of live events is checked.
	throttleInterval = 500 * time.Millisecond
	// pollInterval is how often a condition is checked that a job waits for.
	pollInterval = 200 * time.Millisecond
)

// minBucketAge is how old the bucket of heartbeats must be before it is known to
// have the heartbeat of every live process.
const minBucketAge = stream.HeartbeatTTL
