package main

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

type eventsCmd struct {
	remote
	selection
	listing
}

// Help is the longer text of --help.
func (eventsCmd) Help() string {
	return "Lists stored events by the time at which they happened. With --json, a line an event:\n" +
		"everything that is kept of it.\n\n" +
		"Example:\n  theeye events --category 'page interaction' --from '2026-01-31 08:00:00' --limit 20"
}

// document is what a table shows of an event. Times are as the server writes
// them, to the microsecond.
type document struct {
	EventID     string         `json:"event_id"`
	Application string         `json:"application"`
	SessionID   string         `json:"session_id"`
	Category    string         `json:"category"`
	Name        string         `json:"name"`
	Data        jsontext.Value `json:"data"`
	Timestamp   string         `json:"timestamp"`
	ReceivedAt  string         `json:"received_at"`
	Errors      []event.Fault  `json:"errors"`
}

// Run prints a line an event.
func (c *eventsCmd) Run(t *terminal) error {
	return c.print(t, c.remote, question{
		path: "/v1/events", query: c.query(),
		header: []string{"TIME", "APPLICATION", "CATEGORY", "NAME", "SESSION", "DATA"},
		rows: func(d *document) [][]string {
			return [][]string{{d.Timestamp, d.Application, d.Category, d.Name, d.SessionID, string(d.Data)}}
		},
	})
}

// noAnswer explains an answer that has another form.
func noAnswer(err error) error {
	return fmt.Errorf("the answer is none of The Eye; is --url right? %w", err)
}
