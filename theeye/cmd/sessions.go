package cmd

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/when"
	"github.com/theeye/theeye/theeye/output"
)

type sessionsCmd struct {
	serverFlags
	SessionID   string       `arg:"" optional:"" placeholder:"ID" help:"A session to show as a timeline; a list of sessions without."`
	Application string       `placeholder:"NAME" help:"Events of this application alone."`
	Category    string       `placeholder:"TEXT" help:"Sessions with an event of this category."`
	Name        string       `placeholder:"TEXT" help:"Sessions with an event of this name."`
	Filter      []string     `sep:"none" placeholder:"FILTER" help:"Sessions with an event that matches, such as 'data.plan=pro'. Repeatable."`
	By          string       `enum:"started,active" default:"started" help:"started: sessions whose first event lies in the range; active: those with any event in it (${default})."`
	MinEvents   uint         `name:"min-events" placeholder:"N" help:"Sessions of at least N events."`
	MinDuration durationFlag `name:"min-duration" placeholder:"DURATION" help:"Sessions that last at least as long, e.g. 90s."`
	periodFlags
	orderFlag
	listFlags
}

const (
	defaultSessions      = 20
	defaultSessionEvents = 1000
)

// Run prints a line for each session, or the timeline of one session.
func (c *sessionsCmd) Run(p *output.Printer) error {
	if c.SessionID != "" {
		return c.printTimeline(p)
	}
	query, err := c.sessionsQuery(p)
	if err != nil {
		return err
	}
	return c.printList(p, c.serverFlags, list{
		path: api.PathSessions, member: "sessions", query: query, pageSize: client.EventPageSize, limit: defaultSessions,
		header: []string{"SESSION", "APPLICATION", "FIRST", "LAST", "DURATION", "EVENTS", "ENTRY", "EXIT"},
		rows: rowsOf(func(s *api.SessionSummary) [][]string {
			return [][]string{{
				s.SessionID, s.Application, p.ExactTime(s.First.Time), p.ExactTime(s.Last.Time), sessionDuration(s.DurationMS),
				strconv.FormatInt(s.Count, 10), typeText(s.Entry), typeText(s.Exit),
			}}
		}),
		empty: "No session began in the range, which is the last seven days without --from; see --from and --by active.",
	})
}

func (c *sessionsCmd) sessionsQuery(p *output.Printer) (url.Values, error) {
	q := url.Values{"order": {c.Order}, "by": {c.By}}
	setParameter(q, "application", c.Application)
	setParameter(q, "category", c.Category)
	setParameter(q, "name", c.Name)
	if len(c.Filter) > 0 {
		q["filter"] = c.Filter
	}
	if c.MinEvents > 0 {
		q.Set("min_events", strconv.FormatUint(uint64(c.MinEvents), 10))
	}
	if d := time.Duration(c.MinDuration); d > 0 {
		q.Set("min_seconds", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
	}
	return q, c.addPeriod(p, q)
}

func typeText(t api.EventType) string { return t.Category + " / " + t.Name }

func sessionDuration(ms int64) string {
	return when.FormatDuration(time.Duration(ms) * time.Millisecond)
}

// timeline is a session with its events, which are as the server wrote them.
type timeline struct {
	api.Session
	Events []jsontext.Value `json:"events,omitzero"`
	listEnd
}

// printTimeline prints one session whole, up to --limit.
func (c *sessionsCmd) printTimeline(p *output.Printer) error {
	if c.periodFlags != (periodFlags{}) || c.Cursor != "" {
		return usageErrorf("--from, --to and --cursor choose among sessions; one is shown whole")
	}
	limit, err := c.check(defaultSessionEvents)
	if err != nil {
		return err
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	s, err := c.getTimeline(ctx, server, limit)
	if err != nil {
		return err
	}
	if p.JSON {
		if err := p.Value(s); err != nil {
			return err
		}
	} else if err := s.printTable(p); err != nil {
		return err
	}
	if s.Complete {
		return nil
	}
	if p.Remarkf("There are more: see --limit and --all."); c.Limit != nil && !p.JSON {
		return nil
	}
	return exitCode(daemon.ExitFailure)
}

// getTimeline requests one session with at most limit events.
func (c *sessionsCmd) getTimeline(ctx context.Context, server *client.Client, limit int) (*timeline, error) {
	path, query := api.SessionPath(c.SessionID), url.Values{}
	setParameter(query, "application", c.Application)
	query.Set("limit", strconv.Itoa(min(limit, client.EventPageSize)))
	var first api.Timeline[jsontext.Value]
	if _, err := server.Get(ctx, path, query, &first); err != nil {
		return nil, err
	}
	s := &timeline{Session: first.Session, Events: first.Events, listEnd: listEnd{NextCursor: first.NextCursor}}
	left := limit - len(s.Events)
	if left > 0 && first.NextCursor != "" {
		query.Set("cursor", string(first.NextCursor))
		pages := server.Pages(ctx, client.List{Path: path, Member: "events", Query: query, PageSize: client.EventPageSize, Limit: left})
		for page, err := range pages {
			if err != nil {
				return nil, err
			}
			s.Events, s.NextCursor = append(s.Events, page.Items...), page.Next
		}
	}
	s.Complete = s.NextCursor == ""
	return s, nil
}

// printTable prints the session under its summary.
func (s *timeline) printTable(p *output.Printer) error {
	events, err := client.DecodeItems[api.Event](s.Events)
	if err != nil {
		return err
	}
	err = p.Linef("Session %s: %d events in %s, from %s to %s",
		s.SessionID, s.Count, sessionDuration(s.DurationMS), p.ExactTime(s.First.Time), p.ExactTime(s.Last.Time))
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(events))
	for _, e := range events {
		rows = append(rows, []string{p.ExactTime(e.Timestamp.Time), e.Application, e.Category, e.Name, string(e.Data)})
	}
	p.Table([]string{"TIME", "APPLICATION", "CATEGORY", "NAME", "DATA"}, rows)
	return nil
}
