package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
)

// Bounds of a report for people: machines get all of it.
const (
	maxShownGroups = 50
	maxShownErrors = 5
)

// printChanges prints the report of a replay or dry run: the counts, the groups,
// then samples of each.
func (j *jobRecord) printChanges(t *terminal) error {
	if len(j.Report) == 0 {
		return nil
	}
	r, err := j.changes()
	if err != nil {
		return err
	}
	for _, line := range countLines(r) {
		if err := t.sayf("%s", line); err != nil {
			return err
		}
	}
	shown := r.Groups[:min(len(r.Groups), maxShownGroups)]
	if len(shown) == 0 {
		return nil
	}
	if err := t.sayf(""); err != nil {
		return err
	}
	t.table([]string{"CHANGE", "CATEGORY", "NAME", "CODE", "PATH", "COUNT"}, groupRows(shown))
	if more := len(r.Groups) - len(shown) + r.OmittedGroups; more > 0 {
		t.remarkf("and %d smaller groups; --json has those that are kept", more)
	}
	for _, g := range shown {
		if err := printSamples(t, g); err != nil {
			return err
		}
	}
	return nil
}

// countLines are the counts; those of what was not judged only where there is
// any.
func countLines(r job.Changes) []string {
	lines := []string{fmt.Sprintf("%d newly valid, %d newly rejected, %d still rejected, %d unchanged",
		r.NewlyValid, r.NewlyRejected, r.StillRejected, r.Unchanged)}
	var besides []string
	for _, c := range []struct {
		n    uint64
		what string
	}{{r.Pending, "had no outcome yet"}, {r.Duplicates, "later copies"}, {r.Expired, "past their retention"}} {
		if c.n > 0 {
			besides = append(besides, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if len(besides) > 0 {
		lines = append(lines, "besides: "+strings.Join(besides, ", "))
	}
	return lines
}

func groupRows(groups []job.Group) [][]string {
	rows := make([][]string, 0, len(groups))
	for _, g := range groups {
		rows = append(rows, []string{word(g.Change), g.Category, g.Name, g.Code, g.Path, strconv.FormatUint(g.Count, 10)})
	}
	return rows
}

// printSamples prints the events of a group that stand for it.
func printSamples(t *terminal, g job.Group) error {
	if len(g.Samples) == 0 {
		return nil
	}
	lines := []string{"", fmt.Sprintf("%s: %s / %s, %s", word(g.Change), oneLine(g.Category), oneLine(g.Name),
		strings.TrimSpace(oneLine(g.Code)+" "+oneLine(g.Path)))}
	for _, s := range g.Samples[:min(len(g.Samples), job.MaxSamples)] {
		lines = append(lines, fmt.Sprintf("  sequence %d: %s of %s", s.Seq, oneLine(s.EventID), oneLine(s.Application)))
		lines = append(lines, outcomeLines("    before: ", s.Before)...)
		lines = append(lines, outcomeLines("    after:  ", s.After)...)
	}
	for _, line := range lines {
		if err := t.sayf("%s", line); err != nil {
			return err
		}
	}
	return nil
}

// outcomeLines are an outcome: stored, or a line a reason.
func outcomeLines(head string, faults []event.Fault) []string {
	if len(faults) == 0 {
		return []string{head + "stored"}
	}
	var lines []string
	for _, f := range faults[:min(len(faults), maxShownErrors)] {
		lines = append(lines, head+reason(f))
		head = strings.Repeat(" ", len(head))
	}
	if more := len(faults) - maxShownErrors; more > 0 {
		lines = append(lines, head+fmt.Sprintf("and %d more", more))
	}
	return lines
}

// reason is one error of an event, on one line.
func reason(f event.Fault) string {
	text := strings.TrimSpace(oneLine(f.Code) + " " + oneLine(f.Path))
	if f.Message != "" {
		text += ": " + oneLine(f.Message)
	}
	return text
}
