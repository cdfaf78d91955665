package replay

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

func resumed(t testing.TB, j job.Job) *tally {
	t.Helper()
	counted, err := resumeTally(j)
	if err != nil {
		t.Fatal(err)
	}
	return counted
}

// marshalled returns a job with its report and checkpoint, as in the bucket.
func marshalled(t testing.TB, j job.Job, c *tally) job.Job {
	t.Helper()
	var err error
	if j.Report, err = json.Marshal(c.buildReport()); err != nil {
		t.Fatal(err)
	}
	j.Checkpoint = jsonValue(fmt.Sprintf(`{"first":%d,"last":%[1]d,"next":%[1]d}`, uint64(math.MaxUint64)))
	return j
}

// hostile returns the largest faults that an event can have: the maximum number and
// length, of characters that take six in JSON.
func hostile() []event.Fault {
	all := make([]event.Fault, event.MaxFaults)
	for i := range all {
		all[i] = event.Fault{Code: event.CodeSchemaViolation, Path: strings.Repeat("\x01", 4<<10), Message: strings.Repeat("\x02", 4<<10)}
	}
	return event.BoundFaults(all)
}

// Whatever the names and faults of events, the size of a record and the memory are
// bounded, and the counts are right.
func TestRecordIsBounded(t *testing.T) {
	const names = 5000
	faults := hostile()
	j := job.Job{ID: strings.Repeat("f", 17), Author: "ops", Note: strings.Repeat("\x03", 500), Done: math.MaxUint64, Total: math.MaxUint64}
	c := resumed(t, j)
	for i := range names {
		d := &store.Document{
			Category: fmt.Sprintf("%s%d", strings.Repeat("\x04", 190), i), Name: strings.Repeat("\x06", event.MaxIDLength),
			EventID: strings.Repeat("\x05", event.MaxIDLength), Application: "demo", Errors: faults, ContentHash: "x",
		}
		h := store.Held{Holder: store.Holder{ContentHash: "x"}, Status: store.Rejected, Errors: faults}
		for range 1 + i%7 {
			c.countEvent(h, true, d, "", time.Now())
		}
	}
	for range 20 { // the group that matters to an operator
		d := &store.Document{Category: "page", Name: "view", Errors: []event.Fault{{Code: event.CodeUnknownType}}}
		c.countEvent(store.Held{Status: store.Stored}, true, d, "", time.Now())
	}
	r := c.buildReport()
	record, err := json.Marshal(marshalled(t, j, c))
	if err != nil || len(record) > job.MaxBytes {
		t.Errorf("the record has %d bytes, %v", len(record), err)
	}
	if g := r.Groups[0]; g.Change != job.NewlyRejected || g.Count != 20 || len(g.Samples) == 0 {
		t.Errorf("the largest group is %+v", g)
	}
	if len(r.Groups) < 20 || r.StillRejected != c.changes.StillRejected {
		t.Errorf("%d groups are left of %+v", len(r.Groups), withoutGroups(r))
	}
	if len(c.groups) > maxGroups || r.OmittedGroups != names+1-len(r.Groups) {
		t.Errorf("%d groups in memory; %d shown and %d omitted of %d", len(c.groups), len(r.Groups), r.OmittedGroups, names)
	}
	samples := 0
	for _, g := range c.groups {
		for _, n := range g.sizes {
			samples += n
		}
	}
	if samples != samplesBytes-c.sampleRoom || samples > samplesBytes+maxGroups*firstSampleBytes+job.MaxBytes {
		t.Errorf("samples take %d bytes in memory, and %d are counted", samples, samplesBytes-c.sampleRoom)
	}
}

// The schemas of a dry run reduce the space for its report, down to none.
func TestSchemasAndReportShareARecord(t *testing.T) {
	j := job.Job{Schemas: map[string]jsonValue{"a/b": jsonValue(`{"title":"` + strings.Repeat("x", job.MaxBytes-80<<10) + `"}`)}}
	c := resumed(t, j)
	faults := hostile()
	for i := range 300 {
		d := &store.Document{Name: fmt.Sprint(i), Errors: faults}
		c.countEvent(store.Held{Status: store.Rejected, Errors: faults}, true, d, "", time.Now())
	}
	record, err := json.Marshal(marshalled(t, j, c))
	if err != nil || len(record) > job.MaxBytes || len(c.buildReport().Groups) == 0 {
		t.Errorf("the record has %d bytes and %d groups, %v", len(record), len(c.buildReport().Groups), err)
	}
	j.Schemas["a/c"] = jsonValue(`"` + strings.Repeat("x", 60<<10) + `"`)
	if _, err := resumeTally(j); err == nil {
		t.Error("a job without room for a report can begin")
	}
}

// An interrupted tally has the counts of an uninterrupted one, and they add up to the
// number of events.
func TestTallyResumesFromItsReport(t *testing.T) {
	statuses := rapid.SampledFrom([]store.Status{store.Stored, store.Rejected})
	rapid.Check(t, func(t *rapid.T) {
		uninterrupted, interrupted := resumedIn(t, job.Job{}), resumedIn(t, job.Job{})
		n := rapid.IntRange(1, 100).Draw(t, "events")
		for i := range n {
			d, h := &store.Document{
				Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), ContentHash: "x",
				Origin: store.Origin{Epoch: 1, Seq: uint64(i + 1)},
			}, store.Held{Status: statuses.Draw(t, "was")}
			h.ContentHash = rapid.SampledFrom([]string{"x", "x", "x", "y"}).Draw(t, "holder")
			h.Origin = store.Origin{Epoch: 1, Seq: uint64(rapid.IntRange(1, i+1).Draw(t, "place"))}
			if h.Status == store.Rejected {
				h.Errors = []event.Fault{{Code: rapid.SampledFrom([]string{"m", "n"}).Draw(t, "old code")}}
			}
			if code := rapid.SampledFrom([]string{"", "m", "n"}).Draw(t, "new code"); code != "" {
				d.Errors = []event.Fault{{Code: code, Path: "/x"}}
			}
			if rapid.IntRange(0, 9).Draw(t, "age") == 0 {
				d.ExpiresAt = time.Unix(1, 0)
			}
			present := rapid.IntRange(0, 9).Draw(t, "held") > 0
			for _, c := range []*tally{uninterrupted, interrupted} {
				h, ok := heldDocs{"": h}.lookUp(d)
				c.countEvent(h, ok && present, d, "", time.Now())
			}
			if rapid.IntRange(0, 9).Draw(t, "taken over") == 0 {
				raw, err := json.Marshal(interrupted.buildReport())
				if err != nil {
					t.Fatal(err)
				}
				interrupted = resumedIn(t, job.Job{Report: raw})
			}
		}
		want, got := uninterrupted.buildReport(), interrupted.buildReport()
		if diff := cmp.Diff(normalised(want), normalised(got)); diff != "" {
			t.Fatalf("the interrupted one differs (-uninterrupted +interrupted):\n%s", diff)
		}
		sum := want.NewlyValid + want.StillRejected + want.NewlyRejected + want.Unchanged + want.Pending + want.Duplicates + want.Expired
		grouped := uint64(0)
		for _, g := range want.Groups {
			grouped += g.Count
			if len(g.Samples) != int(min(g.Count, job.MaxSamples)) {
				t.Fatalf("a group of %d has %d samples", g.Count, len(g.Samples))
			}
		}
		if sum != uint64(n) || grouped != want.NewlyValid+want.StillRejected+want.NewlyRejected {
			t.Fatalf("of %d events %d are counted, %d in groups: %+v", n, sum, grouped, want)
		}
	})
}

func resumedIn(t *rapid.T, j job.Job) *tally {
	c, err := resumeTally(j)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// normalised returns a report in which empty slices are nil.
func normalised(c job.Changes) job.Changes {
	c.Groups = slices.Clone(c.Groups)
	for i := range c.Groups {
		c.Groups[i].Samples = slices.Clone(c.Groups[i].Samples)
		for k, s := range c.Groups[i].Samples {
			if len(s.Before) == 0 {
				s.Before = nil
			}
			if len(s.After) == 0 {
				s.After = nil
			}
			c.Groups[i].Samples[k] = s
		}
	}
	return c
}

func TestRejectionByTheWriteRuleCountsUnderItsReason(t *testing.T) {
	for o, code := range map[store.WriteResult]string{
		store.Conflict: event.CodeIDConflict, store.Unstorable: event.CodeUnstorable, store.Replaced: "", store.Unchanged: "",
	} {
		c := resumed(t, job.Job{})
		c.countEvent(store.Held{Status: store.Stored}, true, &store.Document{}, conflictCode(o), time.Now())
		r := c.buildReport()
		if (r.NewlyRejected == 1) != (code != "") || code != "" && r.Groups[0].Code != code {
			t.Errorf("%s: %+v", o, r)
		}
	}
}
