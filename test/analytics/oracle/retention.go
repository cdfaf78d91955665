package oracle

import "time"

// Retention is a question.
type Retention struct {
	Scope
	By, Interval string
	Periods      int
	First, Again []Filter
}

// Answer answers it as of a moment.
func (q *Retention) Answer(w *World, asOf time.Time) map[string]any {
	bounds := intervals(q.Interval, q.From, q.To, q.Zone)
	n := len(bounds) - 1
	sizes, returned := make([]int, n), make([][]int, n)
	for i := range returned {
		returned[i] = make([]int, q.Periods)
	}
	unbounded := q.Scope
	unbounded.To = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	for _, events := range visitors(w.selected(&unbounded), q.By) {
		q.visit(events, bounds, sizes, returned)
	}
	cohorts := make([]any, n)
	sums, of := make([]int, q.Periods), make([]int, q.Periods)
	for i := range cohorts {
		counts, complete := make([]any, q.Periods), make([]any, q.Periods)
		for j := range counts {
			counts[j] = count(returned[i][j])
			ended := !next(q.Interval, bounds[i], j+1).After(asOf)
			complete[j] = ended
			if ended {
				sums[j], of[j] = sums[j]+returned[i][j], of[j]+sizes[i]
			}
		}
		cohorts[i] = map[string]any{
			"start": bounds[i].Format("2006-01-02T15:04:05Z07:00"), "size": count(sizes[i]), "returned": counts, "complete": complete,
		}
	}
	average := make([]any, q.Periods)
	for j := range average {
		if of[j] > 0 {
			average[j] = share(sums[j], of[j])
		}
	}
	return map[string]any{"cohorts": cohorts, "average": average}
}

// visit counts one visitor in the cohort of the first match.
func (q *Retention) visit(events []*Event, bounds []time.Time, sizes []int, returned [][]int) {
	for at, e := range events {
		if !q.within(e) || !matchesAll(q.First, e) {
			continue
		}
		cohort := 0
		for !e.Timestamp.Before(bounds[cohort+1]) {
			cohort++
		}
		sizes[cohort]++
		for j := range q.Periods {
			from, to := next(q.Interval, bounds[cohort], j), next(q.Interval, bounds[cohort], j+1)
			for _, again := range events[at+1:] {
				if matchesAll(q.Again, again) && !again.Timestamp.Before(from) && again.Timestamp.Before(to) {
					returned[cohort][j]++
					break
				}
			}
		}
		return
	}
}
