package cmd

import (
	"fmt"
	"net/url"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

// oneEventFlags name one event.
type oneEventFlags struct {
	serverFlags
	EventID     string `arg:"" placeholder:"ID" help:"Id of the event."`
	Application string `placeholder:"NAME" help:"Its application, where more than one has an event of this id."`
}

// getEvent requests a path below the event, and decodes the answer into v.
func (f oneEventFlags) getEvent(path string, v any) (*client.Response, error) {
	query := url.Values{}
	setParameter(query, "application", f.Application)
	ctx, server, stop, err := f.connect()
	if err != nil {
		return nil, err
	}
	defer stop()
	resp, err := server.Get(ctx, path, query, v)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", f.EventID, err)
	}
	return resp, nil
}

type eventCmd struct{ oneEventFlags }

// Run prints one event with its outcome.
func (c *eventCmd) Run(p *output.Printer) error {
	var e api.Event
	resp, err := c.getEvent(api.EventPath(c.EventID), &e)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	return printEvent(p, &e)
}

// printEvent prints the members of an event that it has, then its data, or the
// reasons and the original of a rejected one.
func printEvent(p *output.Printer, e *api.Event) error {
	outcome := e.Status
	if e.Revision > 0 {
		outcome += fmt.Sprintf(", by revision %d", e.Revision)
	}
	if e.Status == api.StatusPending {
		outcome += ": it has no outcome yet"
	}
	for _, line := range [][2]string{
		{"event", e.EventID},
		{"application", e.Application},
		{"outcome", outcome},
		{"category", e.Category},
		{"name", e.Name},
		{"session", e.SessionID},
		{"timestamp", p.ExactTime(e.Timestamp.Time)},
		{"received", p.ExactTime(e.ReceivedAt.Time)},
		{"expires", p.ExactTime(e.ExpiresAt.Time)},
		{"sequence", output.Uint(e.Origin.Seq)},
	} {
		if line[1] == "" {
			continue
		}
		if err := p.Linef("%-12s %s", line[0], output.OneLine(line[1])); err != nil {
			return err
		}
	}
	if len(e.Errors) > 0 {
		p.Table([]string{"CODE", "PATH", "REASON"}, faultRows(nil, e.Errors))
	}
	if e.Original != "" {
		return p.Linef("\noriginal:\n%s", e.Original)
	}
	if len(e.Data) == 0 {
		return nil
	}
	return p.Document(output.IndentJSON(e.Data))
}
