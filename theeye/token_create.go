package main

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
)

type tokenCreateCmd struct {
	remote
	noted
	ID          string   `arg:"" help:"Id, which the history names as author: 1 to 64 of a-z, 0-9 and -."`
	Role        string   `required:"" enum:"analyst,operator" placeholder:"ROLE" help:"analyst queries; operator does everything."`
	Application []string `sep:"none" placeholder:"NAME" help:"The only application that an analyst sees. Repeatable; all without."`
}

// Help is the longer text of --help.
func (tokenCreateCmd) Help() string {
	return "The token is the only thing on standard output, and is shown this once.\n\n" +
		"Example:\n  theeye token create jo --role analyst --application shop"
}

// Run makes the token and prints its secret.
func (c *tokenCreateCmd) Run(t *terminal) error {
	body, err := json.Marshal(struct {
		ID           string   `json:"id"`
		Role         string   `json:"role"`
		Applications []string `json:"applications,omitempty"`
	}{c.ID, c.Role, c.Application})
	if err != nil {
		return fmt.Errorf("encode the token: %w", err)
	}
	var made token
	a, err := c.change(post(pathTokens, c.Note, body), &made)
	if status(err) == http.StatusPreconditionFailed {
		return fmt.Errorf("token %s exists: %w", c.ID, err)
	}
	if err != nil {
		return fmt.Errorf("token %s: %w", c.ID, err)
	}
	if t.json {
		return t.printJSON(a.value())
	}
	t.remarkf("token %s (%s); its secret, shown this once:", made.ID, made.Role)
	return t.sayf("%s", made.Secret)
}
