package main

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/job"
)

type replayStartCmd struct {
	remote
	noted
	covered
	DryRun bool  `help:"Tell what the replay would change, and change nothing."`
	Rate   int64 `placeholder:"N" help:"At most N events a second. Without, as fast as live events allow."`
	waited
}

// waited is what every command is told that starts a job.
type waited struct {
	NoWait bool `help:"Start it, print its id, and leave it alone."`
}

// Help is the longer text of --help.
func (replayStartCmd) Help() string {
	return "Judges accepted events again and writes the outcomes that changed, beside live events. Without flags that\n" +
		"choose, it takes every event that the stream still has. The report counts and samples what changed, by type\n" +
		"and reason. It runs in the processors: interrupting this command does not end it.\n\n" +
		"Fails with exit code 1 if a dry run finds events that would be newly rejected.\n\n" +
		"Examples:\n  theeye replay --category shop --only rejected --dry-run\n" +
		"  theeye replay start --only rejected --code unknown_type --from 7d --rate 5000"
}

// replayOrder is the body of POST /v1/replays.
type replayOrder struct {
	DryRun bool `json:"dry_run,omitzero"`
	job.Selection
	Rate    int64                     `json:"rate,omitzero"`
	Schemas map[string]jsontext.Value `json:"schemas,omitzero"`
}

// Run starts the replay and waits for its end.
func (c *replayStartCmd) Run(t *terminal) error {
	if c.Rate < 0 {
		return invalidf("--rate wants events a second")
	}
	if c.DryRun && c.Rate > 0 {
		return invalidf("--rate bounds a replay; a dry run writes nothing")
	}
	s, err := c.selection(time.Now())
	if err != nil {
		return err
	}
	body := replayOrder{DryRun: c.DryRun, Selection: s, Rate: c.Rate}
	return order{jobs: replays, body: body, note: c.Note, noWait: c.NoWait}.carryOut(t, c.remote)
}
