package analytics

import (
	"bytes"
	"context"
	"math"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/theeye/theeye/shared/query/filter"
)

// countVisitors counts the visitors of a walk.
func (c *cohorts) countVisitors(ctx context.Context, w *walk) error {
	if w.by.Name != filter.SessionID {
		return w.eachApplication(func(views []walkedView) error {
			names, err := w.shareValues(ctx, w.by)
			if err != nil {
				return err
			}
			s := &cohortScan{cohorts: c, walk: w, views: views, names: names}
			return s.scanViews(ctx)
		})
	}
	counters, visitors := newVisitors(func() cohortVisitor { return cohortVisitor{c.emptyCopy()} })
	err := w.walkVisitors(ctx, visitors)
	for _, v := range counters {
		c.addCounts(v.cohorts)
	}
	return err
}

// cohortVisitor is cohorts as a visitor.
type cohortVisitor struct{ *cohorts }

func (v cohortVisitor) addVisit(visit *visit) error { //nolint:unparam // of the interface
	v.cohorts.addVisit(visit)
	return nil
}

// cohortScan counts the visitors of one application that a field names, without sorting
// their events: it reads all rows once for the first event of each visitor, and once
// more for the returns behind it.
type cohortScan struct {
	*cohorts
	walk  *walk
	views []walkedView
	names *sharedValues
	// members are the visitors by code, once their first events are known.
	members []cohortMember
}

// cohortWorker is the state of one goroutine of a cohortScan.
type cohortWorker struct {
	worker
	// first has the first event of each visitor by code.
	first []firstPlace
}

// firstPlace is an event that may be the first of a visitor. Its time is noEvent without
// one.
type firstPlace struct {
	time  int64
	place place
}

const noEvent = math.MaxInt64

// cohortMember is a visitor with the interval of his first event. Bit i of returned is set
// where he returned in the interval i behind it. Workers set bits at the same time.
type cohortMember struct {
	firstPlace
	cohort   int
	returned atomic.Uint64
}

func (s *cohortScan) scanViews(ctx context.Context) error {
	workers := make([]cohortWorker, runtime.GOMAXPROCS(0))
	err := s.eachView(ctx, workers, firstEvent, s.findFirst)
	if err != nil {
		return err
	}
	if err := s.mergeFirst(ctx, workers); err != nil {
		return err
	}
	if err := s.eachView(ctx, workers, againEvent, s.findReturns); err != nil {
		return err
	}
	for code := range s.members {
		if m := &s.members[code]; m.time != noEvent {
			s.addVisitor(m.cohort, m.returned.Load())
		}
	}
	return nil
}

// cohortRows are the rows of a view, those with mask 0 among them.
type cohortRows struct {
	view  uint32
	masks []eventMask
	times []int64
	// codes are the visitors, as indexes of names.
	codes []uint32
	names []uint32
}

// eachView calls do with the rows of each view that may count. The visitors of rows with
// the bit needed have a name.
func (s *cohortScan) eachView(
	ctx context.Context, workers []cohortWorker, needed eventMask, do func(ctx context.Context, worker *cohortWorker, rows *cohortRows) error,
) error {
	err := inParallel(ctx, len(workers), len(s.views), func(i, view int) error {
		v := s.views[view]
		some, err := s.walk.markView(ctx, &workers[i].worker, v)
		if err != nil || !some {
			return err
		}
		if err := s.names.loadView(ctx, v.index, v.Part); err != nil {
			return err
		}
		rows := &cohortRows{view: uint32(v.index), masks: workers[i].masks}
		times, err := v.Part.Timestamps(ctx)
		if err != nil {
			return err
		}
		rows.times = readTimes(times, len(rows.masks), &workers[i].rowTimes)
		rows.codes = readCodes(s.names.views[v.index].codes, len(rows.masks), &workers[i].rowCodes)
		rows.names = s.names.shareRows(v.index, rows.codes, rows.masks, needed)
		return do(ctx, &workers[i], rows)
	})
	if err != nil {
		return err
	}
	return s.names.check()
}

// findFirst notes the first events of the visitors of a view.
func (s *cohortScan) findFirst(ctx context.Context, worker *cohortWorker, rows *cohortRows) error {
	if n := int(slices.Max(rows.names)) + 1; n > len(worker.first) {
		n = max(n, s.names.countValues())
		worker.first = append(worker.first, slices.Repeat([]firstPlace{{time: noEvent}}, n-len(worker.first))...)
	}
	times, codes := rows.times[:len(rows.masks)], rows.codes[:len(rows.masks)]
	for row, mask := range rows.masks {
		t := times[row]
		if mask&firstEvent == 0 || t < s.from || t >= s.to {
			continue
		}
		code := rows.names[codes[row]]
		first := &worker.first[code]
		if t > first.time || code == missingCode {
			continue
		}
		if err := s.replaceLater(ctx, first, firstPlace{t, place{rows.view, uint32(row)}}); err != nil {
			return err
		}
	}
	return nil
}

// replaceLater replaces an event by one that comes before it.
func (s *cohortScan) replaceLater(ctx context.Context, first *firstPlace, other firstPlace) error {
	if other.time > first.time || other.time == noEvent {
		return nil
	}
	if other.time == first.time {
		before, err := s.isBefore(ctx, other.place, first.place)
		if err != nil || !before {
			return err
		}
	}
	*first = other
	return nil
}

// isBefore reports whether a row comes before another at the same time.
func (s *cohortScan) isBefore(ctx context.Context, a, b place) (bool, error) {
	ids := func(at place) ([]byte, error) {
		for i := range s.views {
			if uint32(s.views[i].index) == at.view {
				texts, err := s.views[i].Part.EventIDs(ctx)
				if err != nil {
					return nil, err
				}
				return texts.At(int(at.row)), nil
			}
		}
		return nil, nil
	}
	x, err := ids(a)
	if err != nil {
		return false, err
	}
	y, err := ids(b)
	return bytes.Compare(x, y) < 0, err
}

// mergeFirst sets the members.
func (s *cohortScan) mergeFirst(ctx context.Context, workers []cohortWorker) error {
	const perChunk = 8192
	s.members = make([]cohortMember, s.names.countValues())
	return inParallel(ctx, len(workers), (len(s.members)+perChunk-1)/perChunk, func(_, chunk int) error {
		for code := chunk * perChunk; code < min((chunk+1)*perChunk, len(s.members)); code++ {
			m := &s.members[code]
			m.time = noEvent
			for i := range workers {
				if code < len(workers[i].first) {
					if err := s.replaceLater(ctx, &m.firstPlace, workers[i].first[code]); err != nil {
						return err
					}
				}
			}
			if m.time != noEvent {
				m.cohort = s.intervalOf(m.time)
			}
		}
		return nil
	})
}

// findReturns notes the returns in a view.
func (s *cohortScan) findReturns(ctx context.Context, _ *cohortWorker, rows *cohortRows) error {
	times, codes := rows.times[:len(rows.masks)], rows.codes[:len(rows.masks)]
	interval, start, end := 0, int64(0), int64(0)
	for row, mask := range rows.masks {
		if mask&againEvent == 0 {
			continue
		}
		code := rows.names[codes[row]]
		if int(code) >= len(s.members) {
			continue // a visitor without a first event
		}
		t, member := times[row], &s.members[code]
		if t <= member.time {
			if t < member.time || member.place == (place{rows.view, uint32(row)}) {
				continue // the ids of events would be read for each first event
			}
			if behind, err := s.isBefore(ctx, member.place, place{rows.view, uint32(row)}); err != nil {
				return err
			} else if !behind {
				continue
			}
		}
		if t < start || t >= end {
			interval = s.intervalOf(t)
			start, end = s.starts[interval], s.starts[interval+1]
		}
		if since := interval - member.cohort; since < s.periods {
			if bit := uint64(1) << since; member.returned.Load()&bit == 0 {
				member.returned.Or(bit)
			}
		}
	}
	return nil
}
