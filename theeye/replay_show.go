package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/job"
)

type replayShowCmd struct {
	remote
	named
}

// named is what every command is told that shows a job.
type named struct {
	ID   string `arg:"" help:"Its id."`
	Wait bool   `help:"Wait for its end, and fail as the command that started it would."`
}

// Help is the longer text of --help.
func (replayShowCmd) Help() string {
	return "Succeeds if it could be asked, unless --wait.\n\nExample:\n  theeye replay show 1a20b5066f337cab7 --wait"
}

// Run prints the replay and its report.
func (c *replayShowCmd) Run(t *terminal) error { return replays.show(t, c.remote, c.named) }

// show prints a job, as far as it is or in its end.
func (k jobs) show(t *terminal, r remote, n named) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	j, err := k.get(ctx, client, n.ID)
	if err != nil {
		return fmt.Errorf("%s %s: %w", k.noun, n.ID, err)
	}
	if n.Wait {
		return k.finish(ctx, t, client, j)
	}
	return j.print(t)
}

// print prints a job with its report, as it is.
func (j *jobRecord) print(t *terminal) error {
	if t.json {
		return t.printJSON(j.raw)
	}
	for _, line := range j.lines() {
		if err := t.sayf("%s", line); err != nil {
			return err
		}
	}
	if j.kind == audits {
		return j.printAccount(t)
	}
	return j.printChanges(t)
}

// lines say what a job is and how far it is.
func (j *jobRecord) lines() []string {
	head := j.String() + ": " + string(j.State)
	if j.TargetRevision > 0 {
		head += fmt.Sprintf(", by revision %d", j.TargetRevision)
	}
	if len(j.Schemas) > 0 {
		head += " and the schema given for " + oneLine(strings.Join(j.Schemas, ", "))
	}
	lines := []string{head}
	if chosen := j.chosen(); chosen != "" {
		lines = append(lines, "selection: "+chosen)
	}
	if !j.State.Final() {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d of %d done %s", j.Done, j.Total, j.pace())))
	}
	if j.Error != "" {
		lines = append(lines, "because: "+oneLine(j.Error))
	}
	return lines
}

// chosen is the selection for people, "" for everything.
func (j *jobRecord) chosen() string {
	s := j.Selection
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+oneLine(value))
		}
	}
	at := func(name string, seq uint64) {
		if seq > 0 {
			add(name, strconv.FormatUint(seq, 10))
		}
	}
	if s.Only != "" && s.Code == "" {
		parts = append(parts, s.Only)
	}
	add("rejected by", s.Code)
	add("application", s.Application)
	add("category", s.Category)
	add("name", s.Name)
	at("from sequence", s.FromSeq)
	at("to sequence", s.ToSeq)
	add("received from", stamp(s.From))
	add("received before", stamp(s.To))
	if j.Repair {
		parts = append(parts, "with repair")
	}
	if j.MaxRate > 0 && !j.DryRun && j.kind == replays {
		parts = append(parts, fmt.Sprintf("at most %d a second", j.MaxRate))
	}
	return strings.Join(parts, ", ")
}

// maxInLine bounds a text of whoever sent an event within a line, in characters.
const maxInLine = 400

// oneLine is text of any origin that takes one line, and not all of a screen.
func oneLine(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxInLine {
			b.WriteString("…")
			break
		}
		writePlain(&b, r)
	}
	return b.String()
}

// word is a state or change for people.
func word(c job.Change) string { return strings.ReplaceAll(string(c), "_", " ") }
