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

// checkpoint is the checkpoint of an audit.
type checkpoint struct {
	// Last is the end of the range, fixed when the job began; Next is where it
	// goes on.
	Last uint64 `json:"last"`
	Next uint64 `json:"next"`
}

// Audit is the jobs.Task of audits. Its selection is by sequence and by time
// alone. What another process goes on with has the same account in the end;
// only Repaired counts what the last one wrote again or less.
func (a *Auditor) Audit(ctx context.Context, h *jobs.Handle) error {
	s := h.Job().Selection
	if s.Application != "" || s.Category != "" || s.Name != "" || s.ByOutcome() {
		return errors.New("an audit accounts for every event of its range: it cannot be restricted to some of them")
	}
	p, l, err := a.resumeOrStart(ctx, h)
	if err != nil {
		return err
	}
	w := a.newScan(l)
	w.repair = h.Job().Repair
	n := progress{h: h, report: l, from: l.FromSeq, last: p.Last}
	if err := n.recordProgress(p.Next, true); err != nil {
		return err
	}
	err = w.accountFor(ctx, span{p.Next, p.Last}, func(seq uint64) error { return n.recordProgress(seq+1, false) })
	if err != nil {
		return err
	}
	return n.recordProgress(p.Last+1, true)
}

// resumeOrStart goes on where another runner was, or fixes the range.
func (a *Auditor) resumeOrStart(ctx context.Context, h *jobs.Handle) (p checkpoint, l *report, err error) {
	j := h.Job()
	l = &report{}
	if j.Checkpoint != nil && j.Report != nil {
		err = errors.Join(json.Unmarshal(j.Checkpoint, &p), json.Unmarshal(j.Report, &l.Account))
		if err != nil {
			return p, nil, fmt.Errorf("read the checkpoint: %w", err)
		}
		return p, l, nil
	}
	err = jobs.Insist(ctx, requestLimit, func(ctx context.Context) error {
		l = &report{}
		p, err = a.selectRange(ctx, j.Selection, l)
		return err
	}, isPermanent)
	if err != nil {
		return p, nil, err
	}
	h.Update(func(j *job.Job) { j.Total = p.Last + 1 - p.Next })
	return p, l, nil
}

// selectRange is the range of a selection, by default from the first sequence that
// processors kept, whatever the stream still has of it, to its end now. What
// the stream lost at its end before is in the ledger then.
func (a *Auditor) selectRange(ctx context.Context, s job.Selection, l *report) (checkpoint, error) {
	if err := a.marks.Check(ctx); err != nil {
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
	r, err := s.Range(ctx, a.cfg.JetStream)
	if err != nil {
		return checkpoint{}, err
	}
	first := max(1, min(marks.KeptFrom, max(state.FirstSeq, 1)))
	if s.FromSeq > 0 {
		first = s.FromSeq
	}
	if !s.From.IsZero() && r.First > state.FirstSeq {
		first = max(first, r.First)
	}
	last, lossesTo := r.Last, uint64(math.MaxUint64)
	if s.ToSeq > 0 {
		last, lossesTo = min(last, s.ToSeq), s.ToSeq
	}
	if !s.To.IsZero() {
		lossesTo = min(lossesTo, last)
	}
	last = max(last, first-1)
	l.FromSeq, l.ToSeq = first, last
	l.addLostTail(marks.Losses, first, lossesTo)
	return checkpoint{Last: last, Next: first}, nil
}

// progressInterval is how often progress is noted.
const progressInterval = 250 * time.Millisecond

// progress note how far an audit is: checkpoint and report of one moment.
type progress struct {
	h          *jobs.Handle
	report     *report
	from, last uint64
	recordedAt time.Time
}

// recordProgress notes where the audit goes on, now and then, or in any case.
func (n *progress) recordProgress(next uint64, always bool) error {
	if !always && time.Since(n.recordedAt) < progressInterval {
		return nil
	}
	n.recordedAt = time.Now()
	checkpoint, err := json.Marshal(checkpoint{Last: n.last, Next: next})
	if err != nil {
		return fmt.Errorf("encode the checkpoint: %w", err)
	}
	report, err := json.Marshal(n.report.snapshot())
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	n.h.Update(func(j *job.Job) { j.Done, j.Checkpoint, j.Report = next-n.from, checkpoint, report })
	return nil
}
