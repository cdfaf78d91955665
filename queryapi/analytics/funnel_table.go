package analytics

import (
	"slices"

	"github.com/theeye/theeye/shared/api"
)

// funnelTable counts the chains of one group of visitors.
type funnelTable struct {
	// lengths[k] counts the chains of k+1 steps that are no part of a longer one.
	lengths [MaxFunnelSteps]int64
	// gaps[k] are the times between step k and the one before.
	gaps [MaxFunnelSteps][]int64
}

// addChain counts a chain with its gaps.
func (t *funnelTable) addChain(gaps []int64) {
	t.lengths[len(gaps)]++
	for i, gap := range gaps {
		t.gaps[i+1] = append(t.gaps[i+1], gap)
	}
}

// steps returns the figures of the steps.
func (t *funnelTable) steps(q *FunnelQuery) []api.FunnelStep {
	steps := make([]api.FunnelStep, len(q.Steps))
	var count int64
	for k := len(q.Steps) - 1; k >= 0; k-- {
		count += t.lengths[k]
		steps[k].Label, steps[k].Count = q.Steps[k].Label, count
	}
	for k := range steps {
		s, previous := &steps[k], steps[max(k-1, 0)].Count
		s.OfFirst, s.OfPrevious = share(s.Count, steps[0].Count), share(s.Count, previous)
		s.Dropped = previous - s.Count
		if gaps := t.gaps[k]; len(gaps) > 0 {
			slices.Sort(gaps)
			s.Seconds = &api.FunnelSeconds{P50: seconds(nearestRank(gaps, 50)), P90: seconds(nearestRank(gaps, 90))}
		}
	}
	return steps
}

// seconds converts microseconds.
func seconds(micros int64) float64 { return float64(micros) / 1e6 }

// funnelTables are the figures of all visitors and of groups of them.
type funnelTables struct {
	whole  funnelTable
	groups []*funnelGroup
}

type funnelGroup struct {
	answer api.FunnelGroup // without steps
	table  funnelTable
}

// tabulateFunnel counts what the counters have noted. Groups are in the order of their
// first steps' counts, ties in that of the values; then come the missing value, and all
// others together.
func tabulateFunnel(q *FunnelQuery, values *sharedValues, counters []*funnelCounter) *funnelTables {
	tables := &funnelTables{}
	var byCode []*funnelGroup
	if values != nil {
		byCode = tables.chooseGroups(q, values, counters)
	}
	for _, c := range counters {
		gaps := c.gaps
		var own []int64
		for _, noted := range c.chains {
			if !noted.repeated {
				own, gaps = gaps[:noted.length-1], gaps[noted.length-1:]
				tables.whole.addChain(own)
			}
			if values != nil {
				byCode[noted.group].table.addChain(own)
			}
		}
	}
	return tables
}

// chooseGroups sets the groups, and returns the one of each code.
func (t *funnelTables) chooseGroups(q *FunnelQuery, values *sharedValues, counters []*funnelCounter) []*funnelGroup {
	counts := make([]int64, values.values.countCodes())
	for _, c := range counters {
		for _, noted := range c.chains {
			counts[noted.group]++
		}
	}
	byCode := make([]*funnelGroup, len(counts))
	largest, others := rankCodes(counts, q.Top, values.compareCodes)
	for _, code := range largest {
		v := values.values.valueOf(code)
		g := &funnelGroup{answer: api.FunnelGroup{StatsGroup: v.group()}}
		byCode[code], t.groups = g, append(t.groups, g)
	}
	if counts[missingCode] > 0 {
		byCode[missingCode] = &funnelGroup{answer: api.FunnelGroup{StatsGroup: api.StatsGroup{Missing: true}}}
		t.groups = append(t.groups, byCode[missingCode])
	}
	if others > 0 {
		other := &funnelGroup{answer: api.FunnelGroup{StatsGroup: api.StatsGroup{Other: true, Groups: int64(others)}}}
		t.groups = append(t.groups, other)
		for code, n := range counts {
			if n > 0 && byCode[code] == nil {
				byCode[code] = other
			}
		}
	}
	return byCode
}
