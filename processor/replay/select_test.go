package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

// population are the events at sequences 1 to 12. Those whose data has member a are
// stored under the schema that requires a.
var population = []testEvent{
	{id: "01", has: "a", received: 1 * time.Second},
	{id: "02", has: "b", received: 2 * time.Second, typed: true},
	{id: "03", has: "a", received: 3 * time.Second, name: "click"},
	{id: "04", has: "b", received: 4 * time.Second, name: "click", typed: true},
	{id: "05", has: "a", received: 5 * time.Second, app: "other"},
	{id: "06", has: "b", received: 6 * time.Second, app: "other", name: "click"},
	{id: "07", has: "a", received: 7 * time.Second, name: "unregistered"},
	{id: "08", has: "b", received: 8 * time.Second, name: "unregistered", app: "other"},
	{id: "09", has: "ab", received: 9 * time.Second, typed: true},
	{id: "10", has: "", received: 10 * time.Second, app: "other", typed: true},
	{id: "01", has: "ab", received: 11 * time.Second}, // a conflict
	{id: "02", has: "b", received: 2 * time.Second},   // a copy
}

// A replay brings exactly the events of its selection to the target, and a dry run of
// the selection counts the same events.
func TestSelectionCoversExactlyItsEvents(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startRunner("one")
	fx.requireMember("a")
	fx.publish(population...)
	fx.settleAll()
	at := func(second int) time.Time { return fx.began.Add(time.Duration(second) * time.Second) }
	const conflict = "demo#"
	for name, tc := range map[string]struct {
		job.Selection
		want string
		// copies is the number of duplicates.
		copies uint64
	}{
		"everything":            {job.Selection{}, "01 02 03 04 05 06 07 08 09 10 " + conflict, 1},
		"from_seq":              {job.Selection{FromSeq: 9}, "09 10 " + conflict, 1},
		"to_seq":                {job.Selection{ToSeq: 3}, "01 02 03", 0},
		"one sequence":          {job.Selection{FromSeq: 4, ToSeq: 4}, "04", 0},
		"beyond the end":        {job.Selection{FromSeq: 13}, "", 0},
		"the copy alone":        {job.Selection{FromSeq: 12}, "", 1},
		"from":                  {job.Selection{From: at(10)}, "10 " + conflict, 0},
		"to":                    {job.Selection{To: at(3)}, "01 02", 1},
		"from and to":           {job.Selection{From: at(3), To: at(5)}, "03 04", 0},
		"a future time":         {job.Selection{From: at(3600)}, "", 0},
		"application":           {job.Selection{Application: "other"}, "05 06 08 10", 0},
		"category":              {job.Selection{Category: "page"}, "01 02 03 04 05 06 07 08 09 10 " + conflict, 1},
		"category and name":     {job.Selection{Category: "page", Name: "click"}, "03 04 06", 0},
		"name alone":            {job.Selection{Name: "view"}, "01 02 05 09 10 " + conflict, 1},
		"type and application":  {job.Selection{Category: "page", Name: "click", Application: "demo"}, "03 04", 0},
		"an unknown type":       {job.Selection{Category: "page", Name: "unregistered"}, "07 08", 0},
		"nothing of a type":     {job.Selection{Category: "no", Name: "such"}, "", 0},
		"rejected":              {job.Selection{Only: job.OnlyRejected}, "02 04 06 07 08 10 " + conflict, 1},
		"by code":               {job.Selection{Code: event.CodeUnknownType}, "07 08", 0},
		"by the final code":     {job.Selection{Code: event.CodeIDConflict}, conflict, 0},
		"a code without events": {job.Selection{Code: event.CodeUnstorable}, "", 0},
		"all at once": {
			job.Selection{From: at(2), To: at(9), FromSeq: 4, ToSeq: 8, Application: "other", Category: "page", Name: "click", Code: event.CodeSchemaViolation},
			"06", 0,
		},
	} {
		counted := map[job.Kind]job.Changes{}
		var target uint64
		for _, kind := range []job.Kind{job.DryRun, job.Replay} {
			j := fx.awaitDone(fx.createJob(kind, tc.Selection))
			counted[kind], target = withoutGroups(fx.reportOf(j)), j.TargetRevision
			if j.Done != j.Total {
				t.Errorf("%s, %s: done with %d of %d", name, kind, j.Done, j.Total)
			}
		}
		var got []string
		for id, h := range fx.heldByID(fx.populationIDs()...) {
			if h.Revision >= target {
				got = append(got, short(id))
			}
		}
		slices.Sort(got)
		if s := strings.Join(got, " "); s != strings.TrimSpace(tc.want) {
			t.Errorf("%s: replayed %s, want %s", name, s, tc.want)
		}
		want := job.Changes{Duplicates: tc.copies}
		for id := range strings.FieldsSeq(tc.want) {
			if stored := strings.Contains("01 03 05 09", id); stored {
				want.Unchanged++
			} else {
				want.StillRejected++
			}
		}
		for kind, c := range counted {
			if diff := cmp.Diff(want, c); diff != "" {
				t.Errorf("%s: the %s counted (-want +got):\n%s", name, kind, diff)
			}
		}
	}
}

// populationIDs returns the ids of the documents of the population.
func (fx *fixture) populationIDs() []string {
	all := ids(population[:10])
	for portion, err := range streamAll(fx) {
		fx.must(err)
		d := fx.evaluate(portion[10], fx.reg.Snapshot().Schemas)
		all = append(all, store.ConflictID(d.Application, d.ContentHash, d.EventID))
	}
	return all
}

func short(id string) string {
	app, id, _ := strings.Cut(id, "/")
	if strings.Contains(app, "#") {
		return "demo#"
	}
	return id
}

// Events that arrive after the range was fixed do not belong to it.
func TestRangeIsFixedAtTheBeginning(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.publish(testEvents("before", 5, "a")...)
	fx.settleAll()
	later := testEvents("later", 3000, "a")
	fx.startRunner("one", beforeWrite(func(n int) {
		if n == 1 {
			fx.publish(later...)
		}
	}))
	j := fx.awaitDone(fx.createJob(job.Replay, job.Selection{Category: "page", Name: "view"}))
	if got := fx.reportOf(j); j.Total != 5 || got.Unchanged != 5 || got.Pending != 0 {
		t.Errorf("of %d it counts %+v", j.Total, got)
	}
	if n := fx.documentStates(later); n["missing"] != len(later) {
		t.Errorf("what came later: %v", n)
	}
}

// The range of an empty stream is empty, and stays so.
func TestRangeOfAnEmptyStreamIsEmpty(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.startRunner("one")
	for _, kind := range []job.Kind{job.DryRun, job.Replay} {
		j := fx.awaitDone(fx.createJob(kind, job.Selection{}))
		if diff := cmp.Diff(job.Changes{Groups: []job.Group{}}, fx.reportOf(j)); diff != "" || j.Total != 0 || j.Done != 0 {
			t.Errorf("%s over nothing: %d of %d, %s", kind, j.Done, j.Total, diff)
		}
	}
	// Another runner continues the replay of an empty range after events arrived.
	fx.publish(testEvents("late", 10, "a")...)
	j := fx.awaitDone(fx.createJob(job.Replay, job.Selection{}, func(j *job.Job) {
		j.Checkpoint = jsonValue(`{"first":1,"last":0,"next":1}`)
	}))
	if got := fx.reportOf(j); got.Pending != 0 || fx.documentStates(testEvents("late", 10, "a"))["missing"] != 10 {
		t.Errorf("it took %+v", got)
	}
	j = fx.awaitDone(fx.createJob(job.DryRun, job.Selection{}, func(j *job.Job) { j.Checkpoint = jsonValue(`{"last":0,"next":1}`) }))
	if got := fx.reportOf(j); got.Pending != 0 {
		t.Errorf("the dry run took %+v", got)
	}
}

// A selection may match few events, and none at the end of a long range.
func TestReplayOfASparseSelectionEnds(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.requireMember("a")
	fx.startRunner("one")
	fx.publish(testEvent{id: "rare", has: "a", app: "rare"})
	fx.publish(testEvents("rest", 4000, "a")...)
	fx.settleAll()
	for _, app := range []string{"rare", "never"} {
		j := fx.awaitDone(fx.createJob(job.Replay, job.Selection{Application: app}))
		if got := fmt.Sprint(fx.reportOf(j).Unchanged); j.Done != 4001 || got != map[string]string{"rare": "1", "never": "0"}[app] {
			t.Errorf("%s: %s unchanged, %d of %d", app, got, j.Done, j.Total)
		}
	}
}
