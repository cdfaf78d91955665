package cmd

import (
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

type traceCmd struct{ oneEventFlags }

// messageTexts say whether the stream has the message of an event.
var messageTexts = map[string]string{
	api.MessageKept:   "the stream keeps its message",
	api.MessagePurged: "its message is purged, so its earlier outcomes are not known",
	api.MessageLost:   "its message is LOST in the stream: see theeye audit",
}

// Run prints the trace of one event.
func (c *traceCmd) Run(p *output.Printer) error {
	var trace api.Trace
	resp, err := c.getEvent(api.TracePath(c.EventID), &trace)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	return printTrace(p, &trace)
}

// printTrace prints the outcomes in order of time, and the stored one last.
func printTrace(p *output.Printer, trace *api.Trace) error {
	if err := p.Linef("event %s of %s: received %s, sequence %d; %s", output.OneLine(trace.EventID), output.OneLine(trace.Application),
		p.ExactTime(trace.ReceivedAt.Time), trace.Origin.Seq, messageTexts[trace.Message]); err != nil {
		return err
	}
	if len(trace.Outcomes) == 0 {
		return p.Linef("pending: it has no outcome yet")
	}
	var rows, stored [][]string
	for i := range trace.Outcomes {
		if o := &trace.Outcomes[i]; o.Basis == api.BasisStore {
			stored = append(stored, outcomeRows(p, o)...)
		} else {
			rows = append(rows, outcomeRows(p, o)...)
		}
	}
	p.Table([]string{"TIME", "REVISION", "OUTCOME", "HOW", "CODE", "PATH", "REASON"}, append(rows, stored...))
	if trace.OutcomesOmitted > 0 {
		p.Remarkf("and %d more replays that covered it", trace.OutcomesOmitted)
	}
	return printCopies(p, trace.Copies)
}

func outcomeRows(p *output.Printer, o *api.TracedOutcome) [][]string {
	return faultRows([]string{p.ExactTime(o.At.Time), output.Uint(o.Revision), o.Status, outcomeOrigin(o)}, o.Errors)
}

// outcomeOrigin says how an outcome was produced.
func outcomeOrigin(o *api.TracedOutcome) string {
	switch {
	case o.Basis == api.BasisStore:
		return "kept now"
	case o.Job == "":
		return "when received"
	case o.MayHaveTouched:
		return "replay " + o.Job + ", unless it was left out"
	}
	return "replay " + o.Job
}

// printCopies prints other contents that were sent under the id of the event.
func printCopies(p *output.Printer, copies []api.ConflictingCopy) error {
	if len(copies) == 0 {
		return nil
	}
	if err := p.Linef("\nOther contents that were sent under this id are kept as rejected, id_conflict:"); err != nil {
		return err
	}
	rows := make([][]string, 0, len(copies))
	for _, c := range copies {
		rows = append(rows, []string{p.ExactTime(c.ReceivedAt.Time), output.Uint(c.Origin.Seq), c.ContentHash})
	}
	p.Table([]string{"RECEIVED", "SEQUENCE", "CONTENT"}, rows)
	return nil
}
