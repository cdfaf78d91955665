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
	// How often progress is noted, and the lag looked at.
	progressInterval, throttleInterval time.Duration
}

// New returns a Replayer.
func New(cfg Config) *Replayer {
	r := &Replayer{cfg: cfg, build: daemon.BuildInfo(), progressInterval: progressInterval, throttleInterval: throttleInterval}
	if r.cfg.Beats == nil {
		r.cfg.Beats = r.liveBeats
	}
	return r
}

const (
	// storeLimit bounds one question to NATS or the store, writeLimit one
	// attempt to write a portion.
	storeLimit = 20 * time.Second
	// natsLimit bounds a short question to NATS: one that is on its way when a
	// server ends is never answered.
	natsLimit  = 5 * time.Second
	writeLimit = time.Minute
	// progressInterval is how often progress is noted; a report takes a while to write.
	progressInterval = 250 * time.Millisecond
	// throttleInterval is how often the lag of live events is looked at.
	throttleInterval = 500 * time.Millisecond
	// pollInterval is how often something is looked at that is waited for.
	pollInterval = 200 * time.Millisecond
)
