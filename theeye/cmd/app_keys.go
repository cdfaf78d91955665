package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

type appRotateCmd struct {
	serverFlags
	noteFlag
	Name    string       `arg:"" help:"Name of the application."`
	Key     string       `placeholder:"ID" help:"The write key to replace. Not needed where only one stays valid."`
	Overlap durationFlag `default:"24h" placeholder:"DURATION" help:"How long the old key works beside the new one, e.g. 90m or 7d (${default}); 0 = not at all."`
}

// Run creates the new key and says how long the replaced one stays valid.
func (c *appRotateCmd) Run(p *output.Printer) error {
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	id, err := c.replacedKey(ctx, server)
	if err != nil {
		return err
	}
	body, err := json.Marshal(api.KeyRotation{Replaces: id, Overlap: time.Duration(c.Overlap).String()})
	if err != nil {
		return fmt.Errorf("encode the rotation: %w", err)
	}
	var created api.ChangedApplication
	resp, err := server.Call(ctx, client.Request{
		Method: http.MethodPost, Path: api.KeysPath(c.Name), Body: body, Note: c.Note,
	}, &created)
	if err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	// From here on nothing may fail before the secret is printed: no later
	// answer contains it.
	validity := c.replacedValidity(ctx, p, server, id)
	p.Remarkf("application %s, revision %d; the old write key %s %s", created.Name, created.Revision, id, validity)
	if p.JSON {
		return p.Value(resp.Body)
	}
	key, err := createdKey(created)
	if err != nil {
		return err
	}
	p.Remarkf("the secret of write key %s (%s), shown this once:", key.ID, key.Kind)
	return p.Linef("%s", key.Secret)
}

// replacedKey returns the id of the key to replace.
func (c *appRotateCmd) replacedKey(ctx context.Context, server *client.Client) (string, error) {
	if c.Key != "" {
		return c.Key, nil
	}
	var app api.Application
	if _, err := server.Get(ctx, api.ApplicationPath(c.Name), nil, &app); err != nil {
		return "", fmt.Errorf("application %s: %w", c.Name, err)
	}
	var permanent []string
	for _, k := range app.Keys {
		if !k.Disabled && k.ExpiresAt.IsZero() {
			permanent = append(permanent, k.ID)
		}
	}
	switch len(permanent) {
	case 1:
		return permanent[0], nil
	case 0:
		return "", usageErrorf("application %s has no write key that stays valid; say which to replace by --key", c.Name)
	}
	return "", usageErrorf("application %s has several write keys; say which to replace by --key: %s", c.Name, strings.Join(permanent, ", "))
}

// replacedValidity says how long the replaced key stays valid: as the server
// has it, or if that cannot be read, as it was requested.
func (c *appRotateCmd) replacedValidity(ctx context.Context, p *output.Printer, server *client.Client, id string) string {
	var app api.Application
	if _, err := server.Get(ctx, api.ApplicationPath(c.Name), nil, &app); err == nil {
		for _, k := range app.Keys {
			switch {
			case k.ID != id:
			case k.Disabled:
				return "stays disabled"
			case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(time.Now()):
				return "works no more"
			case !k.ExpiresAt.IsZero():
				return "works until " + p.Time(k.ExpiresAt.Time)
			}
		}
	}
	if c.Overlap == 0 {
		return "works no more"
	}
	return fmt.Sprintf("works for %s", c.Overlap)
}

type appDisableCmd struct{ keySwitch }

// Run disables keys one after the other, and prints those that were disabled,
// after a failure too.
func (c *appDisableCmd) Run(p *output.Printer) error { return c.setDisabled(p, true) }

type appEnableCmd struct{ keySwitch }

// Run enables keys one after the other, and prints those that were enabled, after
// a failure too.
func (c *appEnableCmd) Run(p *output.Printer) error { return c.setDisabled(p, false) }

// keySwitch disables or enables write keys of an application.
type keySwitch struct {
	serverFlags
	noteFlag
	Name string `arg:"" help:"Name of the application."`
	Key  string `placeholder:"ID" help:"The write key; all of them without."`
}

// switchedKeys is the result of disabling or enabling keys: one of the slices is
// nil.
type switchedKeys struct {
	Name     string   `json:"name"`
	Revision uint64   `json:"revision"`
	Disabled []string `json:"disabled,omitzero"`
	Enabled  []string `json:"enabled,omitzero"`
}

func (c *keySwitch) setDisabled(p *output.Printer, disabled bool) error {
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	var app api.Application
	if _, err := server.Get(ctx, api.ApplicationPath(c.Name), nil, &app); err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	if c.Key != "" && !slices.ContainsFunc(app.Keys, func(k api.Key) bool { return k.ID == c.Key }) {
		return fmt.Errorf("application %s has no write key %s", c.Name, c.Key)
	}
	done := switchedKeys{Name: app.Name, Revision: app.Revision}
	ids := &done.Enabled
	if disabled {
		ids = &done.Disabled
	}
	*ids = []string{}
	err = c.switchKeys(ctx, server, app, disabled, func(id string, revision uint64) {
		*ids, done.Revision = append(*ids, id), revision
	})
	return errors.Join(err, done.printTo(p))
}

// switchKeys changes the keys that are not so yet, and calls changed after each.
func (c *keySwitch) switchKeys(ctx context.Context, server *client.Client, app api.Application, disabled bool, changed func(id string, revision uint64)) error {
	revision := app.Revision
	for _, k := range app.Keys {
		if k.Disabled == disabled || c.Key != "" && k.ID != c.Key {
			continue
		}
		k.Disabled = disabled
		body, err := json.Marshal(k.KeySettings)
		if err != nil {
			return fmt.Errorf("encode write key %s: %w", k.ID, err)
		}
		// The precondition keeps a limit or an origin that another client
		// changes at the same time.
		var answer api.ChangedApplication
		_, err = server.Call(ctx, client.Request{
			Method: http.MethodPut, Path: api.KeyPath(app.Name, k.ID), Body: body, IfMatch: client.Match(revision), Note: c.Note,
		}, &answer)
		if err != nil {
			return fmt.Errorf("write key %s: %w", k.ID, err)
		}
		revision = answer.Revision
		changed(k.ID, revision)
	}
	return nil
}

func (d switchedKeys) printTo(p *output.Printer) error {
	ids, verb := d.Disabled, "disabled"
	if d.Enabled != nil {
		ids, verb = d.Enabled, "enabled"
	}
	switch {
	case p.JSON:
		return p.Value(d)
	case len(ids) == 0:
		return p.Linef("application %s: no write key was %s", d.Name, verb)
	}
	return p.Linef("application %s, revision %d; %s: %s", d.Name, d.Revision, verb, strings.Join(ids, ", "))
}
