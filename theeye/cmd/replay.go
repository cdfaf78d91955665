package cmd

import (
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

// replayCmd has the commands for replays and dry runs.
type replayCmd struct {
	Start  replayStartCmd  `cmd:"" default:"withargs" help:"Run accepted events through the newest registry revision again. The word start can be left out."`
	List   replayListCmd   `cmd:"" help:"List replays and dry runs, the newest first."`
	Show   replayShowCmd   `cmd:"" help:"Show a replay or dry run, with its report."`
	Cancel replayCancelCmd `cmd:"" help:"End a replay or dry run. What it has written stays."`
}

// rangeFlags select a part of the stream.
type rangeFlags struct {
	From    timeFlag `placeholder:"TIME" help:"Received from this time on: ${times}."`
	To      timeFlag `placeholder:"TIME" help:"Received before this time."`
	FromSeq uint64   `name:"from-seq" placeholder:"N" help:"From this sequence of the stream on."`
	ToSeq   uint64   `name:"to-seq" placeholder:"N" help:"Up to this sequence, which is included."`
}

// coverageFlags select accepted events. An event must match all of them.
type coverageFlags struct {
	rangeFlags
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	Category    string `placeholder:"TEXT" help:"Events of this category alone."`
	Name        string `placeholder:"TEXT" help:"Events of this name alone."`
	Only        string `enum:",rejected" default:"" placeholder:"rejected" help:"rejected: events that are rejected at present alone."`
	Code        string `placeholder:"CODE" help:"Events that are rejected for this reason alone, e.g. unknown_type."`
}

// timeRange returns the times of the flags, relative ones to the present.
func (f rangeFlags) timeRange(p *output.Printer) (from, to api.Time, err error) {
	clock := clockOf(p)
	if from, err = f.From.parse("--from", clock); err == nil {
		to, err = f.To.parse("--to", clock)
	}
	if f.From != "" || f.To != "" {
		p.ReadsLocalTimes()
	}
	return from, to, err
}

// selection returns the selection of the flags.
func (f coverageFlags) selection(p *output.Printer) (api.Selection, error) {
	from, to, err := f.timeRange(p)
	return api.Selection{
		From: from, To: to, FromSeq: f.FromSeq, ToSeq: f.ToSeq,
		Application: f.Application, Category: f.Category, Name: f.Name, Only: f.Only, Code: f.Code,
	}, err
}

// noWaitFlag is the flag of every command that starts a job.
type noWaitFlag struct {
	NoWait bool `help:"Start it, print its id, and leave it alone."`
}

type replayStartCmd struct {
	serverFlags
	noteFlag
	coverageFlags
	DryRun bool  `help:"Tell what the replay would change, and change nothing."`
	Rate   int64 `placeholder:"N" help:"At most N events a second. Without, as fast as live events allow."`
	noWaitFlag
}

// Run starts the replay and waits for its end.
func (c *replayStartCmd) Run(p *output.Printer) error {
	if c.Rate < 0 {
		return usageErrorf("--rate must be a number of events a second")
	}
	if c.DryRun && c.Rate > 0 {
		return usageErrorf("--rate bounds a replay; a dry run writes nothing")
	}
	selection, err := c.selection(p)
	if err != nil {
		return err
	}
	body := api.ReplayRequest{DryRun: c.DryRun, Selection: selection, Rate: c.Rate}
	return jobRequest{kind: replays, body: body, note: c.Note, noWait: c.NoWait}.runJob(p, c.serverFlags)
}

type replayListCmd struct {
	serverFlags
	listFlags
}

// Run prints a line for each replay and dry run.
func (c *replayListCmd) Run(p *output.Printer) error {
	return replays.printList(p, c.serverFlags, c.listFlags)
}

type replayShowCmd struct {
	serverFlags
	jobShowFlags
}

// Run prints the replay with its report.
func (c *replayShowCmd) Run(p *output.Printer) error {
	return replays.printOne(p, c.serverFlags, c.jobShowFlags)
}

type replayCancelCmd struct {
	serverFlags
	ID string `arg:"" help:"Its id."`
}

// Run cancels a replay or dry run.
func (c *replayCancelCmd) Run(p *output.Printer) error {
	return replays.cancelJob(p, c.serverFlags, c.ID)
}
