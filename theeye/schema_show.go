package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

type schemaShowCmd struct {
	remote
	typed
	Revision uint64 `placeholder:"N" help:"The version that this revision made; the newest without."`
}

// Help is the longer text of --help.
func (schemaShowCmd) Help() string {
	return "Example:\n  theeye schema show 'page interaction' 'cta click' > 'cta click.json'"
}

// Run prints the schema and nothing else: a file that can be put.
func (c *schemaShowCmd) Run(t *terminal) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	a, err := client.do(ctx, request{method: http.MethodGet, path: c.path(), query: atRevision(c.Revision)})
	if err != nil {
		return fmt.Errorf("%s: %w", c.typed, err)
	}
	if t.json {
		return t.printJSON(a.value())
	}
	return t.document(pretty(a.body))
}

// atRevision is the query for an earlier version; 0 is the newest.
func atRevision(revision uint64) url.Values {
	if revision == 0 {
		return nil
	}
	return url.Values{"revision": {strconv.FormatUint(revision, 10)}}
}
