package cmd

import (
	"fmt"
	"strings"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/theeye/output"
)

// Bounds of a report for people. With --json, the whole report is printed.
const (
	maxShownGroups  = 50
	maxShownSamples = 5
	maxShownErrors  = 5
)

// printReplayReport prints the report of a replay or dry run: the counts, the
// groups, then samples of each group.
func (j *job) printReplayReport(p *output.Printer) error {
	if len(j.Report) == 0 {
		return nil
	}
	r, err := j.replayReport()
	if err != nil {
		return err
	}
	if err := p.Lines(replayCounts(r)); err != nil {
		return err
	}
	shown := r.Groups[:min(len(r.Groups), maxShownGroups)]
	if len(shown) == 0 {
		return nil
	}
	if err := p.Linef(""); err != nil {
		return err
	}
	p.Table([]string{"CHANGE", "CATEGORY", "NAME", "CODE", "PATH", "COUNT"}, groupRows(shown))
	if more := len(r.Groups) - len(shown) + r.OmittedGroups; more > 0 {
		p.Remarkf("and %d smaller groups; --json has those that are kept", more)
	}
	for _, g := range shown {
		if err := p.Lines(sampleLines(g)); err != nil {
			return err
		}
	}
	return nil
}

// replayCounts are the counts of a report. Events without a second outcome are
// counted on a line of their own, if there are any.
func replayCounts(r api.ReplayReport) []string {
	lines := []string{fmt.Sprintf("%d newly valid, %d newly rejected, %d still rejected, %d unchanged",
		r.NewlyValid, r.NewlyRejected, r.StillRejected, r.Unchanged)}
	var besides []string
	for _, c := range []struct {
		n    uint64
		text string
	}{{r.Pending, "had no outcome yet"}, {r.Duplicates, "later copies"}, {r.Expired, "past their retention"}} {
		if c.n > 0 {
			besides = append(besides, fmt.Sprintf("%d %s", c.n, c.text))
		}
	}
	if r.Purged > 0 {
		besides = append(besides, fmt.Sprintf("%d purged from the stream, which keep their outcomes", r.Purged))
	}
	if len(besides) > 0 {
		lines = append(lines, "besides: "+strings.Join(besides, ", "))
	}
	return lines
}

func groupRows(groups []api.ReportGroup) [][]string {
	rows := make([][]string, 0, len(groups))
	for _, g := range groups {
		rows = append(rows, []string{changeText(g.Change), g.Category, g.Name, g.Code, g.Path, output.Uint(g.Count)})
	}
	return rows
}

func changeText(c api.OutcomeChange) string { return strings.ReplaceAll(string(c), "_", " ") }

// sampleLines describe the samples of a group.
func sampleLines(g api.ReportGroup) []string {
	if len(g.Samples) == 0 {
		return nil
	}
	lines := []string{"", fmt.Sprintf("%s: %s / %s, %s", changeText(g.Change), output.OneLine(g.Category), output.OneLine(g.Name),
		strings.TrimSpace(output.OneLine(g.Code)+" "+output.OneLine(g.Path)))}
	for _, s := range g.Samples[:min(len(g.Samples), maxShownSamples)] {
		lines = append(lines, fmt.Sprintf("  sequence %d: %s of %s", s.Seq, output.OneLine(s.EventID), output.OneLine(s.Application)))
		lines = append(lines, outcomeLines("    before: ", s.Before)...)
		lines = append(lines, outcomeLines("    after:  ", s.After)...)
	}
	return lines
}

// outcomeLines describe an outcome: stored, or a line for each error.
func outcomeLines(head string, faults []event.Fault) []string {
	if len(faults) == 0 {
		return []string{head + "stored"}
	}
	var lines []string
	for _, f := range faults[:min(len(faults), maxShownErrors)] {
		lines = append(lines, head+faultText(f))
		head = strings.Repeat(" ", len(head))
	}
	if more := len(faults) - maxShownErrors; more > 0 {
		lines = append(lines, head+fmt.Sprintf("and %d more", more))
	}
	return lines
}

// faultText is one error of an event, on one line.
func faultText(f event.Fault) string {
	text := strings.TrimSpace(output.OneLine(f.Code) + " " + output.OneLine(f.Path))
	if f.Message != "" {
		text += ": " + output.OneLine(f.Message)
	}
	return text
}
