package replay

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// place is the checkpoint of a job that reads a range once.
type place struct {
	// Last is the end of the range, fixed when the job began; Next is where it
	// goes on.
	Last uint64 `json:"last"`
	Next uint64 `json:"next"`
}

// DryRun is the jobs.Task of dry runs. It judges by one revision from beginning
// to end, also when another process goes on with it, and writes nothing.
func (r *Replayer) DryRun(ctx context.Context, h *jobs.Handle) error {
	set, err := r.rules(ctx, h)
	if err != nil {
		return err
	}
	rng, err := r.extent(ctx, h)
	if err != nil {
		return err
	}
	j := h.Job()
	counted, err := resume(j)
	if err != nil {
		return err
	}
	p := progress{h: h, every: r.noteEvery}
	from, done := rng.First, j.Done
	for portion, err := range read(ctx, r.cfg.JetStream, rng) {
		if err != nil {
			return err
		}
		if err := r.compare(ctx, h, portion, set, counted); err != nil {
			return err
		}
		next := portion[len(portion)-1].Seq + 1
		if err := p.note(place{Last: rng.Last, Next: next}, done+next-from, counted, phaseJudging); err != nil {
			return err
		}
	}
	return p.noteNow(place{Last: rng.Last, Next: rng.Last + 1}, j.Total, counted, phaseJudging)
}

// compare counts what a portion would become.
func (r *Replayer) compare(ctx context.Context, h *jobs.Handle, portion []stream.Raw, set *schema.Set, counted *tally) error {
	s := h.Job().Selection
	var docs [lanes][]*store.Document
	var held [lanes]presence
	err := inParts(portion, func(lane int, part []stream.Raw) (err error) {
		docs[lane] = r.judge(part, set, s)
		held[lane], err = r.held(ctx, h, docs[lane])
		return err
	})
	if err != nil {
		return err
	}
	now := time.Now()
	for lane := range docs {
		for _, d := range docs[lane] {
			was, ok := held[lane].of(d)
			switch {
			case !s.CoversOutcome(was, ok):
			case ok && was.ContentHash == d.ContentHash && d.Origin.Before(was.Origin):
				// Nobody has written this copy yet; the event counts at the
				// place of the one that is held.
				counted.changes.Duplicates++
			default:
				counted.add(was, ok, d, "", now)
			}
		}
	}
	return nil
}

// read is stream.Read, for which an end at 0 is none.
func read(ctx context.Context, js jetstream.JetStream, rng stream.Range) iter.Seq2[[]stream.Raw, error] {
	if left(rng) == 0 {
		return func(func([]stream.Raw, error) bool) {}
	}
	return stream.Read(ctx, js, rng)
}

// rules are what a dry run judges by: the registry's, and what is not put yet.
func (r *Replayer) rules(ctx context.Context, h *jobs.Handle) (*schema.Set, error) {
	select {
	case <-r.cfg.Registry.Ready():
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	set := r.cfg.Registry.Snapshot().Schemas
	j := h.Job()
	if j.TargetRevision == 0 {
		h.Update(func(j *job.Job) { j.TargetRevision = set.Revision() })
	} else if j.TargetRevision != set.Revision() {
		err := jobs.Insist(ctx, askLimit, func(ctx context.Context) (err error) {
			set, err = registry.At(ctx, r.cfg.JetStream, j.TargetRevision)
			return err
		}, func(err error) bool { return errors.Is(err, registry.ErrNoRevision) })
		if err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(j.Schemas)) {
		t, err := schema.ParseType(name)
		if err != nil {
			return nil, fmt.Errorf("schemas: %w", err)
		}
		s, faults := schema.Compile(j.Schemas[name])
		if len(faults) > 0 {
			return nil, fmt.Errorf("the schema of %s has %d faults, first at %q: %s", name, len(faults), faults[0].Path, faults[0].Message)
		}
		set = set.With(t, s)
	}
	return set, nil
}

// extent is what is left of the range of a job. It is fixed by the first runner.
func (r *Replayer) extent(ctx context.Context, h *jobs.Handle) (rng stream.Range, err error) {
	j := h.Job()
	err = jobs.Insist(ctx, natsLimit, func(ctx context.Context) error {
		rng, err = j.Selection.Range(ctx, r.cfg.JetStream)
		return err
	}, nil)
	if err != nil {
		return rng, err
	}
	if j.Checkpoint != nil {
		var p place
		if err := json.Unmarshal(j.Checkpoint, &p); err != nil {
			return rng, fmt.Errorf("read the checkpoint: %w", err)
		}
		rng.First, rng.Last = p.Next, p.Last
	}
	h.Update(func(j *job.Job) { j.Total = j.Done + left(rng) })
	return rng, nil
}

// left is how many sequences a range has.
func left(rng stream.Range) uint64 { return rng.Last + 1 - min(rng.First, rng.Last+1) }

// progress notes how far a job is: checkpoint and report of one moment.
type progress struct {
	h     *jobs.Handle
	every time.Duration
	last  time.Time
}

// note notes where the job goes on, unless it did so a moment ago.
func (p *progress) note(checkpoint any, done uint64, counted *tally, phase string) error {
	if time.Since(p.last) < p.every {
		return nil
	}
	return p.noteNow(checkpoint, done, counted, phase)
}

func (p *progress) noteNow(checkpoint any, done uint64, counted *tally, phase string) error {
	p.last = time.Now()
	place, err := json.Marshal(checkpoint)
	if err != nil {
		return fmt.Errorf("encode the checkpoint: %w", err)
	}
	report, err := json.Marshal(counted.report())
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	p.h.Update(func(j *job.Job) {
		j.Done, j.Checkpoint, j.Report, j.Phase = min(done, j.Total), place, report, phase
	})
	return nil
}
