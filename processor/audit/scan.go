package audit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// probeSize bounds the sequences that the leader is asked for together, and
	// maxBlind the chunks between two attempts to read many messages at once.
	probeSize = 1000
	maxProbes = 64
	// silenceLimit is how long a read of the stream may bring nothing: several
	// questions long.
	silenceLimit = 25 * time.Second
)

// errServerSilent says that a read of the stream brought nothing for long.
var errServerSilent = errors.New("the server does not answer")

// span is consecutive sequences, both ends inclusive.
type span struct{ from, to uint64 }

func (s span) empty() bool { return s.from > s.to }

// scan accounts for a part of the stream, sequence by sequence.
type scan struct {
	*Auditor
	report *report
	epoch  int64
	// repair says that what is missing is written.
	repair bool
	// floor is up to where the live consumer has settled everything, as last
	// read.
	floor uint64
	// purgeMark is the first sequence that was not purged, as last read. Both only
	// grow.
	purgeMark uint64
	policies  *policyHistory
}

func (a *Auditor) newScan(l *report) *scan {
	return &scan{Auditor: a, report: l, epoch: a.cfg.Epoch(), policies: newPolicyHistory(a.cfg.JetStream)}
}

// accountFor accounts for the sequences of a span, and calls done with each sequence
// up to which everything is in the ledger.
func (w *scan) accountFor(ctx context.Context, s span, done func(seq uint64) error) error {
	blind := 1
	for !s.empty() {
		silent, err := w.readSpan(ctx, &s, done)
		if err != nil {
			return err
		}
		// What the server cannot read it passes over, or it says that nothing
		// follows, or nothing at all. Then it is asked for each message, and for
		// more and more of them before the next attempt to read many at once.
		if !silent {
			blind = 1
		}
		for range blind {
			if s.empty() {
				break
			}
			if err := w.accountUnread(ctx, &s, done); err != nil {
				return err
			}
		}
		if silent {
			blind = min(2*blind, maxProbes)
		}
	}
	return nil
}

// readSpan accounts for a span, of which it leaves what comes after the last
// message that is read. It reports whether the server fell silent.
func (w *scan) readSpan(ctx context.Context, s *span, done func(seq uint64) error) (silent bool, err error) {
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(w.silenceLimit, func() { cancel(errServerSilent) })
	defer watchdog.Stop()
	for portion, err := range w.readStream(reading, w.cfg.JetStream, stream.Range{First: s.from, Last: s.to}) {
		watchdog.Stop()
		switch {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case errors.Is(context.Cause(reading), errServerSilent):
			return true, nil
		case err != nil:
			return false, err
		}
		if err := w.accountPrefix(ctx, s, span{s.from, portion[len(portion)-1].Seq}, portion, done); err != nil {
			return false, err
		}
		watchdog.Reset(w.silenceLimit)
	}
	return false, nil
}

// accountPrefix accounts for the beginning of a span, and takes it off.
func (w *scan) accountPrefix(ctx context.Context, s *span, part span, there []stream.Raw, done func(seq uint64) error) error {
	if err := w.accountPart(ctx, part, there); err != nil {
		return err
	}
	s.from = part.to + 1
	return done(part.to)
}

// accountUnread accounts for a part of a span by asking for each message: for all of it,
// where it lies behind the stream's end.
func (w *scan) accountUnread(ctx context.Context, s *span, done func(seq uint64) error) error {
	_, last, err := w.streamBounds(ctx)
	if err != nil {
		return err
	}
	part := *s
	if s.from <= last {
		part.to = min(s.to, s.from+probeSize-1)
	}
	return w.accountPrefix(ctx, s, part, nil, done)
}

// accountPart accounts for a span of which these messages are there.
func (w *scan) accountPart(ctx context.Context, s span, there []stream.Raw) error {
	found, err := w.reconcile(ctx, there)
	if err != nil {
		return err
	}
	next := s.from
	for i := range len(there) + 1 {
		gap := span{next, s.to}
		if i < len(there) {
			gap.to, next = there[i].Seq-1, there[i].Seq+1
		}
		if gap.empty() {
			continue
		}
		missing, err := w.accountGap(ctx, gap)
		if err != nil {
			return err
		}
		found = append(found, missing...)
	}
	w.report.addMissing(found)
	return nil
}

// accountGap accounts for sequences that a read of the stream did not show. What no
// processor has kept was purged. Of the others the leader is asked for each
// one that lies within the stream.
func (w *scan) accountGap(ctx context.Context, s span) ([]job.Range, error) {
	if s.to < w.purgeMark {
		w.report.Purged += s.to - s.from + 1
		return nil, nil
	}
	first, last, err := w.streamBounds(ctx)
	if err != nil {
		return nil, err
	}
	var found []job.Range
	gone := []span{{s.from, min(s.to, first-1)}, {max(s.from, last+1), s.to}}
	for from := max(s.from, first); from <= min(s.to, last); from += probeSize {
		absent, missing, err := w.probeGap(ctx, span{from, min(s.to, last, from+probeSize-1)})
		if err != nil {
			return nil, err
		}
		found, gone = append(found, missing...), append(gone, absent...)
	}
	// After the stream was asked: what was purged meanwhile was noted before.
	if err := w.readPurgeMark(ctx); err != nil {
		return nil, err
	}
	for _, g := range gone {
		if purged := (span{g.from, min(g.to, w.purgeMark-1)}); !purged.empty() {
			w.report.Purged += purged.to - purged.from + 1
			g.from = purged.to + 1
		}
		if !g.empty() {
			found = append(found, job.Range{From: g.from, To: g.to, Reason: job.LostInStream})
		}
	}
	return found, nil
}

// probeGap asks the leader for sequences. It accounts for the messages that are there
// and returns what of them is missing, and the sequences that are not there.
// Those are asked for a second time, a moment later: a server that is ending
// says of every message that it has none.
func (w *scan) probeGap(ctx context.Context, s span) (gone []span, missing []job.Range, err error) {
	absent := make([]uint64, 0, s.to-s.from+1)
	for seq := s.from; seq <= s.to; seq++ {
		absent = append(absent, seq)
	}
	var there []stream.Raw
	for look := range 2 {
		if look > 0 && len(absent) > 0 {
			if err := jobs.Pause(ctx, recheckDelay); err != nil {
				return nil, nil, err
			}
			if _, _, err := w.streamBounds(ctx); err != nil {
				return nil, nil, err
			}
		}
		messages, still, err := w.readEach(ctx, absent)
		if err != nil {
			return nil, nil, err
		}
		there, absent = append(there, messages...), still
	}
	slices.SortFunc(there, func(a, b stream.Raw) int { return cmp.Compare(a.Seq, b.Seq) })
	missing, err = w.reconcile(ctx, there)
	return spans(absent), missing, err
}

// spans joins sequences in order.
func spans(seqs []uint64) (out []span) {
	for _, seq := range seqs {
		if n := len(out); n > 0 && out[n-1].to+1 == seq {
			out[n-1].to = seq
		} else {
			out = append(out, span{seq, seq})
		}
	}
	return out
}

// streamBounds are the first and last sequence of the stream now.
func (w *scan) streamBounds(ctx context.Context) (first, last uint64, err error) {
	err = jobs.Insist(ctx, requestLimit, func(ctx context.Context) error {
		state, err := streamState(ctx, w.cfg.JetStream, w.epoch)
		first, last = max(state.FirstSeq, 1), state.LastSeq
		return err
	}, isPermanent)
	return first, last, err
}

// readPurgeMark reads from where on processors have kept the stream.
func (w *scan) readPurgeMark(ctx context.Context) error {
	return jobs.Insist(ctx, requestLimit, func(ctx context.Context) error {
		r, err := w.marks.confirmRecord(ctx)
		w.purgeMark = max(w.purgeMark, r.KeptFrom)
		return err
	}, isPermanent)
}
