package main

import (
	"fmt"
	"net/http"
)

type replayCancelCmd struct {
	remote
	ID string `arg:"" help:"Its id."`
}

// Help is the longer text of --help.
func (replayCancelCmd) Help() string { return "Example:\n  theeye replay cancel 1a20b5066f337cab7" }

// Run ends a replay or dry run.
func (c *replayCancelCmd) Run(t *terminal) error { return replays.cancel(t, c.remote, c.ID) }

// cancel asks for the end of a job. One that runs ends a moment later; one that
// is over stays as it is.
func (k jobs) cancel(t *terminal, r remote, id string) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	a, err := client.do(ctx, request{method: http.MethodDelete, path: k.one(id)})
	if err != nil {
		return fmt.Errorf("%s %s: %w", k.noun, id, err)
	}
	j, err := k.read(a)
	switch {
	case err != nil:
		return err
	case t.json:
		return t.printJSON(j.raw)
	case j.State.Final():
		return t.sayf("%s: %s", j, j.State)
	}
	return t.sayf("%s: will end in a moment", j)
}
