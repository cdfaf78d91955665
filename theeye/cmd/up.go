package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/standalone"
	"github.com/theeye/theeye/theeye/output"
)

type upCmd struct{ standalone.Settings }

const (
	// workingMemory is the room for the flow of events, in bytes of Go's memory. To it the
	// soft limit adds the bytes that queries hold: columns, and answers that are made. So
	// garbage does not take the room of columns that no query needs. SQLite and the
	// program itself have some 100 MiB beside it.
	workingMemory = 270 << 20
	// mostMemory bounds the limit.
	mostMemory = 400 << 20
	// memoryInterval is the time between two changes of the limit.
	memoryInterval = time.Second
)

// garbagePercent bounds garbage, in percent of the memory in use. Most of that is blocks
// of messages, which cost the collector little, so it may run twice as often as by default.
const garbagePercent = 50

// Run runs everything until a signal ends it.
func (c *upCmd) Run(printer *output.Printer, parser *kong.Kong) error {
	faults := daemon.ReadFaults(parser.Model)
	p := daemon.NewProcess("theeye", printer.Err, c.LogLevel.Value)
	daemon.WarnUnknown(p.Logger, parser.Model)
	code := daemon.Supervise(p.Logger, func(ctx context.Context) error {
		return c.serve(ctx, p, faults, printer)
	})
	if code != daemon.ExitOK {
		return exitCode(code)
	}
	return nil
}

func (c *upCmd) serve(ctx context.Context, p *daemon.Process, faults daemon.Faults, printer *output.Printer) error {
	cfg := c.Configure(p)
	var token string
	cfg.NewOperatorToken = func(secret string) { token = secret } // before Started is closed
	faults = slices.Concat(faults, cfg.Faults())                  //nolint:contextcheck // it does not wait for anything
	if len(faults) > 0 {
		return faults
	}
	p.Logger.InfoContext(ctx, "Starting", slog.String("version", daemon.Version()), slog.String("data", c.Data))
	indicator := printer.StartIndicator()
	defer indicator.Stop()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	app, err := standalone.New(cfg)
	if err != nil {
		return err
	}
	greeted, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(greeted)
		select {
		case <-app.Started():
			indicator.Stop()
			c.banner(app, token).printTo(printer)
		case <-ended:
		}
	}()
	if os.Getenv("GOMEMLIMIT") == "" {
		go limitMemory(app.HeldBytes, ended)
	}
	err = app.Run(ctx)
	close(ended)
	<-greeted
	return err
}

// limitMemory keeps the soft limit of Go's memory by what queries hold, until ended is
// closed.
func limitMemory(held func() int64, ended <-chan struct{}) {
	tick := time.NewTicker(memoryInterval)
	defer tick.Stop()
	for {
		debug.SetMemoryLimit(memoryLimit(held()))
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}

// memoryLimit is the soft limit for what queries hold, in bytes.
func memoryLimit(held int64) int64 { return min(workingMemory+held, mostMemory) }

// banner is what `theeye up` prints once it has started.
type banner struct {
	URL      string          `json:"url"`
	UI       string          `json:"ui"`
	Admin    string          `json:"admin"`
	Data     string          `json:"data"`
	Store    string          `json:"store"`
	Dev      *devCredentials `json:"dev,omitempty"`
	NewToken string          `json:"operator_token,omitempty"` // printed this once

	session string
	now     time.Time
}

// devCredentials are the credentials of --dev.
type devCredentials struct {
	Application   string `json:"application"`
	WriteKey      string `json:"write_key"`
	AnalystToken  string `json:"analyst_token"`
	OperatorToken string `json:"operator_token"`
}

func (c *upCmd) banner(app *standalone.App, token string) *banner {
	b := &banner{
		URL: "http://" + app.Addr().String(), Admin: "http://" + app.AdminAddr().String(),
		Data: c.Data, Store: "SQLite", NewToken: token, session: uuid.NewString(), now: time.Now().UTC(),
	}
	if abs, err := filepath.Abs(c.Data); err == nil {
		b.Data = abs
	}
	if c.Mongo != "" {
		b.Store = "MongoDB" // not the URI, which can contain a password
	}
	if c.Dev {
		b.Dev = &devCredentials{registry.DevApplication, registry.DevWriteKey, registry.DevAnalystToken, registry.DevOperatorToken}
	}
	b.UI = b.uiLink()
	return b
}

// uiLink is the address of the web UI. With --dev it signs in: the token stands in the
// fragment, which no browser sends and which the page removes.
func (b *banner) uiLink() string {
	link := b.URL + api.PathUI + "/"
	if b.Dev != nil {
		link += "#token=" + url.QueryEscape(b.Dev.OperatorToken)
	}
	return link
}

// printTo prints the banner, with --json as one object. It ignores errors: the
// services run whether or not the output has a reader.
func (b *banner) printTo(p *output.Printer) {
	if p.JSON {
		_ = json.NewEncoder(p.Out).Encode(b)
		return
	}
	_, _ = fmt.Fprint(p.Out, b.text())
}

func (b *banner) text() string {
	var s strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&s, "  %-20s%s\n", name, fmt.Sprintf(format, args...))
	}
	s.WriteString("\nThe Eye is up.\n\n")
	line("web UI", "%s", b.UI)
	line("events and queries", "%s", b.URL)
	line("health and metrics", "%s/healthz /readyz /metrics", b.Admin)
	line("data", "%s (events in %s)", b.Data, b.Store)
	if b.NewToken != "" {
		s.WriteString("\nThere was no operator token, so one was made. It is shown this once:\n\n")
		line("operator token", "%s", b.NewToken)
	}
	if b.Dev != nil {
		s.WriteString("\nFor development, known to this process alone:\n\n")
		line("application", "%s", b.Dev.Application)
		line("write key", "%s", b.Dev.WriteKey)
		line("analyst token", "%s", b.Dev.AnalystToken)
		line("operator token", "%s", b.Dev.OperatorToken)
		line("example site", "%s/example/", b.URL)
		s.WriteString("\nSend an event, and read it back:\n\n")
		s.WriteString(b.sendCommand() + "\n\n" + b.queryCommand() + "\n")
	}
	s.WriteString("\n")
	return s.String()
}

// sendCommand is a command line that sends an event. It works as printed.
func (b *banner) sendCommand() string {
	return fmt.Sprintf(`curl -sS %s/v1/events -H 'Authorization: Bearer %s' -d '{"session_id": %q, `+
		`"category": "page interaction", "name": "pageview", "data": {"host": "www.example.com", "path": "/"}, "timestamp": %q}'`,
		b.URL, b.Dev.WriteKey, b.session, b.now.Format("2006-01-02T15:04:05.000000Z"))
}

// queryCommand is a command line that finds the event of sendCommand.
func (b *banner) queryCommand() string {
	return fmt.Sprintf(`curl -sS '%s/v1/events?session_id=%s' -H 'Authorization: Bearer %s'`, b.URL, b.session, b.Dev.AnalystToken)
}
