package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

type appDisableCmd struct {
	remote
	noted
	Name string `arg:"" help:"Name of the application."`
	Key  string `placeholder:"ID" help:"The write key to disable; all of them without."`
}

// Help is the longer text of --help.
func (appDisableCmd) Help() string {
	return "Within a second, requests with the key are answered 403. What it wrote stays.\n\n" +
		"Example:\n  theeye app disable shop --key 0123456789ab --note 'it leaked'"
}

// disabled is what the command did.
type disabled struct {
	Name     string   `json:"name"`
	Revision uint64   `json:"revision"`
	Disabled []string `json:"disabled"`
}

// Run disables keys, one after the other.
func (c *appDisableCmd) Run(t *terminal) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	var app application
	if _, err := client.get(ctx, applicationPath(c.Name), nil, &app); err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	if c.Key != "" && !slices.ContainsFunc(app.Keys, func(k writeKey) bool { return k.ID == c.Key }) {
		return fmt.Errorf("application %s has no write key %s", c.Name, c.Key)
	}
	done, err := c.disable(ctx, client, app)
	return errors.Join(err, done.print(t))
}

// print prints what was done, also before a failure.
func (d disabled) print(t *terminal) error {
	switch {
	case t.json:
		return t.printJSON(d)
	case len(d.Disabled) == 0:
		return t.sayf("application %s: no write key was disabled", d.Name)
	}
	return t.sayf("application %s, revision %d; disabled: %s", d.Name, d.Revision, strings.Join(d.Disabled, ", "))
}

// disable disables what is not disabled yet. After a failure it says what was
// done before it.
func (c *appDisableCmd) disable(ctx context.Context, client *client, app application) (disabled, error) {
	done := disabled{Name: app.Name, Revision: app.Revision, Disabled: []string{}}
	for _, k := range app.Keys {
		if k.Disabled || c.Key != "" && k.ID != c.Key {
			continue
		}
		k.keyUse.Disabled = true
		body, err := json.Marshal(k.keyUse)
		if err != nil {
			return done, fmt.Errorf("encode write key %s: %w", k.ID, err)
		}
		// Only what was seen is replaced: a limit or an origin that somebody
		// sets meanwhile is not undone.
		_, err = client.change(ctx, request{
			method: http.MethodPut, path: app.keyPath(k.ID), body: body, match: matching(done.Revision), note: c.Note,
		}, &done)
		if err != nil {
			return done, fmt.Errorf("disable write key %s: %w", k.ID, err)
		}
		done.Disabled = append(done.Disabled, k.ID)
	}
	return done, nil
}
