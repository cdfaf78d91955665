package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type sessionsCmd struct {
	remote
	SessionID   string `arg:"" optional:"" placeholder:"ID" help:"A session to show as a timeline; the latest sessions without."`
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	period
	Limit int `placeholder:"N" help:"How many at most: sessions (20), or events of the one that is shown (1000)."`
}

// Help is the longer text of --help.
func (sessionsCmd) Help() string {
	return "Without an id, lists the sessions of the newest events; each is counted whole, whatever --from\n" +
		"and --to say.\n\n" +
		"Examples:\n  theeye sessions --limit 5\n  theeye sessions 7b6f1c52-9a0e-4a53-8a6a-0c5b7c9d1e2f"
}

const (
	latestSessions = 20
	sessionEvents  = 1000
	// maxScan bounds the events that are looked through for sessions.
	maxScan = 20 * pageSize
)

// session is what is told of a session.
type session struct {
	SessionID  string           `json:"session_id"`
	First      string           `json:"first"`
	Last       string           `json:"last"`
	DurationMS int64            `json:"duration_ms"`
	Count      int64            `json:"count"`
	Entry      *landmark        `json:"entry"`
	Exit       *landmark        `json:"exit"`
	Events     []jsontext.Value `json:"events,omitzero"`
}

// landmark is the first or the last event of a session.
type landmark struct {
	EventID     string `json:"event_id"`
	Application string `json:"application"`
	Category    string `json:"category"`
	Name        string `json:"name"`
	Timestamp   string `json:"timestamp"`
}

// String is its type, "" where it expired meanwhile.
func (l *landmark) String() string {
	if l == nil {
		return ""
	}
	return l.Category + " / " + l.Name
}

func (s *session) duration() string {
	return (time.Duration(s.DurationMS) * time.Millisecond).String()
}

// Run prints a line a session, or the timeline of one.
func (c *sessionsCmd) Run(t *terminal) error {
	if c.Limit < 0 {
		return invalidf("--limit wants at least 1")
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	if c.SessionID == "" {
		return c.list(ctx, t, client)
	}
	if c.period != (period{}) {
		return invalidf("--from and --to choose among sessions; one is shown whole")
	}
	return c.show(ctx, t, client)
}

// list prints the latest sessions.
func (c *sessionsCmd) list(ctx context.Context, t *terminal, client *client) error {
	ids, err := c.latest(ctx, t, client)
	if err != nil {
		return err
	}
	sessions := []session{}
	for _, id := range ids {
		s, err := c.session(ctx, client, id, 1)
		if status(err) == http.StatusNotFound { // expired meanwhile
			continue
		}
		if err != nil {
			return err
		}
		s.Events = nil
		sessions = append(sessions, *s)
	}
	if t.json {
		return t.printJSON(map[string]any{"sessions": sessions})
	}
	rows := make([][]string, 0, len(sessions))
	for _, s := range sessions {
		application := ""
		if s.Entry != nil {
			application = s.Entry.Application
		}
		rows = append(rows, []string{
			s.SessionID, application, s.First, s.Last, s.duration(), strconv.FormatInt(s.Count, 10), s.Entry.String(), s.Exit.String(),
		})
	}
	t.table([]string{"SESSION", "APPLICATION", "FIRST", "LAST", "DURATION", "EVENTS", "ENTRY", "EXIT"}, rows)
	return nil
}

// latest returns the sessions of the newest events, the latest first. It looks
// through maxScan events at most.
func (c *sessionsCmd) latest(ctx context.Context, t *terminal, client *client) ([]string, error) {
	most := c.limit(latestSessions)
	query := c.query()
	set(query, "application", c.Application)
	query.Set("order", "desc")
	var ids []string
	seen := make(map[string]bool)
	scanned := 0
	for page, err := range client.pages(ctx, "/v1/events", query, maxScan) {
		if err != nil {
			return nil, err
		}
		for _, raw := range page.Events {
			var d document
			if err := json.Unmarshal(raw, &d); err != nil {
				return nil, noAnswer(err)
			}
			if seen[d.SessionID] {
				continue
			}
			seen[d.SessionID], ids = true, append(ids, d.SessionID)
			if len(ids) == most {
				return ids, nil
			}
		}
		if scanned += len(page.Events); scanned >= maxScan && page.NextCursor != "" {
			t.remarkf("Looked through the newest %d events; --to looks further back.", scanned)
		}
	}
	return ids, nil
}

func (c *sessionsCmd) limit(otherwise int) int {
	if c.Limit == 0 {
		return otherwise
	}
	return c.Limit
}

// session asks for one session with up to most events.
func (c *sessionsCmd) session(ctx context.Context, client *client, id string, most int) (*session, error) {
	path, query := "/v1/sessions/"+url.PathEscape(id), url.Values{}
	set(query, "application", c.Application)
	query.Set("limit", strconv.Itoa(min(most, pageSize)))
	var first struct {
		session
		NextCursor string `json:"next_cursor"`
	}
	if _, err := client.get(ctx, path, query, &first); err != nil {
		return nil, err
	}
	s := &first.session
	if most -= len(s.Events); most < 1 || first.NextCursor == "" {
		return s, nil
	}
	query.Set("cursor", first.NextCursor)
	for page, err := range client.pages(ctx, path, query, most) {
		if err != nil {
			return nil, err
		}
		s.Events = append(s.Events, page.Events...)
	}
	return s, nil
}

// show prints one session.
func (c *sessionsCmd) show(ctx context.Context, t *terminal, client *client) error {
	s, err := c.session(ctx, client, c.SessionID, c.limit(sessionEvents))
	if err != nil {
		return err
	}
	if t.json {
		return t.printJSON(s)
	}
	rows := make([][]string, 0, len(s.Events))
	for _, raw := range s.Events {
		var d document
		if err := json.Unmarshal(raw, &d); err != nil {
			return noAnswer(err)
		}
		rows = append(rows, []string{d.Timestamp, d.Application, d.Category, d.Name, string(d.Data)})
	}
	if err := t.sayf("Session %s: %d events in %s, from %s to %s", s.SessionID, s.Count, s.duration(), s.First, s.Last); err != nil {
		return err
	}
	t.table([]string{"TIME", "APPLICATION", "CATEGORY", "NAME", "DATA"}, rows)
	if int64(len(rows)) < s.Count {
		t.remarkf("There are more: see --limit.")
	}
	return nil
}
