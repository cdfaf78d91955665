package main

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
)

type appCreateCmd struct {
	remote
	noted
	Name            string   `arg:"" help:"Name: 1 to 32 of a-z, 0-9 and -."`
	Kind            string   `default:"server" enum:"server,browser" help:"server: the key is secret. browser: it may be public, and is used from --origin alone (${default})."`
	Origin          []string `sep:"none" placeholder:"ORIGIN" help:"A site that a browser key is used from, e.g. https://shop.example. Repeatable."`
	EventsPerSecond int64    `placeholder:"N" help:"How many events the key may write a second; 0 is no limit."`
	BytesPerSecond  int64    `placeholder:"N" help:"How many bytes the key may write a second; 0 is no limit."`
}

// Help is the longer text of --help.
func (appCreateCmd) Help() string {
	return "The write key is the only thing on standard output, and is shown this once.\n\n" +
		"Example:\n  theeye app create shop --kind browser --origin https://shop.example"
}

// Run creates the application and prints the secret of its key.
func (c *appCreateCmd) Run(t *terminal) error {
	if (c.Kind == "browser") != (len(c.Origin) > 0) {
		return invalidf("a browser key needs --origin, a server key has none")
	}
	body, err := json.Marshal(struct {
		Name string `json:"name"`
		keyUse
	}{c.Name, keyUse{
		Kind: c.Kind, Origins: c.Origin, EventsPerSecond: c.EventsPerSecond, BytesPerSecond: c.BytesPerSecond,
	}})
	if err != nil {
		return fmt.Errorf("encode the application: %w", err)
	}
	var made madeKey
	a, err := c.change(post(pathApplications, c.Note, body), &made)
	if status(err) == http.StatusPreconditionFailed {
		return fmt.Errorf("application %s exists: %w", c.Name, err)
	}
	if err != nil {
		return fmt.Errorf("application %s: %w", c.Name, err)
	}
	if t.json {
		return t.printJSON(a.value())
	}
	t.remarkf("application %s, revision %d; the secret of write key %s (%s), shown this once:",
		made.Name, made.Revision, made.Key.ID, made.Key.Kind)
	return t.sayf("%s", made.Key.Secret)
}
