package audit

import (
	"cmp"
	"slices"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

// maxDuplicates bounds the examples of duplicates.
const maxDuplicates = 100

// verdict is what became of a sequence.
type verdict uint8

const (
	// unexplained: nothing explains it yet.
	unexplained verdict = iota
	stored
	rejected
	duplicate
	expired
	pending
)

// report is an account that is being made. It is bounded, whatever is missing.
type report struct{ job.Account }

// countVerdict counts one message by its verdict. Those that stay open are named by
// missing.
func (l *report) countVerdict(v verdict) {
	switch v {
	case stored:
		l.Stored++
	case rejected:
		l.Rejected++
	case duplicate:
		l.Duplicate++
	case expired:
		l.Expired++
	case pending:
		l.Pending++
	case unexplained:
	}
}

// addDuplicate names a duplicate, if there is room.
func (l *report) addDuplicate(seq uint64, first store.Origin, epoch int64) {
	if len(l.Duplicates) >= maxDuplicates {
		return
	}
	c := job.Copy{Seq: seq, Of: first.Seq}
	if first.Epoch != epoch {
		c.Epoch = first.Epoch
	}
	l.Duplicates = append(l.Duplicates, c)
}

// addMissing counts and names what one part of the stream lacks, in any order.
func (l *report) addMissing(found []job.Range) {
	slices.SortFunc(found, byFrom)
	for _, r := range found {
		n := r.To - r.From + 1
		l.Missing += n
		if r.Reason == job.LostInStream {
			l.LostInStream += n
		} else {
			l.MissingInStore += n
		}
		for seq := r.From; seq <= r.To && len(l.MissingSequences) < job.MaxNamed; seq++ {
			l.MissingSequences = append(l.MissingSequences, seq)
		}
		last := len(l.MissingRanges) - 1
		switch {
		case last >= 0 && l.MissingRanges[last].Reason == r.Reason && l.MissingRanges[last].To+1 == r.From:
			l.MissingRanges[last].To = r.To
		case last+1 < job.MaxNamed:
			l.MissingRanges = append(l.MissingRanges, r)
		default:
			l.Unnamed += n
		}
	}
}

// addLostTail counts and names what the stream lost at its end, as far as it lies
// between two sequences.
func (l *report) addLostTail(losses []Loss, first, last uint64) {
	var found []job.Range
	for _, loss := range losses {
		r := job.Range{From: max(loss.From, first), To: min(loss.To, last), Reason: job.LostInStream}
		if r.From <= r.To {
			l.LostTail += r.To - r.From + 1
			found = append(found, r)
		}
	}
	l.addMissing(found)
}

// snapshot is the account so far, by sequence. Its slices are never nil.
func (l *report) snapshot() job.Account {
	a := l.Account
	a.MissingSequences = append([]uint64{}, a.MissingSequences...)
	a.MissingRanges = append([]job.Range{}, a.MissingRanges...)
	a.Duplicates = slices.Clone(a.Duplicates)
	slices.Sort(a.MissingSequences)
	slices.SortFunc(a.MissingRanges, byFrom)
	return a
}

func byFrom(a, b job.Range) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) }
