package cmd

import (
	"fmt"
	"net/url"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/theeye/output"
)

type traceCmd struct {
	serverFlags
	EventID     string `arg:"" placeholder:"ID" help:"Id of the event."`
	Application string `placeholder:"NAME" help:"Its application, where more than one has an event of this id."`
}

// messageTexts say whether the stream has the message of an event.
var messageTexts = map[string]string{
	api.MessageKept:   "the stream keeps its message",
	api.MessagePurged: "its message is purged, so its earlier outcomes are not known",
	api.MessageLost:   "its message is LOST in the stream: see theeye audit",
}

// Run prints the trace of one event.
func (c *traceCmd) Run(p *output.Printer) error {
	query := url.Values{}
	setParameter(query, "application", c.Application)
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	var trace api.Trace
	resp, err := server.Get(ctx, api.TracePath(c.EventID), query, &trace)
	if err != nil {
		return fmt.Errorf("event %s: %w", c.EventID, err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	return printTrace(p, &trace)
}

// printTrace prints the outcomes in order of time, and the stored one last.
func printTrace(p *output.Printer, trace *api.Trace) error {
	if err := p.Linef("event %s of %s: received %s, sequence %d; %s", output.OneLine(trace.EventID), output.OneLine(trace.Application),
		exactTime(trace.ReceivedAt), trace.Origin.Seq, messageTexts[trace.Message]); err != nil {
		return err
	}
	if len(trace.Outcomes) == 0 {
		return p.Linef("pending: it has no outcome yet")
	}
	var rows, stored [][]string
	for i := range trace.Outcomes {
		if o := &trace.Outcomes[i]; o.Basis == api.BasisStore {
			stored = append(stored, outcomeRows(o)...)
		} else {
			rows = append(rows, outcomeRows(o)...)
		}
	}
	p.Table([]string{"TIME", "REVISION", "OUTCOME", "HOW", "CODE", "PATH", "REASON"}, append(rows, stored...))
	if trace.OutcomesOmitted > 0 {
		p.Remarkf("and %d more replays that covered it", trace.OutcomesOmitted)
	}
	return printCopies(p, trace.Copies)
}

func outcomeRows(o *api.TracedOutcome) [][]string {
	return faultRows([]string{exactTime(o.At), output.Uint(o.Revision), o.Status, outcomeOrigin(o)}, o.Errors)
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
		rows = append(rows, []string{exactTime(c.ReceivedAt), output.Uint(c.Origin.Seq), c.ContentHash})
	}
	p.Table([]string{"RECEIVED", "SEQUENCE", "CONTENT"}, rows)
	return nil
}
