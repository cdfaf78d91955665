package main

import (
	"strconv"

	"github.com/theeye/theeye/shared/event"
)

type rejectedCmd struct {
	remote
	selection
	Code string `placeholder:"CODE" help:"Events rejected for this reason alone, e.g. schema_violation."`
	listing
	Summary bool `help:"Count by application, type, reason and place, the most frequent first."`
}

// Help is the longer text of --help.
func (rejectedCmd) Help() string {
	return "Lists rejected events by the time at which they were received, a line a reason. With --json, a\n" +
		"line an event, with its original bytes. --from and --to are about the time of receipt.\n\n" +
		"Examples:\n  theeye rejected --summary\n  theeye rejected --code schema_violation --limit 5 --json"
}

// Run prints a line a reason.
func (c *rejectedCmd) Run(t *terminal) error {
	query := c.query()
	set(query, "code", c.Code)
	if c.Summary {
		return c.summary(t)
	}
	return c.print(t, c.remote, question{
		path: "/v1/rejected", query: query,
		header: []string{"RECEIVED", "APPLICATION", "CATEGORY", "NAME", "EVENT", "CODE", "PATH", "REASON"},
		rows:   reasons,
	})
}

// reasons are the rows of a rejected event: one a reason, the first with what
// is known of the event.
func reasons(d *document) [][]string {
	faults := d.Errors
	if len(faults) == 0 {
		faults = []event.Fault{{}}
	}
	rows := make([][]string, 0, len(faults))
	head := []string{d.ReceivedAt, d.Application, d.Category, d.Name, d.EventID}
	for _, f := range faults {
		rows = append(rows, append(head[:len(head):len(head)], f.Code, f.Path, f.Message))
		head = make([]string, len(head))
	}
	return rows
}

// rejectedGroup is how many events were rejected for one reason.
type rejectedGroup struct {
	Application string `json:"application"`
	Category    string `json:"category"`
	Name        string `json:"name"`
	Code        string `json:"code"`
	Path        string `json:"path"`
	Count       int64  `json:"count"`
	FirstSeen   string `json:"first_seen"`
	LastSeen    string `json:"last_seen"`
	SampleID    string `json:"sample_id"`
}

// summary prints a line a group.
func (c *rejectedCmd) summary(t *terminal) error {
	if c.All || c.Limit < 1 || c.Limit > pageSize {
		return invalidf("--summary wants a --limit from 1 to %d", pageSize)
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	query := c.query()
	set(query, "code", c.Code)
	query.Set("limit", strconv.Itoa(c.Limit))
	var answer struct {
		Groups []rejectedGroup `json:"groups"`
	}
	a, err := client.get(ctx, "/v1/rejected/summary", query, &answer)
	if err != nil {
		return err
	}
	if t.json {
		return t.printJSON(a.value())
	}
	rows := make([][]string, 0, len(answer.Groups))
	for _, g := range answer.Groups {
		rows = append(rows, []string{
			strconv.FormatInt(g.Count, 10), g.Application, g.Category, g.Name, g.Code, g.Path, g.FirstSeen, g.LastSeen, g.SampleID,
		})
	}
	t.table([]string{"COUNT", "APPLICATION", "CATEGORY", "NAME", "CODE", "PATH", "FIRST", "LAST", "SAMPLE"}, rows)
	return nil
}
