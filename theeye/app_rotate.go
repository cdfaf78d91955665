package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

type appRotateCmd struct {
	remote
	noted
	Name    string        `arg:"" help:"Name of the application."`
	Key     string        `placeholder:"ID" help:"The write key to replace. Not needed where only one stays valid."`
	Overlap time.Duration `default:"24h" help:"How long the old key works beside the new one (${default}); 0 = not at all."`
}

// Help is the longer text of --help.
func (appRotateCmd) Help() string {
	return "The new write key is the only thing on standard output, and is shown this once.\n" +
		"It has the kind, origins and limits of the old one.\n\n" +
		"Example:\n  theeye app rotate shop --overlap 48h"
}

// Run makes the new key, and says until when the old one works.
func (c *appRotateCmd) Run(t *terminal) error {
	if c.Overlap < 0 {
		return invalidf("--overlap wants a duration such as 24h, or 0")
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	id, err := c.replaces(ctx, client)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"replaces": id, "overlap": c.Overlap.String()})
	if err != nil {
		return fmt.Errorf("encode the rotation: %w", err)
	}
	var made madeKey
	a, err := client.change(ctx, post(applicationPath(c.Name)+"/keys", c.Note, body), &made)
	if err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	// What was shown once must be shown even if nothing else can be asked.
	old := c.ends(ctx, client, id)
	t.remarkf("application %s, revision %d; the old write key %s %s", made.Name, made.Revision, id, old)
	if t.json {
		return t.printJSON(a.value())
	}
	t.remarkf("the secret of write key %s (%s), shown this once:", made.Key.ID, made.Key.Kind)
	return t.sayf("%s", made.Key.Secret)
}

// replaces returns the key to replace.
func (c *appRotateCmd) replaces(ctx context.Context, client *client) (string, error) {
	if c.Key != "" {
		return c.Key, nil
	}
	var app application
	if _, err := client.get(ctx, applicationPath(c.Name), nil, &app); err != nil {
		return "", fmt.Errorf("application %s: %w", c.Name, err)
	}
	var lasting []string
	for _, k := range app.Keys {
		if !k.Disabled && k.ExpiresAt.IsZero() {
			lasting = append(lasting, k.ID)
		}
	}
	switch len(lasting) {
	case 1:
		return lasting[0], nil
	case 0:
		return "", invalidf("application %s has no write key that stays valid; say which to replace by --key", c.Name)
	}
	return "", invalidf("application %s has several write keys; say which to replace by --key: %s", c.Name, strings.Join(lasting, ", "))
}

// ends says until when the old key works.
func (c *appRotateCmd) ends(ctx context.Context, client *client, id string) string {
	var app application
	if _, err := client.get(ctx, applicationPath(c.Name), nil, &app); err == nil {
		for _, k := range app.Keys {
			if k.ID == id && !k.ExpiresAt.IsZero() {
				return "works until " + stamp(k.ExpiresAt)
			}
		}
	}
	if c.Overlap == 0 {
		return "works no more"
	}
	return fmt.Sprintf("works for %s", c.Overlap)
}
