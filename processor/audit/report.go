package audit

import (
	"cmp"
	"slices"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

// maxDuplicates bounds the duplicates that a report names.
const maxDuplicates = 100

// verdict is the result of the audit for one sequence.
type verdict uint8

const (
	// unexplained: no verdict applies so far.
	unexplained verdict = iota
	stored
	rejected
	duplicate
	expired
	pending
)

// report adds up the verdicts. Its size is bounded, however much is missing.
type report struct{ job.Account }

// countVerdict counts one message. addMissing counts those that stay
// unexplained.
func (r *report) countVerdict(v verdict) {
	switch v {
	case stored:
		r.Stored++
	case rejected:
		r.Rejected++
	case duplicate:
		r.Duplicate++
	case expired:
		r.Expired++
	case pending:
		r.Pending++
	case unexplained:
	}
}

// addDuplicate names a duplicate, if there is room.
func (r *report) addDuplicate(seq uint64, original store.Origin, epoch int64) {
	if len(r.Duplicates) >= maxDuplicates {
		return
	}
	c := job.Copy{Seq: seq, Of: original.Seq}
	if original.Epoch != epoch {
		c.Epoch = original.Epoch
	}
	r.Duplicates = append(r.Duplicates, c)
}

// addMissing counts and names the missing events of one part of the stream, in
// any order.
func (r *report) addMissing(missing []job.Range) {
	slices.SortFunc(missing, compareRanges)
	for _, m := range missing {
		n := m.To - m.From + 1
		r.Missing += n
		if m.Reason == job.LostInStream {
			r.LostInStream += n
		} else {
			r.MissingInStore += n
		}
		for seq := m.From; seq <= m.To && len(r.MissingSequences) < job.MaxNamed; seq++ {
			r.MissingSequences = append(r.MissingSequences, seq)
		}
		last := len(r.MissingRanges) - 1
		switch {
		case last >= 0 && r.MissingRanges[last].Reason == m.Reason && r.MissingRanges[last].To+1 == m.From:
			r.MissingRanges[last].To = m.To
		case last+1 < job.MaxNamed:
			r.MissingRanges = append(r.MissingRanges, m)
		default:
			r.Unnamed += n
		}
	}
}

// addLostTail counts and names the parts of lost tails of the stream that lie
// between two sequences.
func (r *report) addLostTail(losses []Loss, first, last uint64) {
	var lost []job.Range
	for _, loss := range losses {
		part := job.Range{From: max(loss.From, first), To: min(loss.To, last), Reason: job.LostInStream}
		if part.From <= part.To {
			r.LostTail += part.To - part.From + 1
			lost = append(lost, part)
		}
	}
	r.addMissing(lost)
}

// snapshot returns the account so far, sorted by sequence. Its slices are never
// nil.
func (r *report) snapshot() job.Account {
	a := r.Account
	a.MissingSequences = append([]uint64{}, a.MissingSequences...)
	a.MissingRanges = append([]job.Range{}, a.MissingRanges...)
	a.Duplicates = slices.Clone(a.Duplicates)
	slices.Sort(a.MissingSequences)
	slices.SortFunc(a.MissingRanges, compareRanges)
	return a
}

func compareRanges(a, b job.Range) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
}
