package cmd

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type appSetCmd struct {
	serverFlags
	noteFlag
	Name           string   `arg:"" help:"Name of the application."`
	Adapter        []string `placeholder:"FORMAT" help:"Take events in this format of another product: cloudevents, segment or snowplow, and no other one that is not named; none takes none. Repeatable."`
	MissingSession string   `placeholder:"WHAT" help:"What an event in such a format gets that has no session: anonymous derives one from the id of who sent it, reject rejects the event."`
}

// noAdapters stands for an empty list of adapters.
const noAdapters = "none"

// Run changes the settings that are given, and leaves the others.
func (c *appSetCmd) Run(p *output.Printer) error {
	if len(c.Adapter) == 0 && c.MissingSession == "" {
		return usageErrorf("give --adapter or --missing-session")
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	var app api.Application
	if _, err := server.Get(ctx, api.ApplicationPath(c.Name), nil, &app); err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	settings := app.ApplicationSettings
	if len(c.Adapter) > 0 {
		settings.Adapters = nil
		for _, name := range c.Adapter {
			switch {
			case name == noAdapters && len(c.Adapter) > 1:
				return usageErrorf("--adapter %s goes with no other", noAdapters)
			case name != noAdapters:
				settings.Adapters = append(settings.Adapters, name)
			}
		}
	}
	if c.MissingSession != "" {
		settings.MissingSession = c.MissingSession
	}
	body, err := json.Marshal(settings)
	if err != nil {
		return fmt.Errorf("encode the settings: %w", err)
	}
	var changed api.ChangedApplication
	resp, err := server.Call(ctx, client.Request{
		Method: http.MethodPut, Path: api.ApplicationSettingsPath(c.Name), Body: body, IfMatch: client.Match(app.Revision), Note: c.Note,
	}, &changed)
	if err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	adapters := strings.Join(settings.Adapters, ", ")
	if adapters == "" {
		adapters = noAdapters
	}
	return p.Linef("application %s, revision %d; adapters: %s", c.Name, changed.Revision, adapters)
}
