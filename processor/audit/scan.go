package audit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/theeye/theeye/processor/jobs"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/retry"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// probeSize bounds the sequences that the leader is asked for in one part of
	// the scan, and maxProbes the parts between two attempts to read many messages
	// at once.
	probeSize = 1000
	maxProbes = 64
)

// errServerSilent means that a read of the stream brought nothing for too long.
var errServerSilent = errors.New("the server does not answer")

// span is consecutive sequences, both ends inclusive.
type span struct{ from, to uint64 }

func (s span) empty() bool { return s.from > s.to }

// accountFor accounts for the sequences of a span, and calls done with each
// sequence up to which the report is complete.
func (sc *scan) accountFor(ctx context.Context, s span, done func(seq uint64) error) error {
	probes := 1
	for !s.empty() {
		silent, err := sc.readSpan(ctx, &s, done)
		if err != nil {
			return err
		}
		// At a message that the server cannot read, it skips the message, says
		// that none follows, or does not answer. Then the scan asks for each
		// message, for an increasing number of messages before it attempts again
		// to read many at once.
		if !silent {
			probes = 1
		}
		for range probes {
			if s.empty() {
				break
			}
			if err := sc.accountUnread(ctx, &s, done); err != nil {
				return err
			}
		}
		if silent {
			probes = min(2*probes, maxProbes)
		}
	}
	return nil
}

// readSpan accounts for a span and leaves the sequences after the last message
// that it could read. It reports whether the server fell silent.
func (sc *scan) readSpan(ctx context.Context, s *span, done func(seq uint64) error) (silent bool, err error) {
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(sc.silenceLimit, func() { cancel(errServerSilent) })
	defer watchdog.Stop()
	for portion, err := range sc.readStream(reading, sc.cfg.JetStream, stream.Range{First: s.from, Last: s.to}) {
		watchdog.Stop()
		switch {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case errors.Is(context.Cause(reading), errServerSilent):
			return true, nil
		case err != nil:
			return false, err
		}
		if err := sc.accountPrefix(ctx, s, span{s.from, portion[len(portion)-1].Seq}, portion, done); err != nil {
			return false, err
		}
		watchdog.Reset(sc.silenceLimit)
	}
	return false, nil
}

// accountUnread accounts for a part of a span by asking for each message; for the
// whole span if it lies behind the end of the stream.
func (sc *scan) accountUnread(ctx context.Context, s *span, done func(seq uint64) error) error {
	_, last, err := sc.streamBounds(ctx)
	if err != nil {
		return err
	}
	part := *s
	if s.from <= last {
		part.to = min(s.to, s.from+probeSize-1)
	}
	return sc.accountPrefix(ctx, s, part, nil, done)
}

// accountPrefix accounts for the first part of a span, and removes it from the
// span.
func (sc *scan) accountPrefix(ctx context.Context, s *span, part span, present []stream.Raw, done func(seq uint64) error) error {
	if err := sc.accountPart(ctx, part, present); err != nil {
		return err
	}
	s.from = part.to + 1
	return done(part.to)
}

// accountPart accounts for a span of which the given messages are present.
func (sc *scan) accountPart(ctx context.Context, s span, present []stream.Raw) error {
	missing, err := sc.reconcile(ctx, present)
	if err != nil {
		return err
	}
	next := s.from
	for i := range len(present) + 1 {
		gap := span{next, s.to}
		if i < len(present) {
			gap.to, next = present[i].Seq-1, present[i].Seq+1
		}
		if gap.empty() {
			continue
		}
		found, err := sc.accountGap(ctx, gap)
		if err != nil {
			return err
		}
		missing = append(missing, found...)
	}
	sc.report.addMissing(missing)
	return nil
}

// accountGap accounts for sequences that a read of the stream did not bring.
// Those below the purge mark were purged. The leader is asked for each of the
// others that lies within the stream.
func (sc *scan) accountGap(ctx context.Context, s span) ([]job.Range, error) {
	if s.to < sc.purgeMark {
		sc.report.Purged += s.to - s.from + 1
		return nil, nil
	}
	first, last, err := sc.streamBounds(ctx)
	if err != nil {
		return nil, err
	}
	var missing []job.Range
	absent := []span{{s.from, min(s.to, first-1)}, {max(s.from, last+1), s.to}}
	for from := max(s.from, first); from <= min(s.to, last); from += probeSize {
		gone, found, err := sc.probeGap(ctx, span{from, min(s.to, last, from+probeSize-1)})
		if err != nil {
			return nil, err
		}
		missing, absent = append(missing, found...), append(absent, gone...)
	}
	// After the stream was read: the mark of a purge in between was written before
	// that purge.
	if err := sc.readPurgeMark(ctx); err != nil {
		return nil, err
	}
	for _, g := range absent {
		if purged := (span{g.from, min(g.to, sc.purgeMark-1)}); !purged.empty() {
			sc.report.Purged += purged.to - purged.from + 1
			g.from = purged.to + 1
		}
		if !g.empty() {
			missing = append(missing, job.Range{From: g.from, To: g.to, Reason: job.LostInStream})
		}
	}
	return missing, nil
}

// probeGap asks the leader for sequences. It reconciles the messages that are
// present and returns which of them are missing in the store, and the sequences
// that are absent. It asks for absent sequences a second time, a moment later: a
// server that is shutting down answers for every message that it has none.
func (sc *scan) probeGap(ctx context.Context, s span) (absent []span, missing []job.Range, err error) {
	unread := make([]uint64, 0, s.to-s.from+1)
	for seq := s.from; seq <= s.to; seq++ {
		unread = append(unread, seq)
	}
	var present []stream.Raw
	for attempt := range 2 {
		if attempt > 0 && len(unread) > 0 {
			if err := retry.Sleep(ctx, recheckDelay); err != nil {
				return nil, nil, err
			}
			if _, _, err := sc.streamBounds(ctx); err != nil {
				return nil, nil, err
			}
		}
		messages, still, err := sc.readEach(ctx, unread)
		if err != nil {
			return nil, nil, err
		}
		present, unread = append(present, messages...), still
	}
	slices.SortFunc(present, func(a, b stream.Raw) int { return cmp.Compare(a.Seq, b.Seq) })
	missing, err = sc.reconcile(ctx, present)
	return spans(unread), missing, err
}

// spans joins sequences, which are in order, to spans.
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

// parallelReads is how many reads of the leader run at once.
const parallelReads = 32

// readEach asks the leader for each of the sequences and returns the messages
// that are present, in order, and the sequences that are absent.
func (a *Auditor) readEach(ctx context.Context, seqs []uint64) (present []stream.Raw, absent []uint64, err error) {
	answers := make([]stream.Raw, len(seqs))
	found := make([]bool, len(seqs))
	errs := make([]error, min(parallelReads, len(seqs)))
	var all sync.WaitGroup
	for w := range errs {
		all.Go(func() {
			for i := w; i < len(seqs) && errs[w] == nil; i += len(errs) {
				errs[w] = jobs.Retry(ctx, requestLimit, func(ctx context.Context) (err error) {
					answers[i], found[i], err = a.readLeader(ctx, a.cfg.JetStream, seqs[i])
					return err
				}, nil)
			}
		})
	}
	all.Wait()
	for i, seq := range seqs {
		if found[i] {
			present = append(present, answers[i])
		} else {
			absent = append(absent, seq)
		}
	}
	return present, absent, errors.Join(errs...)
}

// streamBounds returns the first and last sequence that the stream has now.
func (sc *scan) streamBounds(ctx context.Context) (first, last uint64, err error) {
	err = jobs.Retry(ctx, requestLimit, func(ctx context.Context) error {
		state, err := streamState(ctx, sc.cfg.JetStream, sc.epoch)
		first, last = max(state.FirstSeq, 1), state.LastSeq
		return err
	}, isPermanent)
	return first, last, err
}

func (sc *scan) readPurgeMark(ctx context.Context) error {
	return jobs.Retry(ctx, requestLimit, func(ctx context.Context) error {
		r, err := sc.marks.confirmRecord(ctx)
		sc.purgeMark = max(sc.purgeMark, r.KeptFrom)
		return err
	}, isPermanent)
}
