package cmd

import (
	"math"
	"net/url"
	"strconv"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/theeye/output"
)

// eventFlags select events.
type eventFlags struct {
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	Session     string `placeholder:"ID" help:"Events of this session alone."`
	Category    string `placeholder:"TEXT" help:"Events of this category alone."`
	Name        string `placeholder:"TEXT" help:"Events of this name alone."`
	EventID     string `name:"event-id" placeholder:"ID" help:"The event with this id."`
	periodFlags
}

// periodFlags select a range of time.
type periodFlags struct {
	From string `placeholder:"TIME" help:"From this time on, RFC 3339 or 'YYYY-MM-DD HH:MM:SS' (UTC)."`
	To   string `placeholder:"TIME" help:"Before this time."`
}

// eventQuery returns the query parameters of the flags.
func (f eventFlags) eventQuery() url.Values {
	q := f.periodQuery()
	setParameter(q, "application", f.Application)
	setParameter(q, "session_id", f.Session)
	setParameter(q, "category", f.Category)
	setParameter(q, "name", f.Name)
	setParameter(q, "event_id", f.EventID)
	return q
}

func (f periodFlags) periodQuery() url.Values {
	q := url.Values{}
	setParameter(q, "from", f.From)
	setParameter(q, "to", f.To)
	return q
}

// listFlags are the order and the length of a list of events.
type listFlags struct {
	Order string `enum:"asc,desc" default:"desc" help:"desc: the newest first; asc: the oldest (${default})."`
	Limit int    `default:"100" placeholder:"N" help:"How many at most (${default})."`
	All   bool   `help:"Everything that matches, in place of --limit."`
}

// eventList is a list of events, and how it is printed.
type eventList struct {
	path   string
	query  url.Values
	header []string
	// rows returns the rows of one event.
	rows func(*api.Event) [][]string
}

// printEvents prints a list page by page: as a table, or with --json a line for
// each event, exactly as the server wrote it. It holds one page in memory.
func (f listFlags) printEvents(p *output.Printer, server serverFlags, list eventList) error {
	left := f.Limit
	if f.All {
		left = math.MaxInt
	}
	if left < 1 {
		return usageErrorf("--limit must be at least 1")
	}
	ctx, c, stop, err := server.connect()
	if err != nil {
		return err
	}
	defer stop()
	list.query.Set("order", f.Order)
	table := p.NewTable(list.header)
	pages := c.Pages(ctx, client.List{
		Path: list.path, Member: "events", Query: list.query, PageSize: client.EventPageSize, Limit: left,
	})
	for page, err := range pages {
		if err != nil {
			return err
		}
		if err := printEventPage(p, page, table, list.rows); err != nil {
			return err
		}
		if left -= len(page.Items); left == 0 && page.More {
			p.Remarkf("There are more: see --limit and --all.")
		}
	}
	return nil
}

func printEventPage(p *output.Printer, page *client.Page, table *output.Table, rowsOf func(*api.Event) [][]string) error {
	if p.JSON {
		for _, item := range page.Items {
			if err := p.Value(item); err != nil {
				return err
			}
		}
		return nil
	}
	events, err := client.DecodeItems[api.Event](page.Items)
	if err != nil {
		return err
	}
	var rows [][]string
	for i := range events {
		rows = append(rows, rowsOf(&events[i])...)
	}
	table.Append(rows)
	return nil
}

type eventsCmd struct {
	serverFlags
	eventFlags
	listFlags
}

// Run prints a line for each event.
func (c *eventsCmd) Run(p *output.Printer) error {
	return c.printEvents(p, c.serverFlags, eventList{
		path: api.PathEvents, query: c.eventQuery(),
		header: []string{"TIME", "APPLICATION", "CATEGORY", "NAME", "SESSION", "DATA"},
		rows: func(e *api.Event) [][]string {
			return [][]string{{exactTime(e.Timestamp), e.Application, e.Category, e.Name, e.SessionID, string(e.Data)}}
		},
	})
}

type rejectedCmd struct {
	serverFlags
	eventFlags
	Code string `placeholder:"CODE" help:"Events rejected for this reason alone, e.g. schema_violation."`
	listFlags
	Summary bool `help:"Count by application, type, reason and place, the most frequent first."`
}

// Run prints a line for each reason of each rejected event, or a summary.
func (c *rejectedCmd) Run(p *output.Printer) error {
	query := c.eventQuery()
	setParameter(query, "code", c.Code)
	if c.Summary {
		return c.printSummary(p, query)
	}
	return c.printEvents(p, c.serverFlags, eventList{
		path: api.PathRejected, query: query,
		header: []string{"RECEIVED", "APPLICATION", "CATEGORY", "NAME", "EVENT", "CODE", "PATH", "REASON"},
		rows: func(e *api.Event) [][]string {
			return faultRows([]string{exactTime(e.ReceivedAt), e.Application, e.Category, e.Name, e.EventID}, e.Errors)
		},
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

// printSummary prints a line for each group of rejected events.
func (c *rejectedCmd) printSummary(p *output.Printer, query url.Values) error {
	if c.All || c.Limit < 1 || c.Limit > client.EventPageSize {
		return usageErrorf("--summary needs a --limit from 1 to %d", client.EventPageSize)
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	query.Set("limit", strconv.Itoa(c.Limit))
	var summary api.RejectedSummary
	resp, err := server.Get(ctx, api.PathRejectedSummary, query, &summary)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	rows := make([][]string, 0, len(summary.Groups))
	for _, g := range summary.Groups {
		rows = append(rows, []string{
			strconv.FormatInt(g.Count, 10), g.Application, g.Category, g.Name, g.Code, g.Path,
			exactTime(g.FirstSeen), exactTime(g.LastSeen), g.SampleID,
		})
	}
	p.Table([]string{"COUNT", "APPLICATION", "CATEGORY", "NAME", "CODE", "PATH", "FIRST", "LAST", "SAMPLE"}, rows)
	return nil
}
