package cmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/theeye/output"
)

// printReport returns the output for a job with this report.
func printReport(t *testing.T, kind jobKind, report any) (out, errs string) {
	t.Helper()
	raw, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	if err := (&job{Job: api.Job{ID: "1", State: api.JobDone, Report: raw}, kind: kind}).printTo(&output.Printer{Out: &o, Err: &e}); err != nil {
		t.Fatal(err)
	}
	return o.String(), e.String()
}

func TestReplayReportShowsCountsGroupsAndSamples(t *testing.T) {
	out, errs := printReport(t, replays, api.ReplayReport{
		NewlyValid: 2, NewlyRejected: 1, Unchanged: 4, Pending: 5, Duplicates: 6,
		Groups: []api.ReportGroup{
			{Category: "shop", Name: "order", Code: "schema_violation", Path: "/data/total", Change: api.NewlyValid, Count: 2, Samples: []api.ReportSample{
				{Application: "demo", EventID: "e1", Seq: 7, Before: []event.Fault{{Code: "a", Path: "/x", Message: "is wrong"}, {Code: "b"}}},
			}},
			{Code: "invalid_json", Change: api.NewlyRejected, Count: 1},
		},
	})
	want := `replay 1: done
2 newly valid, 1 newly rejected, 0 still rejected, 4 unchanged
besides: 5 had no outcome yet, 6 later copies

CHANGE          CATEGORY  NAME   CODE              PATH         COUNT
newly valid     shop      order  schema_violation  /data/total  2
newly rejected                   invalid_json                   1

newly valid: shop / order, schema_violation /data/total
  sequence 7: e1 of demo
    before: a /x: is wrong
            b
    after:  stored
`
	if out != want || errs != "" {
		t.Errorf("prints\n%s%s", out, errs)
	}
	if out, _ := printReport(t, replays, api.ReplayReport{}); strings.Count(out, "\n") != 2 {
		t.Errorf("an empty report prints\n%s", out)
	}
}

// Texts of events stay on their lines and are cut.
func TestReplayReportIsBounded(t *testing.T) {
	const maxText = 400 // of output.OneLine
	text := "\x1b[2J\nnewly valid: 9\r\u202e" + strings.Repeat("x", 2*maxText)
	fault := event.Fault{Code: text, Path: text, Message: text}
	sample := api.ReportSample{Application: text, EventID: text, Before: make([]event.Fault, maxShownErrors+2), After: make([]event.Fault, maxShownErrors+2)}
	for i := range sample.Before {
		sample.Before[i], sample.After[i] = fault, fault
	}
	group := api.ReportGroup{Category: text, Name: text, Code: text, Path: text, Change: api.StillRejected, Count: 1}
	for range maxShownSamples + 1 {
		group.Samples = append(group.Samples, sample)
	}
	var c api.ReplayReport
	for range maxShownGroups + 2 {
		c.Groups = append(c.Groups, group)
	}
	c.OmittedGroups = 3
	out, errs := printReport(t, replays, c)
	lines := strings.Split(out, "\n")
	for _, line := range lines {
		if strings.ContainsAny(line, "\x1b\r\u202e") || len(line) > 5*maxText || strings.HasPrefix(line, "newly valid") {
			t.Fatalf("prints %.300q", line)
		}
	}
	perGroup := 2 + maxShownSamples*(1+2*(maxShownErrors+1))
	if most := maxShownGroups*(1+perGroup) + 10; len(lines) > most {
		t.Errorf("prints %d lines, more than %d", len(lines), most)
	}
	if !strings.Contains(out, "and 2 more") || !strings.Contains(errs, "and 5 smaller groups") {
		t.Errorf("does not say that the report continues: %s", errs)
	}
}
