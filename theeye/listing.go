package main

import (
	"context"
	"iter"
	"math"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// pageSize is how many events are asked for at once; the server ends a page
// early when it is heavy.
const pageSize = 1000

// selection are the flags that choose events.
type selection struct {
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	Session     string `placeholder:"ID" help:"Events of this session alone."`
	Category    string `placeholder:"TEXT" help:"Events of this category alone."`
	Name        string `placeholder:"TEXT" help:"Events of this name alone."`
	EventID     string `name:"event-id" placeholder:"ID" help:"The event with this id."`
	period
}

// period are the flags that choose a time.
type period struct {
	From string `placeholder:"TIME" help:"From this time on, RFC 3339 or 'YYYY-MM-DD HH:MM:SS' (UTC)."`
	To   string `placeholder:"TIME" help:"Before this time."`
}

// query returns the parameters of the flags that were given.
func (s selection) query() url.Values {
	q := s.period.query()
	set(q, "application", s.Application)
	set(q, "session_id", s.Session)
	set(q, "category", s.Category)
	set(q, "name", s.Name)
	set(q, "event_id", s.EventID)
	return q
}

func (p period) query() url.Values {
	q := url.Values{}
	set(q, "from", p.From)
	set(q, "to", p.To)
	return q
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// listing are the flags that say how much is listed, and in which order.
type listing struct {
	Order string `enum:"asc,desc" default:"desc" help:"desc: the newest first; asc: the oldest (${default})."`
	Limit int    `default:"100" placeholder:"N" help:"How many at most (${default})."`
	All   bool   `help:"Everything that matches, in place of --limit."`
}

// question is what is asked for, and how it is shown.
type question struct {
	path   string
	query  url.Values
	header []string
	// rows returns the rows of one event.
	rows func(*document) [][]string
}

// print lists what matches, page by page: a table for people, a line an event
// for machines, just as the server wrote it. Its memory is a page.
func (l listing) print(t *terminal, r remote, q question) error {
	most := l.Limit
	if l.All {
		most = math.MaxInt
	}
	if most < 1 {
		return invalidf("--limit wants at least 1")
	}
	client, err := r.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	q.query.Set("order", l.Order)
	table := t.newTable(q.header)
	for page, err := range client.pages(ctx, q.path, q.query, most) {
		if err != nil {
			return err
		}
		if err := t.page(page, table, q.rows); err != nil {
			return err
		}
		if most -= len(page.Events); most == 0 && page.NextCursor != "" {
			t.remarkf("There are more: see --limit and --all.")
		}
	}
	return nil
}

// page prints the events of one page.
func (t *terminal) page(page *eventPage, table *table, rowsOf func(*document) [][]string) error {
	var rows [][]string
	for _, raw := range page.Events {
		if t.json {
			if err := t.printJSON(raw); err != nil {
				return err
			}
			continue
		}
		var d document
		if err := json.Unmarshal(raw, &d); err != nil {
			return noAnswer(err)
		}
		rows = append(rows, rowsOf(&d)...)
	}
	if !t.json {
		table.print(rows)
	}
	return nil
}

// eventPage is a page of events.
type eventPage struct {
	Events     []jsontext.Value `json:"events"`
	NextCursor string           `json:"next_cursor"`
}

// pages asks for page after page until most events came, or all.
func (c *client) pages(ctx context.Context, path string, query url.Values, most int) iter.Seq2[*eventPage, error] {
	return func(yield func(*eventPage, error) bool) {
		for most > 0 {
			query.Set("limit", strconv.Itoa(min(most, pageSize)))
			page := &eventPage{}
			_, err := c.get(ctx, path, query, page)
			if !yield(page, err) || err != nil || page.NextCursor == "" || len(page.Events) == 0 {
				return
			}
			most -= len(page.Events)
			query.Set("cursor", page.NextCursor)
		}
	}
}
