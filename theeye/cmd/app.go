package cmd

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

// appCmd has the commands for applications and their write keys.
type appCmd struct {
	List    appListCmd    `cmd:"" help:"List applications and their write keys."`
	Show    appShowCmd    `cmd:"" help:"Show one application."`
	Create  appCreateCmd  `cmd:"" help:"Add an application, with its first write key."`
	Set     appSetCmd     `cmd:"" help:"Change which formats of other products an application takes, and what events without a session get."`
	Rotate  appRotateCmd  `cmd:"" help:"Make a new write key that replaces one."`
	Disable appDisableCmd `cmd:"" help:"Let write keys write nothing from now on."`
	Enable  appEnableCmd  `cmd:"" help:"Let disabled write keys write again."`
	Delete  appDeleteCmd  `cmd:"" help:"Remove an application with its write keys. Its events stay."`
}

type appListCmd struct{ serverFlags }

// Run prints a line for each write key, and one for an application without
// keys.
func (c *appListCmd) Run(p *output.Printer) error {
	return c.printAll(p, api.PathApplications, nil, wholeList{
		member: "applications", header: applicationHeader,
		rows:  rowsOf(func(app *api.Application) [][]string { return applicationRows(p, app) }),
		empty: "The registry has no application: theeye app create adds one.",
	})
}

type appShowCmd struct {
	serverFlags
	Name string `arg:"" help:"Name of the application."`
}

// Run prints a line for each write key of the application.
func (c *appShowCmd) Run(p *output.Printer) error {
	var app api.Application
	resp, err := c.get(api.ApplicationPath(c.Name), &app)
	if err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	p.Table(applicationHeader, applicationRows(p, &app))
	if len(app.Adapters) > 0 {
		p.Remarkf("adapters: %s", strings.Join(app.Adapters, ", "))
	}
	return nil
}

var applicationHeader = []string{"APPLICATION", "KEY", "KIND", "STATE", "ORIGINS", "LIMITS", "REVISION", "AUTHOR", "LAST USED"}

// applicationRows are a row for each write key, and one for an application
// without keys.
func applicationRows(p *output.Printer, app *api.Application) [][]string {
	now, revision := time.Now(), output.Uint(app.Revision)
	if len(app.Keys) == 0 {
		return [][]string{{app.Name, "", "", "", "", "", revision, app.Author, ""}}
	}
	rows := make([][]string, 0, len(app.Keys))
	for _, k := range app.Keys {
		rows = append(rows, []string{
			app.Name, k.ID, k.Kind, keyState(p, k.KeySettings, now), strings.Join(k.Origins, " "), keyLimits(k.KeySettings), revision, app.Author, p.Time(k.LastUsedAt.Time),
		})
	}
	return rows
}

// keyState says whether a write key is valid.
func keyState(p *output.Printer, k api.KeySettings, now time.Time) string {
	switch {
	case k.Disabled:
		return "disabled"
	case k.ExpiresAt.IsZero():
		return "active"
	case k.ExpiresAt.After(now):
		return "until " + p.Time(k.ExpiresAt.Time)
	}
	return "expired"
}

// keyLimits formats the limits of a write key, "" if it has none.
func keyLimits(k api.KeySettings) string {
	var limits []string
	if k.EventsPerSecond > 0 {
		limits = append(limits, fmt.Sprintf("%d events/s", k.EventsPerSecond))
	}
	if k.BytesPerSecond > 0 {
		limits = append(limits, fmt.Sprintf("%d bytes/s", k.BytesPerSecond))
	}
	return strings.Join(limits, ", ")
}

type appCreateCmd struct {
	serverFlags
	noteFlag
	Name            string   `arg:"" help:"Name: 1 to 32 of a-z, 0-9 and -."`
	Kind            string   `default:"server" enum:"server,browser" help:"server: the key is secret. browser: it may be public, and is used from --origin alone (${default})."`
	Origin          []string `sep:"none" placeholder:"ORIGIN" help:"A site that a browser key is used from: https://shop.example, https://*.shop.example for its subdomains, capacitor://localhost for an app. Repeatable."`
	EventsPerSecond int64    `placeholder:"N" help:"How many events the key may write a second; 0 is no limit."`
	BytesPerSecond  int64    `placeholder:"N" help:"How many bytes the key may write a second; 0 is no limit."`
}

// Run creates the application and prints the secret of its key.
func (c *appCreateCmd) Run(p *output.Printer) error {
	if (c.Kind == api.KindBrowser) != (len(c.Origin) > 0) {
		return usageErrorf("a browser key needs --origin, a server key has none")
	}
	body, err := json.Marshal(api.NewApplication{Name: c.Name, KeySettings: api.KeySettings{
		Kind: c.Kind, Origins: c.Origin, EventsPerSecond: c.EventsPerSecond, BytesPerSecond: c.BytesPerSecond,
	}})
	if err != nil {
		return fmt.Errorf("encode the application: %w", err)
	}
	var created api.ChangedApplication
	resp, err := c.call(client.Request{Method: http.MethodPost, Path: api.PathApplications, Body: body, Note: c.Note}, &created)
	if client.Status(err) == http.StatusPreconditionFailed {
		return fmt.Errorf("application %s exists; theeye app rotate %s makes a new write key: %w", c.Name, c.Name, err)
	}
	if err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	key, err := createdKey(created)
	if err != nil {
		return err
	}
	p.Remarkf("application %s, revision %d; the secret of write key %s (%s), shown this once:",
		created.Name, created.Revision, key.ID, key.Kind)
	return p.Linef("%s", key.Secret)
}

// createdKey returns the key of an answer that must have one.
func createdKey(created api.ChangedApplication) (*api.NewKey, error) {
	if created.Key == nil {
		return nil, &client.ForeignError{Err: errors.New("it has no write key")}
	}
	return created.Key, nil
}

type appDeleteCmd struct {
	serverFlags
	noteFlag
	yesFlag
	Name string `arg:"" help:"Name of the application."`
}

// Run removes the application, unless it changes after the question.
func (c *appDeleteCmd) Run(p *output.Printer) error {
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	var app api.Application
	if _, err := server.Get(ctx, api.ApplicationPath(c.Name), nil, &app); err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	if err := c.confirm(p, fmt.Sprintf("Application %s and its write keys (%d) will be removed, and its sites answered 401; its events stay.", c.Name, len(app.Keys))); err != nil {
		return err
	}
	var changed api.ChangedApplication
	resp, err := server.Call(ctx, client.Request{
		Method: http.MethodDelete, Path: api.ApplicationPath(c.Name), IfMatch: client.Match(app.Revision), Note: c.Note,
	}, &changed)
	if err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	return p.Linef("application %s: removed, revision %d", c.Name, changed.Revision)
}
