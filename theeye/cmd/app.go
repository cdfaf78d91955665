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

// appCmd has the commands for applications and their write keys.
type appCmd struct {
	List    appListCmd    `cmd:"" help:"List applications and their write keys."`
	Create  appCreateCmd  `cmd:"" help:"Add an application, with its first write key."`
	Rotate  appRotateCmd  `cmd:"" help:"Make a new write key that replaces one."`
	Disable appDisableCmd `cmd:"" help:"Let write keys write nothing from now on."`
}

type appListCmd struct{ serverFlags }

// Run prints a line for each write key, and one for an application without
// keys.
func (c *appListCmd) Run(p *output.Printer) error {
	var list api.ApplicationList
	resp, err := c.get(api.PathApplications, &list)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	now := time.Now()
	var rows [][]string
	for _, app := range list.Applications {
		revision := output.Uint(app.Revision)
		for _, k := range app.Keys {
			rows = append(rows, []string{
				app.Name, k.ID, k.Kind, keyState(k.KeySettings, now), strings.Join(k.Origins, " "), keyLimits(k.KeySettings), revision, app.Author,
			})
		}
		if len(app.Keys) == 0 {
			rows = append(rows, []string{app.Name, "", "", "", "", "", revision, app.Author})
		}
	}
	p.Table([]string{"APPLICATION", "KEY", "KIND", "STATE", "ORIGINS", "LIMITS", "REVISION", "AUTHOR"}, rows)
	return nil
}

// keyState says whether a write key is valid.
func keyState(k api.KeySettings, now time.Time) string {
	switch {
	case k.Disabled:
		return "disabled"
	case k.ExpiresAt.IsZero():
		return "active"
	case k.ExpiresAt.After(now):
		return "until " + output.Time(k.ExpiresAt.Time)
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
	Origin          []string `sep:"none" placeholder:"ORIGIN" help:"A site that a browser key is used from, e.g. https://shop.example. Repeatable."`
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
		return fmt.Errorf("application %s exists: %w", c.Name, err)
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

type appRotateCmd struct {
	serverFlags
	noteFlag
	Name    string        `arg:"" help:"Name of the application."`
	Key     string        `placeholder:"ID" help:"The write key to replace. Not needed where only one stays valid."`
	Overlap time.Duration `default:"24h" help:"How long the old key works beside the new one (${default}); 0 = not at all."`
}

// Run creates the new key and says how long the replaced one stays valid.
func (c *appRotateCmd) Run(p *output.Printer) error {
	if c.Overlap < 0 {
		return usageErrorf("--overlap must be a duration such as 24h, or 0")
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	id, err := c.replacedKey(ctx, server)
	if err != nil {
		return err
	}
	body, err := json.Marshal(api.KeyRotation{Replaces: id, Overlap: c.Overlap.String()})
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
	validity := c.replacedValidity(ctx, server, id)
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
func (c *appRotateCmd) replacedValidity(ctx context.Context, server *client.Client, id string) string {
	var app api.Application
	if _, err := server.Get(ctx, api.ApplicationPath(c.Name), nil, &app); err == nil {
		for _, k := range app.Keys {
			if k.ID == id && !k.ExpiresAt.IsZero() {
				return "works until " + output.Time(k.ExpiresAt.Time)
			}
		}
	}
	if c.Overlap == 0 {
		return "works no more"
	}
	return fmt.Sprintf("works for %s", c.Overlap)
}

type appDisableCmd struct {
	serverFlags
	noteFlag
	Name string `arg:"" help:"Name of the application."`
	Key  string `placeholder:"ID" help:"The write key to disable; all of them without."`
}

// disabledKeys is the result of disabling keys.
type disabledKeys struct {
	Name     string   `json:"name"`
	Revision uint64   `json:"revision"`
	Disabled []string `json:"disabled"`
}

// Run disables keys one after the other, and prints those that were disabled,
// after a failure too.
func (c *appDisableCmd) Run(p *output.Printer) error {
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
	done, err := c.disableKeys(ctx, server, app)
	return errors.Join(err, done.printTo(p))
}

// disableKeys disables the keys that are not disabled yet. Its result is valid
// with an error too.
func (c *appDisableCmd) disableKeys(ctx context.Context, server *client.Client, app api.Application) (disabledKeys, error) {
	done := disabledKeys{Name: app.Name, Revision: app.Revision, Disabled: []string{}}
	for _, k := range app.Keys {
		if k.Disabled || c.Key != "" && k.ID != c.Key {
			continue
		}
		k.Disabled = true
		body, err := json.Marshal(k.KeySettings)
		if err != nil {
			return done, fmt.Errorf("encode write key %s: %w", k.ID, err)
		}
		// The precondition keeps a limit or an origin that another client
		// changes at the same time.
		var changed api.ChangedApplication
		_, err = server.Call(ctx, client.Request{
			Method: http.MethodPut, Path: api.KeyPath(app.Name, k.ID), Body: body, IfMatch: client.Match(done.Revision), Note: c.Note,
		}, &changed)
		if err != nil {
			return done, fmt.Errorf("disable write key %s: %w", k.ID, err)
		}
		done.Revision = changed.Revision
		done.Disabled = append(done.Disabled, k.ID)
	}
	return done, nil
}

func (d disabledKeys) printTo(p *output.Printer) error {
	switch {
	case p.JSON:
		return p.Value(d)
	case len(d.Disabled) == 0:
		return p.Linef("application %s: no write key was disabled", d.Name)
	}
	return p.Linef("application %s, revision %d; disabled: %s", d.Name, d.Revision, strings.Join(d.Disabled, ", "))
}
