package cmd

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/theeye/output"
)

// filterFlags select events.
type filterFlags struct {
	Application string   `placeholder:"NAME" help:"Events of this application alone."`
	Session     string   `placeholder:"ID" help:"Events of this session alone."`
	Category    string   `placeholder:"TEXT" help:"Events of this category alone."`
	Name        string   `placeholder:"TEXT" help:"Events of this name alone."`
	Filter      []string `sep:"none" placeholder:"FILTER" help:"Events that match alone: 'data.plan=pro', 'data.price >= 9.5', 'data.tags[] = new', 'data.coupon exists'. Times are in UTC. Repeatable."`
}

// filterQuery returns the query parameters of the flags.
func (f filterFlags) filterQuery() url.Values {
	q := url.Values{}
	setParameter(q, "application", f.Application)
	setParameter(q, "session_id", f.Session)
	setParameter(q, "category", f.Category)
	setParameter(q, "name", f.Name)
	if len(f.Filter) > 0 {
		q["filter"] = f.Filter
	}
	return q
}

// eventFlags select events of a list.
type eventFlags struct {
	filterFlags
	EventID string `name:"event-id" placeholder:"ID" help:"The event with this id."`
	periodFlags
}

// defaultEvents is how many events are listed without flags.
const defaultEvents = 100

// eventQuery returns the query parameters of the flags.
func (f eventFlags) eventQuery(p *output.Printer) (url.Values, error) {
	q := f.filterQuery()
	setParameter(q, "event_id", f.EventID)
	return q, f.addPeriod(p, q)
}

type eventsCmd struct {
	serverFlags
	eventFlags
	orderFlag
	listFlags
}

// Run prints a line for each event.
func (c *eventsCmd) Run(p *output.Printer) error {
	query, err := c.eventQuery(p)
	if err != nil {
		return err
	}
	query.Set("order", c.Order)
	return c.printList(p, c.serverFlags, list{
		path: api.PathEvents, member: "events", query: query, pageSize: client.EventPageSize, limit: defaultEvents, lines: true,
		header: []string{"TIME", "APPLICATION", "CATEGORY", "NAME", "SESSION", "DATA"},
		rows: rowsOf(func(e *api.Event) [][]string {
			return [][]string{{p.ExactTime(e.Timestamp.Time), e.Application, e.Category, e.Name, e.SessionID, string(e.Data)}}
		}),
		empty: "No stored event matches. theeye types shows which types were received, theeye rejected what was not stored.",
	})
}

type rejectedCmd struct {
	serverFlags
	eventFlags
	Code string  `placeholder:"CODE" help:"Events rejected for this reason alone, e.g. schema_violation."`
	Path *string `placeholder:"POINTER" help:"With --code: where that reason is, e.g. /data/total, or '' for the event itself."`
	orderFlag
	listFlags
	Summary bool `help:"Count by application, type, reason and place, the most frequent first."`
}

const emptyRejected = "No rejected event matches; --from and --to are about the time of receipt."

// Run prints a line for each reason of each rejected event, or a summary.
func (c *rejectedCmd) Run(p *output.Printer) error {
	query, err := c.eventQuery(p)
	if err != nil {
		return err
	}
	setParameter(query, "code", c.Code)
	switch {
	case c.Path != nil && (c.Summary || c.Code == ""):
		return usageErrorf("--path goes with --code, and not with --summary, which counts by path")
	case c.Summary:
		return c.printSummary(p, query)
	case c.Path != nil:
		query.Set("path", *c.Path)
	}
	query.Set("order", c.Order)
	return c.printList(p, c.serverFlags, list{
		path: api.PathRejected, member: "events", query: query, pageSize: client.EventPageSize, limit: defaultEvents, lines: true,
		header: []string{"RECEIVED", "APPLICATION", "CATEGORY", "NAME", "EVENT", "CODE", "PATH", "REASON"},
		rows: rowsOf(func(e *api.Event) [][]string {
			return faultRows([]string{p.ExactTime(e.ReceivedAt.Time), e.Application, e.Category, e.Name, e.EventID}, e.Errors)
		}),
		empty: emptyRejected,
	})
}

// faultRows returns a row for each fault; the first row starts with the cells
// of head. Without faults there is one row.
func faultRows(head []string, faults []event.Fault) [][]string {
	if len(faults) == 0 {
		faults = []event.Fault{{}}
	}
	rows := make([][]string, 0, len(faults))
	for _, f := range faults {
		rows = append(rows, append(head[:len(head):len(head)], f.Code, f.Path, f.Message))
		head = make([]string, len(head))
	}
	return rows
}

// printSummary prints a line for each group of rejected events. The service has
// no pages of groups: one more than the limit shows whether there are more.
func (c *rejectedCmd) printSummary(p *output.Printer, query url.Values) error {
	limit, err := c.check(defaultEvents)
	if err != nil {
		return err
	}
	switch {
	case c.Cursor != "":
		return usageErrorf("--summary has no --cursor")
	case len(c.Filter) > 0:
		return usageErrorf("--summary has no --filter")
	}
	if limit = min(limit, client.EventPageSize); c.Limit != nil && *c.Limit > limit {
		return usageErrorf("--summary needs a --limit from 1 to %d", client.EventPageSize)
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	query.Set("limit", strconv.Itoa(min(limit+1, client.EventPageSize)))
	var summary struct {
		Total  int64            `json:"total"`
		Groups []jsontext.Value `json:"groups"`
	}
	if _, err := server.Get(ctx, api.PathRejectedSummary, query, &summary); err != nil {
		return err
	}
	// Of the most groups that an answer holds, it is unknown whether they are all.
	complete := len(summary.Groups) <= limit && len(summary.Groups) < client.EventPageSize
	return printWhole(p, wholeList{
		member: "groups", items: summary.Groups[:min(limit, len(summary.Groups))], complete: complete, limited: c.Limit != nil,
		header: []string{"COUNT", "APPLICATION", "CATEGORY", "NAME", "CODE", "PATH", "FIRST", "LAST", "SAMPLE"},
		rows: rowsOf(func(g *api.RejectedGroup) [][]string {
			return [][]string{{
				strconv.FormatInt(g.Count, 10), g.Application, g.Category, g.Name, g.Code, g.Path,
				p.ExactTime(g.FirstSeen.Time), p.ExactTime(g.LastSeen.Time), g.SampleID,
			}}
		}),
		empty: emptyRejected, total: &summary.Total,
		note: fmt.Sprintf("%d rejected events; one with several reasons counts in the group of each", summary.Total),
	})
}
