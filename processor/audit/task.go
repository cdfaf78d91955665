package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
)

// progressInterval is how often progress is recorded.
const progressInterval = 250 * time.Millisecond

// checkpoint is the checkpoint of an audit.
type checkpoint struct {
	// Last is the end of the range, fixed when the job began; Next is the
	// sequence where the audit continues.
	Last uint64 `json:"last"`
	Next uint64 `json:"next"`
}

// Audit is the jobs.Task of audits. It accepts selections by sequence and by time
// only. An audit that another process has continued ends with the same report;
// only Repaired may differ by the events that the first process wrote after its
// last checkpoint.
func (a *Auditor) Audit(ctx context.Context, h *jobs.Handle) error {
	s := h.Job().Selection
	if s.Application != "" || s.Category != "" || s.Name != "" || s.ByOutcome() {
		return errors.New("an audit accounts for every event of its range: it cannot be restricted to some of them")
	}
	at, r, err := a.resumeOrStart(ctx, h)
	if err != nil {
		return err
	}
	scan := a.newScan(r)
	scan.repair = h.Job().Repair
	p := progress{h: h, report: r, from: r.FromSeq, last: at.Last}
	if err := p.recordNow(at.Next); err != nil {
		return err
	}
	err = scan.accountFor(ctx, span{at.Next, at.Last}, func(seq uint64) error { return p.recordIfDue(seq + 1) })
	if err != nil {
		return err
	}
	return p.recordNow(at.Last + 1)
}

// resumeOrStart returns the checkpoint and report of an earlier runner, or fixes
// the range.
func (a *Auditor) resumeOrStart(ctx context.Context, h *jobs.Handle) (at checkpoint, r *report, err error) {
	j := h.Job()
	r = &report{}
	if j.Checkpoint != nil && j.Report != nil {
		err = errors.Join(json.Unmarshal(j.Checkpoint, &at), json.Unmarshal(j.Report, &r.Account))
		if err != nil {
			return at, nil, fmt.Errorf("read the checkpoint: %w", err)
		}
		return at, r, nil
	}
	err = jobs.Retry(ctx, requestLimit, func(ctx context.Context) error {
		r = &report{}
		at, err = a.selectRange(ctx, j.Selection, r)
		return err
	}, isPermanent)
	if err != nil {
		return at, nil, err
	}
	h.Update(func(j *job.Job) { j.Total = at.Last + 1 - at.Next })
	return at, r, nil
}

// selectRange returns the range of a selection. By default it is from the purge
// mark, whatever the stream still has from there on, to the present end of the
// stream. It adds the tails that the stream lost earlier to the report.
func (a *Auditor) selectRange(ctx context.Context, s job.Selection, r *report) (checkpoint, error) {
	if err := a.marks.CheckTail(ctx); err != nil {
		return checkpoint{}, err
	}
	marks, err := a.marks.confirmRecord(ctx)
	if err != nil {
		return checkpoint{}, err
	}
	state, err := streamState(ctx, a.cfg.JetStream, marks.Epoch)
	if err != nil {
		return checkpoint{}, err
	}
	selected, err := s.Range(ctx, a.cfg.JetStream)
	if err != nil {
		return checkpoint{}, err
	}
	first := max(1, min(marks.KeptFrom, max(state.FirstSeq, 1)))
	if s.FromSeq > 0 {
		first = s.FromSeq
	}
	if !s.From.IsZero() && selected.First > state.FirstSeq {
		first = max(first, selected.First)
	}
	last, lossesTo := selected.Last, uint64(math.MaxUint64)
	if s.ToSeq > 0 {
		last, lossesTo = min(last, s.ToSeq), s.ToSeq
	}
	if !s.To.IsZero() {
		lossesTo = min(lossesTo, last)
	}
	last = max(last, first-1)
	r.FromSeq, r.ToSeq = first, last
	r.addLostTail(marks.Losses, first, lossesTo)
	return checkpoint{Last: last, Next: first}, nil
}

// progress records the progress of an audit: checkpoint and report of the same
// moment.
type progress struct {
	h          *jobs.Handle
	report     *report
	from, last uint64
	recordedAt time.Time
}

// recordIfDue records the sequence where the audit continues, unless it recorded
// one within progressInterval.
func (p *progress) recordIfDue(next uint64) error {
	if time.Since(p.recordedAt) < progressInterval {
		return nil
	}
	return p.recordNow(next)
}

func (p *progress) recordNow(next uint64) error {
	p.recordedAt = time.Now()
	at, err := json.Marshal(checkpoint{Last: p.last, Next: next})
	if err != nil {
		return fmt.Errorf("encode the checkpoint: %w", err)
	}
	account, err := json.Marshal(p.report.snapshot())
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	p.h.Update(func(j *job.Job) { j.Done, j.Checkpoint, j.Report = next-p.from, at, account })
	return nil
}
