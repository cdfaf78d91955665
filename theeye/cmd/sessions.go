package cmd

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type sessionsCmd struct {
	serverFlags
	SessionID   string `arg:"" optional:"" placeholder:"ID" help:"A session to show as a timeline; the latest sessions without."`
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	periodFlags
	Limit int `placeholder:"N" help:"How many at most: sessions (20), or events of the one that is shown (1000)."`
}

const (
	defaultSessions      = 20
	defaultSessionEvents = 1000
	// maxScannedEvents bounds how many events are searched for sessions.
	maxScannedEvents = 20 * client.EventPageSize
)

// timeline is a session with its events, which are as the server wrote them.
type timeline struct {
	api.Session
	Events []jsontext.Value `json:"events,omitzero"`
}

// Run prints a line for each session, or the timeline of one session.
func (c *sessionsCmd) Run(p *output.Printer) error {
	if c.Limit < 0 {
		return usageErrorf("--limit must be at least 1")
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	if c.SessionID == "" {
		return c.printLatest(ctx, p, server)
	}
	if c.periodFlags != (periodFlags{}) {
		return usageErrorf("--from and --to choose among sessions; one is shown whole")
	}
	return c.printTimeline(ctx, p, server)
}

// printLatest prints the latest sessions.
func (c *sessionsCmd) printLatest(ctx context.Context, p *output.Printer, server *client.Client) error {
	ids, err := c.latestIDs(ctx, p, server)
	if err != nil {
		return err
	}
	sessions := []api.Session{}
	for _, id := range ids {
		s, err := c.getTimeline(ctx, server, id, 1)
		if client.Status(err) == http.StatusNotFound { // it expired after its id was read
			continue
		}
		if err != nil {
			return err
		}
		sessions = append(sessions, s.Session)
	}
	if p.JSON {
		return p.Value(map[string]any{"sessions": sessions})
	}
	rows := make([][]string, 0, len(sessions))
	for _, s := range sessions {
		application := ""
		if s.Entry != nil {
			application = s.Entry.Application
		}
		rows = append(rows, []string{
			s.SessionID, application, exactTime(s.First), exactTime(s.Last), sessionDuration(&s), strconv.FormatInt(s.Count, 10),
			summaryType(s.Entry), summaryType(s.Exit),
		})
	}
	p.Table([]string{"SESSION", "APPLICATION", "FIRST", "LAST", "DURATION", "EVENTS", "ENTRY", "EXIT"}, rows)
	return nil
}

// summaryType names the type of an event, "" for an expired event.
func summaryType(e *api.EventSummary) string {
	if e == nil {
		return ""
	}
	return e.Category + " / " + e.Name
}

func sessionDuration(s *api.Session) string {
	return (time.Duration(s.DurationMS) * time.Millisecond).String()
}

// latestIDs returns the ids of the sessions of the newest events, the latest
// first. It reads at most maxScannedEvents events.
func (c *sessionsCmd) latestIDs(ctx context.Context, p *output.Printer, server *client.Client) ([]string, error) {
	limit := c.limitOr(defaultSessions)
	query := c.periodQuery()
	setParameter(query, "application", c.Application)
	query.Set("order", "desc")
	pages := server.Pages(ctx, client.List{
		Path: api.PathEvents, Member: "events", Query: query, PageSize: client.EventPageSize, Limit: maxScannedEvents,
	})
	var ids []string
	seen := make(map[string]bool)
	scanned := 0
	for page, err := range pages {
		if err != nil {
			return nil, err
		}
		events, err := client.DecodeItems[api.Event](page.Items)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if seen[e.SessionID] {
				continue
			}
			seen[e.SessionID], ids = true, append(ids, e.SessionID)
			if len(ids) == limit {
				return ids, nil
			}
		}
		if scanned += len(page.Items); scanned >= maxScannedEvents && page.More {
			p.Remarkf("Looked through the newest %d events; --to looks further back.", scanned)
		}
	}
	return ids, nil
}

func (c *sessionsCmd) limitOr(limit int) int {
	if c.Limit == 0 {
		return limit
	}
	return c.Limit
}

// getTimeline requests one session with at most limit events.
func (c *sessionsCmd) getTimeline(ctx context.Context, server *client.Client, id string, limit int) (*timeline, error) {
	path, query := api.SessionPath(id), url.Values{}
	setParameter(query, "application", c.Application)
	query.Set("limit", strconv.Itoa(min(limit, client.EventPageSize)))
	var first api.Timeline[jsontext.Value]
	if _, err := server.Get(ctx, path, query, &first); err != nil {
		return nil, err
	}
	s := &timeline{first.Session, first.Events}
	left := limit - len(s.Events)
	if left < 1 || first.NextCursor == "" {
		return s, nil
	}
	query.Set("cursor", string(first.NextCursor))
	more, err := server.All(ctx, client.List{
		Path: path, Member: "events", Query: query, PageSize: client.EventPageSize, Limit: left,
	})
	s.Events = append(s.Events, more...)
	return s, err
}

// printTimeline prints one session with its events.
func (c *sessionsCmd) printTimeline(ctx context.Context, p *output.Printer, server *client.Client) error {
	s, err := c.getTimeline(ctx, server, c.SessionID, c.limitOr(defaultSessionEvents))
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(s)
	}
	events, err := client.DecodeItems[api.Event](s.Events)
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(events))
	for _, e := range events {
		rows = append(rows, []string{exactTime(e.Timestamp), e.Application, e.Category, e.Name, string(e.Data)})
	}
	if err := p.Linef("Session %s: %d events in %s, from %s to %s",
		s.SessionID, s.Count, sessionDuration(&s.Session), exactTime(s.First), exactTime(s.Last)); err != nil {
		return err
	}
	p.Table([]string{"TIME", "APPLICATION", "CATEGORY", "NAME", "DATA"}, rows)
	if int64(len(rows)) < s.Count {
		p.Remarkf("There are more: see --limit.")
	}
	return nil
}
