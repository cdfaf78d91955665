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

// dryRunCheckpoint is the checkpoint of a dry run, which reads its range once.
type dryRunCheckpoint struct {
	// Last is the end of the range, fixed when the job began; Next is the sequence
	// where the dry run continues.
	Last uint64 `json:"last"`
	Next uint64 `json:"next"`
}

// DryRun is the jobs.Task of dry runs. It validates against one revision from
// beginning to end, also when another process continues it, and writes nothing.
func (r *Replayer) DryRun(ctx context.Context, h *jobs.Handle) error {
	set, err := r.resolveRules(ctx, h)
	if err != nil {
		return err
	}
	counted, err := resumeTally(h.Job())
	if err != nil {
		return err
	}
	rng, err := r.resolveRange(ctx, h, counted)
	if err != nil {
		return err
	}
	j := h.Job()
	p := progress{h: h, interval: r.progressInterval}
	from, done := rng.First, j.Done
	for portion, err := range readRange(ctx, r.cfg.JetStream, rng) {
		if err != nil {
			return err
		}
		if err := r.countPortion(ctx, h, portion, set, counted); err != nil {
			return err
		}
		next := portion[len(portion)-1].Seq + 1
		if err := p.recordIfDue(dryRunCheckpoint{Last: rng.Last, Next: next}, done+next-from, counted, phaseValidating); err != nil {
			return err
		}
	}
	return p.recordNow(dryRunCheckpoint{Last: rng.Last, Next: rng.Last + 1}, j.Total, counted, phaseValidating)
}

// countPortion counts the outcomes that the events of a portion would get.
func (r *Replayer) countPortion(ctx context.Context, h *jobs.Handle, portion []stream.Raw, set *schema.Set, counted *tally) error {
	s := h.Job().Selection
	var docs [parallelParts][]*store.Document
	var held [parallelParts]heldDocs
	err := inParallel(func(i int) (err error) {
		docs[i] = r.evaluateCovered(partOf(portion, i), set, s)
		held[i], err = r.readHeld(ctx, h, docs[i])
		return err
	})
	if err != nil {
		return err
	}
	now := time.Now()
	for i := range docs {
		for _, d := range docs[i] {
			was, ok := held[i].lookUp(d)
			switch {
			case !s.CoversOutcome(was, ok):
			case ok && was.ContentHash == d.ContentHash && d.Origin.Before(was.Origin):
				// This copy has not been written yet; the event counts at the
				// origin of the copy that is held.
				counted.changes.Duplicates++
			default:
				counted.countEvent(was, ok, d, "", now)
			}
		}
	}
	return nil
}

// readRange is stream.ReadLong, except that a range whose end is 0 is empty; stream.ReadLong
// would read to the end of the stream.
func readRange(ctx context.Context, js jetstream.JetStream, rng stream.Range) iter.Seq2[[]stream.Raw, error] {
	if sequencesLeft(rng) == 0 {
		return func(func([]stream.Raw, error) bool) {}
	}
	return stream.ReadLong(ctx, js, rng)
}

// resolveRules returns the schemas that a dry run validates against: those of the
// registry, with the job's own unpublished schemas on top.
func (r *Replayer) resolveRules(ctx context.Context, h *jobs.Handle) (*schema.Set, error) {
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
		err := jobs.Retry(ctx, storeLimit, func(ctx context.Context) (err error) {
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

// resolveRange returns the rest of the range of a job, which the first runner fixed.
func (r *Replayer) resolveRange(ctx context.Context, h *jobs.Handle, counted *tally) (rng stream.Range, err error) {
	j := h.Job()
	var purged uint64
	err = jobs.Retry(ctx, natsLimit, func(ctx context.Context) error {
		rng, purged, err = r.selectRange(ctx, j.Selection)
		return err
	}, nil)
	if err != nil {
		return rng, err
	}
	if j.Checkpoint == nil {
		counted.changes.Purged = purged
	} else {
		var p dryRunCheckpoint
		if err := json.Unmarshal(j.Checkpoint, &p); err != nil {
			return rng, fmt.Errorf("read the checkpoint: %w", err)
		}
		rng.First, rng.Last = p.Next, p.Last
	}
	h.Update(func(j *job.Job) { j.Total = j.Done + sequencesLeft(rng) })
	return rng, nil
}

// selectRange returns the range of a selection, and how many sequences of it are
// purged.
func (r *Replayer) selectRange(ctx context.Context, s job.Selection) (rng stream.Range, purged uint64, err error) {
	events, err := r.cfg.JetStream.Stream(ctx, stream.Name)
	if err != nil {
		return rng, 0, fmt.Errorf("look up stream %s: %w", stream.Name, err)
	}
	rng, err = s.Range(ctx, r.cfg.JetStream)
	return rng, s.CountPurged(events.CachedInfo().State), err
}

// sequencesLeft is the number of sequences of a range.
func sequencesLeft(rng stream.Range) uint64 { return rng.Last + 1 - min(rng.First, rng.Last+1) }
