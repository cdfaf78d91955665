package cmd

import (
	"errors"
	"time"

	"github.com/theeye/theeye/theeye/demo"
	"github.com/theeye/theeye/theeye/output"
)

type demoCmd struct {
	collectorFlags

	Events int      `default:"100000" placeholder:"N" help:"How many events to send (${default})."`
	Days   int      `default:"90" placeholder:"D" help:"How many days back the first of them may lie (${default})."`
	Seed   uint64   `default:"1" placeholder:"S" help:"Which of the possible histories (${default})."`
	Until  timeFlag `default:"now" placeholder:"TIME" help:"When the last of them may lie (${default}): ${times}."`
}

// Run makes the events, sends them, and prints their counts.
func (c *demoCmd) Run(p *output.Printer) error {
	s, err := c.newSender()
	if err != nil {
		return err
	}
	until, err := c.Until.parse("--until", clockOf(p))
	if err != nil {
		return err
	}
	sample, err := demo.New(demo.Config{Events: c.Events, Days: c.Days, Seed: c.Seed, Until: until.Time})
	if err != nil {
		return usageError{err}
	}
	ctx, stop := interruptible()
	defer stop()
	bar := p.StartBar("Sending", int64(c.Events))
	defer bar.Stop()
	s.onPause, s.onProgress = bar.SetPause, func(lines, _ int64) { bar.Advance(lines) }
	err = s.sendAll(ctx, newBatcher(sample.NDJSON(), 0))
	bar.Stop()
	return c.printResult(p, &s.done, sample.Summary(), err)
}

// demoResult is what --json prints.
type demoResult struct {
	Accepted int64 `json:"accepted"`
	Refused  int64 `json:"refused"`
	// Summary is what a correct count of the events gives, where all of them were
	// accepted.
	Summary *demo.Summary `json:"summary,omitempty"`
}

// printResult prints the result, whether or not all events were sent.
func (c *demoCmd) printResult(p *output.Printer, done *sendResult, sum *demo.Summary, err error) error {
	complete := err == nil && done.Refused == 0
	result := demoResult{Accepted: done.Accepted, Refused: done.Refused}
	if complete {
		result.Summary = sum
	}
	for _, r := range done.listed {
		p.Remarkf("event %d: %s: %s", r.Line, r.Code, r.Message)
	}
	if err != nil && done.Accepted > 0 {
		p.Remarkf("theeye demo --events %d --days %d --seed %d --until %s sends the rest: an event counts once",
			c.Events, c.Days, c.Seed, sum.Until.Format(time.RFC3339Nano))
	}
	switch {
	case p.JSON:
		err = errors.Join(err, p.Value(result))
	case complete:
		err = errors.Join(p.Linef("accepted %d, of which %d are to be stored and %d rejected", done.Accepted, sum.Stored, sum.Events-sum.Stored),
			p.Linef("%d sessions of %d visitors from %s to %s", sum.Sessions, sum.Visitors, p.Time(sum.From), p.Time(sum.Until)),
			p.Linef("%d purchases for %d.%02d EUR", sum.Purchases, sum.RevenueCents/100, sum.RevenueCents%100))
		p.Hintf("theeye sessions --from %dd lists the sessions, theeye rejected --summary what is rejected", c.Days)
	case err == nil || done.Accepted > 0:
		err = errors.Join(err, p.Linef("accepted %d, refused %d", done.Accepted, done.Refused))
	}
	if err == nil && !complete {
		return exitCode(1)
	}
	return err
}
