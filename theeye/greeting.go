package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/standalone"
)

// greeting is what `theeye up` prints once it works.
type greeting struct {
	URL      string `json:"url"`
	Admin    string `json:"admin"`
	Data     string `json:"data"`
	Store    string `json:"store"`
	Dev      *keys  `json:"dev,omitempty"`
	NewToken string `json:"operator_token,omitempty"` // printed this once

	session string
	now     time.Time
}

// keys are the credentials of --dev.
type keys struct {
	Application   string `json:"application"`
	WriteKey      string `json:"write_key"`
	AnalystToken  string `json:"analyst_token"`
	OperatorToken string `json:"operator_token"`
}

func (c *upCmd) greeting(app *standalone.App, token string) *greeting {
	g := &greeting{
		URL: "http://" + app.Addr().String(), Admin: "http://" + app.AdminAddr().String(),
		Data: c.Data, Store: "SQLite", NewToken: token, session: uuid.NewString(), now: time.Now().UTC(),
	}
	if abs, err := filepath.Abs(c.Data); err == nil {
		g.Data = abs
	}
	if c.Mongo != "" {
		g.Store = "MongoDB" // the URI may hold a password
	}
	if c.Dev {
		g.Dev = &keys{registry.DevApplication, registry.DevWriteKey, registry.DevAnalystToken, registry.DevOperatorToken}
	}
	return g
}

// print prints to people, or one JSON object.
func (g *greeting) print(t *terminal) {
	if t.json {
		_ = json.NewEncoder(t.out).Encode(g) // whoever read it has gone
		return
	}
	_, _ = fmt.Fprint(t.out, g.text())
}

func (g *greeting) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-20s%s\n", name, fmt.Sprintf(format, args...))
	}
	b.WriteString("\nThe Eye is up.\n\n")
	line("events and queries", "%s", g.URL)
	line("health and metrics", "%s/healthz /readyz /metrics", g.Admin)
	line("data", "%s (events in %s)", g.Data, g.Store)
	if g.NewToken != "" {
		b.WriteString("\nThere was no operator token, so one was made. It is shown this once:\n\n")
		line("operator token", "%s", g.NewToken)
	}
	if g.Dev != nil {
		b.WriteString("\nFor development, known to this process alone:\n\n")
		line("application", "%s", g.Dev.Application)
		line("write key", "%s", g.Dev.WriteKey)
		line("analyst token", "%s", g.Dev.AnalystToken)
		line("operator token", "%s", g.Dev.OperatorToken)
		b.WriteString("\nSend an event, and read it back:\n\n")
		b.WriteString(g.send() + "\n\n" + g.query() + "\n")
	}
	b.WriteString("\n")
	return b.String()
}

// send is a command line that works as printed.
func (g *greeting) send() string {
	return fmt.Sprintf(`curl -sS %s/v1/events -H 'Authorization: Bearer %s' -d '{"session_id": %q, `+
		`"category": "page interaction", "name": "pageview", "data": {"host": "www.example.com", "path": "/"}, "timestamp": %q}'`,
		g.URL, g.Dev.WriteKey, g.session, g.now.Format("2006-01-02T15:04:05.000000Z"))
}

// query is a command line that finds what send sent.
func (g *greeting) query() string {
	return fmt.Sprintf(`curl -sS '%s/v1/events?session_id=%s' -H 'Authorization: Bearer %s'`, g.URL, g.session, g.Dev.AnalystToken)
}
