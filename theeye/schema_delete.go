package main

import (
	"fmt"
	"net/http"
)

type schemaDeleteCmd struct {
	remote
	noted
	typed
	Match uint64 `placeholder:"N" help:"Remove it only if revision N is the newest."`
}

// Help is the longer text of --help.
func (schemaDeleteCmd) Help() string {
	return "Its events are then of an unknown type, which the policy decides about.\n\n" +
		"Example:\n  theeye schema delete 'page interaction' 'cta click' --note 'no site sends it'"
}

// Run removes the schema.
func (c *schemaDeleteCmd) Run(t *terminal) error {
	match := matching(c.Match)
	if match == "" {
		match = "*"
	}
	var done put
	a, err := c.change(request{method: http.MethodDelete, path: c.path(), match: match, note: c.Note}, &done)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typed, err)
	}
	if t.json {
		return t.printJSON(a.value())
	}
	return t.sayf("%s: removed, revision %d", c.typed, done.Revision)
}
