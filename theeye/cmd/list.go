package cmd

import (
	"context"
	"math"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/when"
	"github.com/theeye/theeye/theeye/output"
)

// listFlags are how much of a list is printed.
type listFlags struct {
	Limit  *int   `placeholder:"N" help:"How many at most; the default is short."`
	All    bool   `help:"Everything that matches, in place of --limit."`
	Cursor string `placeholder:"TEXT" help:"Continue where an earlier list ended: the next_cursor of its --json, with the same other flags."`
}

// orderFlag is the order of a list.
type orderFlag struct {
	Order string `enum:"asc,desc" default:"desc" help:"desc: the newest first; asc: the oldest (${default})."`
}

// periodFlags select a range of time.
type periodFlags struct {
	From timeFlag `placeholder:"TIME" help:"From this time on: ${times}."`
	To   timeFlag `placeholder:"TIME" help:"Before this time."`
}

// addPeriod adds the range to the parameters of a list. A time that depends on the
// present one is sent as it was typed where it means the same to the service, so
// that a cursor continues the same query later.
func (f periodFlags) addPeriod(p *output.Printer, q url.Values) error {
	clock := clockOf(p)
	for _, end := range []struct {
		name string
		text timeFlag
	}{{"from", f.From}, {"to", f.To}} {
		t, err := end.text.parse("--"+end.name, clock)
		switch {
		case err != nil:
			return err
		case t.IsZero():
		case p.Zone == nil && when.Relative(string(end.text)):
			q.Set(end.name, string(end.text))
		default:
			p.ReadsLocalTimes()
			q.Set(end.name, t.String())
		}
	}
	return nil
}

// list is a list of a service, and how it is printed.
type list struct {
	path   string
	member string
	query  url.Values
	// pageSize is the most items of a page, limit how many are printed without
	// flags.
	pageSize, limit int
	header          []string
	// rows returns the rows of the items of a page.
	rows func(items []jsontext.Value) ([][]string, error)
	// amend adds a missing member to an item before --json prints it; it may be
	// nil.
	amend func(item jsontext.Value) jsontext.Value
	// lines prints a line for each item with --json, in place of one object.
	lines bool
	// empty says what to try where nothing matches.
	empty string
}

// rowsOf returns the rows of items that have the shape of T.
func rowsOf[T any](cells func(*T) [][]string) func([]jsontext.Value) ([][]string, error) {
	return func(items []jsontext.Value) ([][]string, error) {
		decoded, err := client.DecodeItems[T](items)
		var rows [][]string
		for i := range decoded {
			rows = append(rows, cells(&decoded[i])...)
		}
		return rows, err
	}
}

// check returns how many items to print at most, limit without flags.
func (f listFlags) check(limit int) (int, error) {
	switch {
	case f.Limit != nil && *f.Limit < 1:
		return 0, usageErrorf("--limit must be at least 1")
	case f.All && f.Limit != nil:
		return 0, usageErrorf("--all is in place of --limit")
	case f.All:
		return math.MaxInt, nil
	case f.Limit != nil:
		return *f.Limit, nil
	}
	return limit, nil
}

// printList prints a list page by page: as a table, or with --json exactly as the
// server wrote its items. It holds one page in memory. A list that is not whole
// says so, and its exit code is 1 unless a table of --limit was asked for.
func (f listFlags) printList(p *output.Printer, server serverFlags, l list) error {
	left, err := f.check(l.limit)
	if err != nil {
		return err
	}
	ctx, c, stop, err := server.connect()
	if err != nil {
		return err
	}
	defer stop()
	return f.printPages(ctx, p, c, l, left)
}

func (f listFlags) printPages(ctx context.Context, p *output.Printer, c *client.Client, l list, left int) error {
	if l.query == nil {
		l.query = url.Values{}
	}
	setParameter(l.query, "cursor", f.Cursor)
	pages := c.Pages(ctx, client.List{Path: l.path, Member: l.member, Query: l.query, PageSize: l.pageSize, Limit: left})
	printed, next := listPrinter{p: p, list: &l, table: p.NewTable(l.header)}, api.Cursor(f.Cursor)
	for page, err := range pages {
		if err == nil {
			err = printed.addPage(page)
		}
		if err != nil {
			printed.fail(next)
			return err
		}
		next = page.Next
	}
	return printed.finish(next, next == "", f.Limit != nil)
}

// listPrinter prints a list in parts.
type listPrinter struct {
	p     *output.Printer
	list  *list
	table *output.Table
	json  *output.JSONList
	count int
	total *int64 // see wholeList
}

func (l *listPrinter) addPage(page *client.Page) error {
	l.count += len(page.Items)
	if !l.p.JSON {
		rows, err := l.list.rows(page.Items)
		if err == nil && (len(rows) > 0 || l.count == 0 && page.Next == "") {
			l.table.Append(rows)
		}
		return err
	}
	if l.list.lines {
		for _, item := range page.Items {
			if err := l.p.Value(item); err != nil {
				return err
			}
		}
		return nil
	}
	if l.json == nil {
		l.json = l.p.BeginJSONList(l.list.member)
	}
	if l.list.amend != nil {
		for i, item := range page.Items {
			page.Items[i] = l.list.amend(item)
		}
	}
	return l.json.Append(page.Items)
}

// fail ends the JSON of a list that an error cuts, so that it can be read.
func (l *listPrinter) fail(next api.Cursor) {
	if l.p.JSON && l.count > 0 {
		_ = l.end(next, false) // the error of the list is reported
	}
}

// listEnd are the last members of a list that is printed as JSON.
type listEnd struct {
	// End marks the last line of a list of lines.
	End        bool       `json:"_end,omitzero"`
	Total      *int64     `json:"total,omitempty"`
	Complete   bool       `json:"complete"`
	NextCursor api.Cursor `json:"next_cursor,omitzero"`
}

func (l *listPrinter) end(next api.Cursor, complete bool) error {
	end := listEnd{Total: l.total, Complete: complete, NextCursor: next}
	if l.list.lines {
		end.End = true
		if complete {
			return nil
		}
		return l.p.Value(end)
	}
	if l.json == nil {
		l.json = l.p.BeginJSONList(l.list.member)
	}
	return l.json.End(end)
}

// finish ends the list. limited says that the caller asked for a number of items.
func (l *listPrinter) finish(next api.Cursor, complete, limited bool) error {
	if l.p.JSON {
		if err := l.end(next, complete); err != nil {
			return err
		}
	} else if l.count == 0 && l.list.empty != "" {
		l.p.Remarkf("%s", l.list.empty)
	}
	switch {
	case complete:
		return nil
	case l.p.JSON:
		l.p.Remarkf("The list is not whole: see --all.")
	default:
		l.p.Remarkf("There are more: see --limit and --all.")
		if limited {
			return nil
		}
	}
	return exitCode(daemon.ExitFailure)
}

// wholeList is a list that a service answers at once.
type wholeList struct {
	member   string
	items    []jsontext.Value
	complete bool
	// limited says that the caller asked for a number of items.
	limited bool
	header  []string
	rows    func(items []jsontext.Value) ([][]string, error)
	empty   string
	// total counts the events behind the items, nil if that is unknown; note says
	// so to people.
	total *int64
	note  string
}

// printWhole prints a list as printList does.
func printWhole(p *output.Printer, w wholeList) error {
	l := listPrinter{p: p, list: &list{member: w.member, rows: w.rows, empty: w.empty}, table: p.NewTable(w.header)}
	if err := l.addPage(&client.Page{Items: w.items}); err != nil {
		return err
	}
	l.total = w.total
	if w.note != "" && !p.JSON && len(w.items) > 0 {
		p.Remarkf("%s", w.note)
	}
	return l.finish("", w.complete, w.limited)
}

// printAll requests a list that is answered at once, and prints it.
func (f serverFlags) printAll(p *output.Printer, path string, query url.Values, w wholeList) error {
	ctx, c, stop, err := f.connect()
	if err != nil {
		return err
	}
	defer stop()
	var members map[string]jsontext.Value
	if _, err := c.Get(ctx, path, query, &members); err != nil {
		return err
	}
	if err := json.Unmarshal(members[w.member], &w.items); err != nil {
		return &client.ForeignError{Err: err}
	}
	w.complete = string(members["truncated"]) != "true"
	return printWhole(p, w)
}
