package analytics

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
	"unique"

	"github.com/theeye/theeye/queryapi/refresh"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
)

// maxReasonGroups bounds the groups of a summary before the largest are taken, and
// maxReasonSeries those that have a series each.
const (
	maxReasonGroups = 1 << 20
	maxReasonSeries = 1 << 16
)

// RejectedQuery asks for the reasons of rejected events. Empty members restrict nothing.
type RejectedQuery struct {
	Applications                       []string
	Category, Name, SessionID, EventID string
	// Code keeps the events that have it among their reasons.
	Code string
	// From and To bound the received time: [From, To). A zero one is open.
	From, To time.Time
	// Limit is the number of groups.
	Limit int
	// Series asks for the series of each group; From and To are bounds then.
	Series bool
	// ByCode groups by code alone: an event with several faults of one code counts once in
	// its group.
	ByCode bool
}

// Need returns the rows that the question is about.
func (q *RejectedQuery) Need() refresh.Need {
	return refresh.Need{Applications: q.Applications, ReceivedFrom: q.From, ReceivedTo: q.To}
}

// RejectedSummary counts rejected events by application, type, code and path, the largest
// group first. An event with several reasons counts once in the group of each, and once
// in the total.
func (a *Analytics) RejectedSummary(ctx context.Context, s *columns.Snapshot, q RejectedQuery) (*api.RejectedSummary, error) {
	c := newRejectedCounter(&q, s.Now)
	most := maxReasonGroups
	if q.Series {
		most = maxReasonSeries
	}
	views := allViews(s)
	workers := workersFor(len(views))
	counted := make([]reasonCounts, workers)
	err := inParallel(ctx, workers, len(views), func(worker, i int) error {
		if counted[worker].groups == nil {
			counted[worker].groups = map[reasonKey]*reasonGroup{}
		}
		if len(counted[worker].groups) > most {
			return tooManyReasons(most)
		}
		return c.countView(ctx, views[i], &counted[worker])
	})
	if err != nil {
		return nil, err
	}
	all := reasonCounts{groups: map[reasonKey]*reasonGroup{}}
	for i := range counted {
		all.addAll(&counted[i])
	}
	if len(all.groups) > most {
		return nil, tooManyReasons(most)
	}
	return all.summary(q.Limit), nil
}

func tooManyReasons(most int) error {
	return tooLarge(fmt.Sprintf("more than %d reasons, by application, type, code and path; ask for a shorter time range, one application or one code", most))
}

// reasonKey is what the events of a group have in common, as handles: the parts of a
// question have the same few, which are hashed and compared for each of them.
type reasonKey struct {
	application unique.Handle[string]
	typ         unique.Handle[columns.Type]
	reason      unique.Handle[columns.Reason]
}

func (k *reasonKey) compareKey(other *reasonKey) int {
	t, u := k.typ.Value(), other.typ.Value()
	r, q := k.reason.Value(), other.reason.Value()
	return cmp.Or(
		cmp.Compare(k.application.Value(), other.application.Value()), cmp.Compare(t.Category, u.Category), cmp.Compare(t.Name, u.Name),
		cmp.Compare(r.Code, q.Code), cmp.Compare(r.Path, q.Path),
	)
}

// reasonGroup counts the events of a reason.
type reasonGroup struct {
	n int64
	// first and last are the earliest and latest received time in milliseconds.
	first, last int64
	// sampleID is the lowest document id, sampleEventID its event id.
	sampleID, sampleEventID string
	// series counts them in the buckets of the range, nil where that is not asked for.
	series *[typeBuckets]int64
}

// mergeGroup adds the counts of other events.
func (g *reasonGroup) mergeGroup(other *reasonGroup) {
	if g.n == 0 {
		*g = *other
		return
	}
	if other.series != nil {
		for i, n := range other.series {
			g.series[i] += n
		}
	}
	g.n += other.n
	g.first, g.last = min(g.first, other.first), max(g.last, other.last)
	if other.sampleID < g.sampleID {
		g.sampleID, g.sampleEventID = other.sampleID, other.sampleEventID
	}
}

// reasonCounts are the counts of rejected events.
type reasonCounts struct {
	total  int64
	groups map[reasonKey]*reasonGroup
}

// addGroup adds events of one key each to the group of it, and returns the group.
func (c *reasonCounts) addGroup(k reasonKey, g *reasonGroup) *reasonGroup {
	sum := c.groups[k]
	if sum == nil {
		sum = &reasonGroup{}
		c.groups[k] = sum
	}
	sum.mergeGroup(g)
	return sum
}

func (c *reasonCounts) addAll(other *reasonCounts) {
	c.total += other.total
	for k, g := range other.groups {
		c.addGroup(k, g)
	}
}

// summary lists the largest groups; ties are in the order of the keys.
func (c *reasonCounts) summary(limit int) *api.RejectedSummary {
	keys := make([]reasonKey, 0, len(c.groups))
	for k := range c.groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b reasonKey) int {
		return cmp.Or(cmp.Compare(c.groups[b].n, c.groups[a].n), a.compareKey(&b))
	})
	keys = keys[:min(limit, len(keys))]
	s := &api.RejectedSummary{Total: c.total, Groups: make([]api.RejectedGroup, len(keys))}
	for i, k := range keys {
		g, t, r := c.groups[k], k.typ.Value(), k.reason.Value()
		s.Groups[i] = api.RejectedGroup{
			Application: k.application.Value(), Category: t.Category, Name: t.Name, Code: r.Code, Path: r.Path, Count: g.n,
			FirstSeen: api.TimeOf(time.UnixMilli(g.first)), LastSeen: api.TimeOf(time.UnixMilli(g.last)), SampleID: g.sampleEventID,
		}
		if g.series != nil {
			s.Groups[i].Series = g.series[:]
		}
	}
	return s
}
