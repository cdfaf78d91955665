package admin

import (
	"testing"
	"time"
)

// start is when the histories of the tests begin: a Monday.
var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// every returns the stretches of an application that sends for a minute every interval
// within hours of the day, on some days from start on.
func every(interval time.Duration, fromHour, toHour int, days ...int) (all []stretch) {
	for _, day := range days {
		from := start.AddDate(0, 0, day)
		for at := from.Add(time.Duration(fromHour) * time.Hour); at.Before(from.Add(time.Duration(toHour) * time.Hour)); at = at.Add(interval) {
			all = append(all, stretch{at.UnixMilli(), at.Add(time.Minute).UnixMilli()})
		}
	}
	return all
}

// An application falls silent by its own habits, and only if it has some.
func TestSilenceIsMeasuredByTheLongestPause(t *testing.T) {
	week := []int{0, 1, 2, 3, 4, 5, 6}
	office := []int{0, 1, 2, 3, 4}
	for name, c := range map[string]struct {
		history []stretch
		regular bool
		pause   time.Duration
		allowed time.Duration
	}{
		"nothing":                {nil, false, 0, time.Hour},
		"one event":              {every(24*time.Hour, 0, 1, 0), false, 0, time.Hour},
		"a trial of an hour":     {every(15*time.Minute, 9, 10, 0), false, 14 * time.Minute, time.Hour},
		"two days":               {every(time.Hour, 9, 10, 0, 1), false, 24*time.Hour - time.Minute, 36*time.Hour - 90*time.Second},
		"three days":             {every(time.Hour, 9, 10, 0, 1, 2), true, 24*time.Hour - time.Minute, 36*time.Hour - 90*time.Second},
		"day and night":          {every(15*time.Minute, 0, 24, week...), true, 14 * time.Minute, time.Hour},
		"every two hours":        {every(2*time.Hour, 0, 24, week...), true, 119 * time.Minute, 178*time.Minute + 30*time.Second},
		"by day":                 {every(15*time.Minute, 6, 22, week...), true, 8*time.Hour + 14*time.Minute, 12*time.Hour + 21*time.Minute},
		"in office hours":        {every(15*time.Minute, 9, 17, office...), true, 16*time.Hour + 14*time.Minute, 24*time.Hour + 21*time.Minute},
		"over a weekend":         {every(15*time.Minute, 9, 17, 3, 4, 7, 8), true, 64*time.Hour + 14*time.Minute, 96*time.Hour + 21*time.Minute},
		"overlapping stretches":  {append(every(time.Hour, 0, 24, 0, 1, 2), stretch{start.UnixMilli(), start.AddDate(0, 0, 3).UnixMilli()}), true, 0, time.Hour},
		"in no order of outcome": {append(every(time.Hour, 12, 24, week...), every(time.Hour, 0, 12, week...)...), true, 59 * time.Minute, 88*time.Minute + 30*time.Second},
	} {
		pause, regular := longestPause(c.history)
		if pause != c.pause || regular != c.regular || allowedSilence(pause) != c.allowed {
			t.Errorf("%s: the longest pause is %s (regular: %t), and %s are allowed; want %s (%t), %s", name, pause, regular, allowedSilence(pause), c.pause, c.regular, c.allowed)
		}
	}
}
