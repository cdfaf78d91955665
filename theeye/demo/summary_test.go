package demo

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// sampleRules are the types that --dev declares, under the default policy.
func sampleRules(t *testing.T) *schema.Set {
	t.Helper()
	declared := map[schema.Type]schema.Versioned{}
	err := fs.WalkDir(declare.SampleTypes(), "schemas", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(declare.SampleTypes(), name)
		if err != nil {
			return err
		}
		compiled, faults := schema.Compile(text)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		plain := strings.ReplaceAll(strings.TrimSuffix(name, ".json"), "=20", " ")
		declared[schema.Type{Category: path.Base(path.Dir(plain)), Name: path.Base(plain)}] = schema.Versioned{Schema: compiled, Revision: 1}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return schema.NewSet(9, schema.DefaultPolicy(), declared, nil)
}

// storeAll returns what the processor would write of a sample.
func storeAll(t *testing.T, s *Sample) (stored []row, rejected map[string]int64) {
	t.Helper()
	rules, rejected := sampleRules(t), map[string]int64{}
	for line := range strings.Lines(string(readAll(t, s))) {
		m := outcometest.Message("demo", strings.TrimSpace(line))
		doc, reported := outcome.Evaluate(stream.Raw{Header: m.Header, Payload: m.Data, Seq: 1, Time: end}, rules, 1)
		switch {
		case reported != nil:
			t.Fatal(reported.Value)
		case doc.Status == store.Stored:
			r := row{Document: doc}
			if err := json.Unmarshal(doc.Data, &r.data); err != nil {
				t.Fatal(err)
			}
			stored = append(stored, r)
		case len(doc.Errors) != 1:
			t.Fatalf("%s has %v", line, doc.Errors)
		default:
			rejected[doc.Errors[0].Code]++
		}
	}
	slices.SortFunc(stored, func(a, b row) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.ID, b.ID))
	})
	return stored, rejected
}

// row is a stored event.
type row struct {
	*store.Document

	data struct {
		Path, User string
		Revenue    json.Number
		Items      []json.RawMessage
	}
}

func (r *row) is(category, name string) bool { return r.Category == category && r.Name == name }

// takes says whether an event takes a step of the funnel.
func (r *row) takes(step int) bool {
	switch step {
	case 0:
		return r.is("page interaction", "pageview") && r.data.Path == "/"
	case 1:
		return r.is("page interaction", "pageview") && r.data.Path == "/pricing"
	case 2:
		return r.is("form interaction", "submit") && r.data.Path == "/signup"
	}
	return r.is("shop", "purchase")
}

// reached counts by a key how many come to each of four steps.
func reached(stored []row, key func(*row) string) [4]int64 {
	next, counts := map[string]int{}, [4]int64{}
	for i := range stored {
		if k := key(&stored[i]); next[k] < 4 && stored[i].takes(next[k]) {
			counts[next[k]]++
			next[k]++
		}
	}
	return counts
}

func countBy(stored []row, key func(*row) string) map[string]int64 {
	counts := map[string]int64{}
	for i := range stored {
		if k := key(&stored[i]); k != "" {
			counts[k]++
		}
	}
	return counts
}

// What the summary says, counted from the events as the processor judges them.
func TestSummaryIsWhatACountOfTheEventsGives(t *testing.T) {
	s := newSample(t, Config{Events: 20_000, Days: 40, Seed: 3, Until: end})
	stored, rejected := storeAll(t, s)
	sum := s.Summary()
	codes := map[string]int64{}
	for _, c := range sum.Rejected {
		codes[c.Code] = c.Count
	}
	if diff := gocmp.Diff(codes, rejected); diff != "" || len(rejected) != 3 {
		t.Errorf("rejected (-summary +count):\n%s", diff)
	}
	sessions := countBy(stored, func(r *row) string { return r.SessionID })
	visitors := countBy(stored, func(r *row) string { return r.data.User })
	got := [...]int64{sum.Events, sum.Stored, sum.Sessions, sum.Visitors}
	if want := [...]int64{20_000, int64(len(stored)), int64(len(sessions)), int64(len(visitors))}; got != want {
		t.Errorf("events, stored, sessions, visitors: %d, counted %d", got, want)
	}
	types, paths, days := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, c := range sum.Types {
		types[c.Category+"/"+c.Name] = c.Count
	}
	for _, c := range sum.Paths {
		paths[c.Path] = c.Count
	}
	for _, c := range sum.Days {
		days[c.Day] = c.Events
	}
	for name, pair := range map[string][2]map[string]int64{
		"types": {types, countBy(stored, func(r *row) string { return r.Category + "/" + r.Name })},
		"days":  {days, countBy(stored, func(r *row) string { return r.Timestamp.Format(time.DateOnly) })},
		"paths": {paths, countBy(stored, func(r *row) string {
			if !r.is("page interaction", "pageview") {
				return ""
			}
			return r.data.Path
		})},
	} {
		if diff := gocmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-summary +count):\n%s", name, diff)
		}
	}
	checkSessionsOfDays(t, sum, stored)
	checkFunnel(t, sum, stored)
	checkRevenue(t, sum, stored)
	checkCohorts(t, sum, stored)
}

func checkSessionsOfDays(t *testing.T, sum *Summary, stored []row) {
	t.Helper()
	seen, counts := map[string]bool{}, map[string]int64{}
	for i := range stored {
		day := stored[i].Timestamp.Format(time.DateOnly)
		if k := day + stored[i].SessionID; !seen[k] {
			seen[k] = true
			counts[day]++
		}
	}
	for _, d := range sum.Days {
		if d.Sessions != counts[d.Day] {
			t.Errorf("%s has %d sessions, counted %d", d.Day, d.Sessions, counts[d.Day])
		}
	}
}

func checkFunnel(t *testing.T, sum *Summary, stored []row) {
	t.Helper()
	bySession := reached(stored, func(r *row) string { return r.SessionID })
	byVisitor := reached(stored, func(r *row) string { return r.data.User })
	for i, step := range sum.Funnel {
		if step.Sessions != bySession[i] || step.Visitors != byVisitor[i] {
			t.Errorf("%s: %d sessions and %d visitors, counted %d and %d", step.Label, step.Sessions, step.Visitors, bySession[i], byVisitor[i])
		}
	}
}

func checkRevenue(t *testing.T, sum *Summary, stored []row) {
	t.Helper()
	var purchases, cents int64
	for i := range stored {
		if !stored[i].is("shop", "purchase") {
			continue
		}
		f, err := stored[i].data.Revenue.Float64()
		if err != nil || len(stored[i].data.Items) == 0 {
			t.Fatalf("%s: %v", stored[i].Data, err)
		}
		purchases++
		cents += int64(f*100 + 0.5)
	}
	if sum.Purchases != purchases || sum.RevenueCents != cents {
		t.Errorf("%d purchases for %d, counted %d for %d", sum.Purchases, sum.RevenueCents, purchases, cents)
	}
}

func checkCohorts(t *testing.T, sum *Summary, stored []row) {
	t.Helper()
	monday := func(at time.Time) time.Time {
		at = at.UTC().Truncate(24 * time.Hour)
		return at.AddDate(0, 0, -(int(at.Weekday())+6)%7)
	}
	first, back := map[string]time.Time{}, map[string]map[int]bool{}
	for i := range stored {
		user, week := stored[i].data.User, monday(stored[i].Timestamp)
		start, known := first[user]
		if !known {
			first[user], back[user] = week, map[int]bool{}
			continue
		}
		back[user][int(week.Sub(start)/(7*24*time.Hour))] = true
	}
	counted := map[string]*Cohort{}
	for user, start := range first {
		name := start.Format(time.DateOnly)
		if counted[name] == nil {
			counted[name] = &Cohort{Start: name}
		}
		c := counted[name]
		c.Size++
		for i := range back[user] {
			c.Returned = append(c.Returned, make([]int64, max(0, i+1-len(c.Returned)))...)
			c.Returned[i]++
		}
	}
	if len(sum.Cohorts) != len(counted) {
		t.Errorf("%d cohorts, counted %d", len(sum.Cohorts), len(counted))
	}
	for i := range sum.Cohorts {
		if diff := gocmp.Diff(&sum.Cohorts[i], counted[sum.Cohorts[i].Start]); diff != "" {
			t.Errorf("cohort (-summary +count):\n%s", diff)
		}
	}
}

// Sessions follow the order of time, within the range, with at most one at a time
// for a visitor, and begin with a page view.
func TestSessionsAreInOrder(t *testing.T) {
	s := newSample(t, Config{Events: 10_000, Days: 20, Seed: 8, Until: end})
	stored, _ := storeAll(t, s)
	type last struct {
		session string
		at      time.Time
	}
	began, latest := map[string]bool{}, map[string]last{}
	for i := range stored {
		r := &stored[i]
		if r.Timestamp.Before(s.Summary().From) || !r.Timestamp.Before(s.Summary().Until) {
			t.Errorf("%s is out of the range", r.Timestamp)
		}
		before, known := latest[r.data.User]
		if known && !r.Timestamp.After(before.at) {
			t.Errorf("%s is not after %s", r.Timestamp, before.at)
		}
		if known && before.session != r.SessionID && began[r.SessionID] {
			t.Errorf("session %s goes on after another of the visitor", r.SessionID)
		}
		if !began[r.SessionID] && !r.is("page interaction", "pageview") {
			t.Errorf("session %s begins with %s", r.SessionID, r.Name)
		}
		began[r.SessionID], latest[r.data.User] = true, last{r.SessionID, r.Timestamp}
	}
}

// The history looks as those of real sites do.
func TestHistoryIsRealistic(t *testing.T) {
	sum := newSample(t, Config{Events: 200_000, Days: 91, Seed: 2, Until: end}).Summary()
	if n := sum.Events / sum.Sessions; n < 17 || n > 23 {
		t.Errorf("%d events a session", n)
	}
	if share := 1000 * (sum.Events - sum.Stored) / sum.Events; share < 5 || share > 15 {
		t.Errorf("%d in a thousand are rejected", share)
	}
	for i, step := range sum.Funnel[1:] {
		if step.Sessions*10 > sum.Funnel[i].Sessions*8 || step.Sessions < 50 {
			t.Errorf("%d of %d sessions come to %s", step.Sessions, sum.Funnel[i].Sessions, step.Label)
		}
	}
	var weekend, workdays int64
	for _, d := range sum.Days {
		at, err := time.Parse(time.DateOnly, d.Day)
		if err != nil {
			t.Fatal(err)
		}
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			weekend += d.Events
		} else {
			workdays += d.Events
		}
	}
	if weekend/2*10 > workdays/5*8 {
		t.Errorf("%d events at weekends, %d on other days", weekend, workdays)
	}
	if c := sum.Cohorts[1]; len(c.Returned) < 9 || c.Returned[1]*20 < c.Size || c.Returned[8]*50 < c.Size {
		t.Errorf("of %d visitors %d return", c.Size, c.Returned)
	}
}
