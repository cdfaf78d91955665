package demo

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Summary is what a correct count of a sample gives. Unless it says otherwise it
// counts the events that are stored; days and weeks are those of UTC, and a
// visitor is a value of data.user.
type Summary struct {
	Seed uint64 `json:"seed"`
	// From and Until are the range [From, Until) of all timestamps.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Events counts all that are made.
	Events int64 `json:"events"`
	Stored int64 `json:"stored"`
	// Rejected counts by the code of the only reason, in the order of the codes.
	Rejected  []CodeCount `json:"rejected"`
	Sessions  int64       `json:"sessions"`
	Visitors  int64       `json:"visitors"`
	Purchases int64       `json:"purchases"`
	// RevenueCents is the sum of data.revenue in cents.
	RevenueCents int64 `json:"revenue_cents"`
	// Types has every type, the most frequent first.
	Types []TypeCount `json:"types"`
	// Paths counts the page views by data.path, the most frequent first, then in
	// the order of the paths.
	Paths []PathCount `json:"paths"`
	// Funnel is in steps, in order, without a window.
	Funnel []FunnelStep `json:"funnel"`
	// Days has every day of the range, in order.
	Days []DayCount `json:"days"`
	// Cohorts has every week in which a visitor was there for the first time.
	Cohorts []Cohort `json:"cohorts"`
}

// TypeCount counts the events of a type.
type TypeCount struct {
	Category string `json:"category"`
	Name     string `json:"name"`
	Count    int64  `json:"count"`
}

// CodeCount counts the rejected events of a code.
type CodeCount struct {
	Code  string `json:"code"`
	Count int64  `json:"count"`
}

// PathCount counts the page views of a path.
type PathCount struct {
	Path  string `json:"path"`
	Count int64  `json:"count"`
}

// FunnelStep counts who came to a step after the ones before it, within one
// session, and within all that a visitor did.
type FunnelStep struct {
	Label    string `json:"label"`
	Sessions int64  `json:"sessions"`
	Visitors int64  `json:"visitors"`
}

// DayCount counts the events of a day, and the sessions that have one.
type DayCount struct {
	Day      string `json:"day"`
	Events   int64  `json:"events"`
	Sessions int64  `json:"sessions"`
}

// Cohort are the visitors whose first event is in one week. Returned[i] counts
// those with a later event in the week that is i weeks after it.
type Cohort struct {
	Start    string  `json:"start"`
	Size     int64   `json:"size"`
	Returned []int64 `json:"returned"`
}

// funnel are the steps of Summary.Funnel.
var funnel = [...]struct {
	label string
	takes func(*action) bool
}{
	{"home", func(a *action) bool { return a.kind == viewPage && a.page == pageHome }},
	{"pricing", func(a *action) bool { return a.kind == viewPage && a.page == pagePricing }},
	{"signup", func(a *action) bool { return a.kind == submitForm && a.page == pageSignup }},
	{"purchase", func(a *action) bool { return a.kind == buy }},
}

const microsecondsADay = int64(day / time.Microsecond)

// tally counts visitor by visitor, and of each in the order of time.
type tally struct {
	sum      Summary
	firstDay int64 // days since 1970, of the range
	days     []DayCount
	kinds    [len(types)]int64
	paths    map[string]int64
	rejected map[string]int64
	cohorts  map[int64]*Cohort // by the number of the week

	// Of the present visitor and session.
	visitorStep, sessionStep int
	firstWeek                int64
	weeks                    map[int64]bool // with an event after the first
	seen                     bool           // the visitor has an event
	lastDay                  int64          // of the session
}

func newTally(from, until time.Time, seed uint64) *tally {
	t := &tally{
		sum:      Summary{Seed: seed, From: from, Until: until, Funnel: make([]FunnelStep, len(funnel))},
		firstDay: floorDiv(from.UnixMicro(), microsecondsADay),
		paths:    map[string]int64{}, rejected: map[string]int64{}, cohorts: map[int64]*Cohort{}, weeks: map[int64]bool{},
	}
	for i := range funnel {
		t.sum.Funnel[i].Label = funnel[i].label
	}
	for d := t.firstDay; d*microsecondsADay < until.UnixMicro(); d++ {
		t.days = append(t.days, DayCount{Day: dayName(d)})
	}
	return t
}

func (t *tally) beginVisitor() {
	t.visitorStep, t.seen = 0, false
	clear(t.weeks)
}

func (t *tally) beginSession() {
	t.sessionStep, t.lastDay = 0, -1
	t.sum.Sessions++ // its first event is stored
}

// addAction counts an event of the present session.
func (t *tally) addAction(a *action) {
	t.sum.Events++
	switch a.kind {
	case sendOldType:
		t.rejected[event.CodeUnknownType]++
		return
	case sendNoPath:
		t.rejected[event.CodeSchemaViolation]++
		return
	case sendLocalTime:
		t.rejected[event.CodeInvalidTimestamp]++
		return
	case viewPage:
		t.paths[a.path()]++
	case buy:
		t.sum.Purchases++
		t.sum.RevenueCents += a.revenue()
	default:
	}
	t.sum.Stored++
	t.kinds[a.kind]++
	t.addToFunnel(a)
	t.addTime(a.at)
}

func (t *tally) addToFunnel(a *action) {
	if t.sessionStep < len(funnel) && funnel[t.sessionStep].takes(a) {
		t.sum.Funnel[t.sessionStep].Sessions++
		t.sessionStep++
	}
	if t.visitorStep < len(funnel) && funnel[t.visitorStep].takes(a) {
		t.sum.Funnel[t.visitorStep].Visitors++
		t.visitorStep++
	}
}

func (t *tally) addTime(at int64) {
	d := floorDiv(at, microsecondsADay)
	t.days[d-t.firstDay].Events++
	if i := d - t.firstDay; i != t.lastDay {
		t.days[i].Sessions++
		t.lastDay = i
	}
	week := floorDiv(d+3, 7) // 1970-01-01 is a Thursday
	if t.seen {
		t.weeks[week] = true
	} else {
		t.seen, t.firstWeek = true, week
	}
}

// endVisitor adds the visitor to the cohort of the first week.
func (t *tally) endVisitor() {
	if !t.seen {
		return
	}
	t.sum.Visitors++
	c := t.cohorts[t.firstWeek]
	if c == nil {
		c = &Cohort{Start: dayName(t.firstWeek*7 - 3)}
		t.cohorts[t.firstWeek] = c
	}
	c.Size++
	for week := range t.weeks {
		i := int(week - t.firstWeek)
		for len(c.Returned) <= i {
			c.Returned = append(c.Returned, 0)
		}
		c.Returned[i]++
	}
}

// finishSummary returns the summary of all that was counted.
func (t *tally) finishSummary() *Summary {
	s := &t.sum
	s.Days = t.days
	for k, n := range t.kinds {
		if n > 0 {
			s.Types = append(s.Types, TypeCount{types[k].category, types[k].name, n})
		}
	}
	slices.SortFunc(s.Types, func(a, b TypeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	for path, n := range t.paths {
		s.Paths = append(s.Paths, PathCount{path, n})
	}
	slices.SortFunc(s.Paths, func(a, b PathCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path))
	})
	for _, code := range slices.Sorted(maps.Keys(t.rejected)) {
		s.Rejected = append(s.Rejected, CodeCount{code, t.rejected[code]})
	}
	for _, c := range t.cohorts {
		s.Cohorts = append(s.Cohorts, *c)
	}
	slices.SortFunc(s.Cohorts, func(a, b Cohort) int { return cmp.Compare(a.Start, b.Start) })
	return s
}

// floorDiv rounds down, also before 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func dayName(d int64) string { return time.UnixMicro(d * microsecondsADay).UTC().Format(time.DateOnly) }
