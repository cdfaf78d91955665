package main

import (
	"fmt"
	"net/http"
)

type tokenRevokeCmd struct {
	remote
	noted
	ID string `arg:"" help:"Id of the token."`
}

// Help is the longer text of --help.
func (tokenRevokeCmd) Help() string {
	return "Example:\n  theeye token revoke jo --note 'left the company'"
}

// Run removes the token.
func (c *tokenRevokeCmd) Run(t *terminal) error {
	var gone token
	a, err := c.change(request{method: http.MethodDelete, path: tokenPath(c.ID), note: c.Note}, &gone)
	if err != nil {
		return fmt.Errorf("token %s: %w", c.ID, err)
	}
	if t.json {
		return t.printJSON(a.value())
	}
	return t.sayf("token %s: revoked", gone.ID)
}
