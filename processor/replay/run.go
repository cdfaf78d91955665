package replay

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// checkpoint is the checkpoint of a replay.
type checkpoint struct {
	// First and Last are the range, fixed after the barrier; Next is the sequence
	// where the replay continues.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Next  uint64 `json:"next"`
	// Sweeps is the number of sweep passes that have begun.
	Sweeps int `json:"sweeps,omitzero"`
}

// run is one replay that this process runs.
type run struct {
	*Replayer
	h          *jobs.Handle
	job        job.Job
	checkpoint checkpoint
	span       stream.Range
	tally      *tally
	progress   progress
	// limit is nil without a rate.
	limit    *rate.Limiter
	throttle jobs.Throttle
}

// progress records the progress of a job: checkpoint and report of the same moment.
type progress struct {
	h          *jobs.Handle
	interval   time.Duration
	recordedAt time.Time
}

// recordIfDue records the checkpoint at which the job continues, unless it recorded
// one within the interval.
func (p *progress) recordIfDue(checkpoint any, done uint64, counted *tally, phase string) error {
	if time.Since(p.recordedAt) < p.interval {
		return nil
	}
	return p.recordNow(checkpoint, done, counted, phase)
}

func (p *progress) recordNow(checkpoint any, done uint64, counted *tally, phase string) error {
	p.recordedAt = time.Now()
	place, err := json.Marshal(checkpoint)
	if err != nil {
		return fmt.Errorf("encode the checkpoint: %w", err)
	}
	report, err := json.Marshal(counted.buildReport())
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	p.h.Update(func(j *job.Job) {
		j.Done, j.Checkpoint, j.Report, j.Phase = min(done, j.Total), place, report, phase
	})
	return nil
}
