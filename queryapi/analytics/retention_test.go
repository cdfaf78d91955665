package analytics

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/analytics/interval"
	"github.com/theeye/theeye/shared/api"
)

func randomRetention(r *rand.Rand) *RetentionQuery {
	q := &RetentionQuery{
		Scope: randomScope(r), By: visitorFields[r.IntN(len(visitorFields))], Periods: 1 + r.IntN(5),
		Interval: []interval.Unit{interval.Day, interval.Day, interval.Week, interval.Month}[r.IntN(4)],
	}
	q.First, q.Again = randomFilter(r), randomFilter(r)
	return q
}

// nextStart returns the local boundary behind one.
func nextStart(t time.Time, unit interval.Unit) time.Time {
	switch y, m, d := t.Date(); unit {
	case interval.Week:
		return time.Date(y, m, d+7, 0, 0, 0, 0, testZone)
	case interval.Month:
		return time.Date(y, m+1, 1, 0, 0, 0, 0, testZone)
	default:
		return time.Date(y, m, d+1, 0, 0, 0, 0, testZone)
	}
}

// startOf returns the local boundary at or before a time.
func startOf(t time.Time, unit interval.Unit) time.Time {
	y, m, d := t.In(testZone).Date()
	start := time.Date(y, m, d, 0, 0, 0, 0, testZone)
	for unit == interval.Week && start.Weekday() != time.Monday {
		start = start.AddDate(0, 0, -1)
	}
	if unit == interval.Month {
		start = time.Date(y, m, 1, 0, 0, 0, 0, testZone)
	}
	return start
}

// countNaively answers a retention from documents.
func (q *RetentionQuery) countNaively(d *dataset) api.Retention {
	answer := api.Retention{
		StatsRange: api.StatsRange{From: api.TimeOf(q.From), To: api.TimeOf(q.To), TZ: "Europe/Berlin", AsOf: api.TimeOf(testNow)}, By: q.By.String(), Interval: q.Interval.String(),
		Cohorts: []api.RetentionCohort{}, Average: make([]*float64, q.Periods),
	}
	if q.By.String() == "session_id" {
		answer.Note = sessionNote
	}
	visitors := groupVisitors(inRange(d.selectDocuments(&q.Scope), q.From, testNow.AddDate(10, 0, 0)), q.By)
	complete, returned := make([]float64, q.Periods), make([]float64, q.Periods)
	for start := startOf(q.From, q.Interval); start.Before(q.To) && q.From.Before(q.To); start = nextStart(start, q.Interval) {
		c := api.RetentionCohort{Start: start.Format(time.RFC3339), Returned: make([]int64, q.Periods), Complete: make([]bool, q.Periods)}
		end := nextStart(start, q.Interval)
		var backs [][]time.Time
		for _, docs := range visitors {
			var back []time.Time
			found := false
			for _, doc := range docs {
				if found && q.Again.Match(eventOf(doc)) {
					back = append(back, doc.Timestamp)
				}
				if !found && doc.Timestamp.Before(q.To) && q.First.Match(eventOf(doc)) {
					if found = true; doc.Timestamp.Before(start) || !doc.Timestamp.Before(end) {
						break
					}
					c.Size++
				}
			}
			if found {
				backs = append(backs, back)
			}
		}
		for i, from := 0, start; i < q.Periods; i, from = i+1, nextStart(from, q.Interval) {
			to := nextStart(from, q.Interval)
			for _, back := range backs {
				for _, at := range back {
					if !at.Before(from) && at.Before(to) {
						c.Returned[i]++
						break
					}
				}
			}
			if !to.After(testNow) {
				c.Complete[i] = true
				complete[i] += float64(c.Size)
				returned[i] += float64(c.Returned[i])
			}
		}
		answer.Cohorts = append(answer.Cohorts, c)
	}
	for i := range q.Periods {
		if complete[i] > 0 {
			answer.Average[i] = new(math.Round(returned[i]/complete[i]*1e4) / 1e4)
		}
	}
	return answer
}

func TestRetentionsAreThoseOfTheDocuments(t *testing.T) {
	var returned int64
	eachDataset(t, 30, 80, func(r *rand.Rand, d *dataset) {
		a := New(nil)
		for i := range 60 {
			if i == 30 {
				a.dictionaries.room = 2 // full
			}
			q := randomRetention(r)
			got, err := a.Retention(t.Context(), d.restrict(q.Applications), q)
			if err != nil {
				t.Fatal(err)
			}
			compareAnswers(t, q, q.countNaively(d), got)
			for _, c := range got.Cohorts {
				for _, n := range c.Returned[1:] {
					returned += n
				}
			}
		}
	})
	if returned < 1000 {
		t.Errorf("%d returns", returned)
	}
}

func TestRetentionOfTooManyIntervalsIsRefused(t *testing.T) {
	q := &RetentionQuery{Scope: Scope{From: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), To: testNow, Location: time.UTC}, Interval: interval.Day, Periods: 60}
	if _, err := q.Need(); err == nil || !strings.Contains(err.Error(), "2000") {
		t.Error(err)
	}
}
