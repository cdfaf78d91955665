package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/theeye/theeye/shared/schema"
)

type schemaPutCmd struct {
	remote
	noted
	typed
	File     string  `arg:"" optional:"" help:"File with the JSON Schema; - is standard input."`
	Match    *uint64 `placeholder:"N" help:"Replace revision N alone; 0 = there must be none. Without, the one that is there."`
	Revision uint64  `placeholder:"N" help:"Put the version of revision N again, in place of a file."`
}

// Help is the longer text of --help.
func (schemaPutCmd) Help() string {
	return "Every service judges by it within a second; what was judged before stays as it is.\n\n" +
		"Example:\n  theeye schema put 'page interaction' 'cta click' 'cta click.json' --note 'element may be absent'"
}

// put is the answer of a PUT. Revision and Was are equal when nothing changed.
type put struct {
	Category string `json:"category,omitzero"`
	Name     string `json:"name,omitzero"`
	Revision uint64 `json:"revision"`
	// Was is the revision that was replaced, 0 is none.
	Was uint64 `json:"was"`
}

// Run puts the schema and prints its revision.
func (c *schemaPutCmd) Run(t *terminal) error {
	if (c.File == "") == (c.Revision == 0) {
		return invalidf("schema put wants either a file or --revision")
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, stop := interruptible()
	defer stop()
	raw, err := c.read(ctx, client)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typed, err)
	}
	done, err := c.put(ctx, client, raw)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typed, err)
	}
	switch {
	case t.json:
		return t.printJSON(done)
	case done.Revision == done.Was:
		return t.sayf("%s: unchanged, revision %d", c.typed, done.Revision)
	case done.Was == 0:
		return t.sayf("%s: created, revision %d", c.typed, done.Revision)
	}
	return t.sayf("%s: changed, revision %d replaces %d", c.typed, done.Revision, done.Was)
}

// read returns the schema from where the command was told to take it.
func (c *schemaPutCmd) read(ctx context.Context, client *client) ([]byte, error) {
	if c.Revision == 0 {
		return readInput(c.File)
	}
	if c.Note == "" {
		c.Note = fmt.Sprintf("revision %d again", c.Revision)
	}
	a, err := client.do(ctx, request{method: http.MethodGet, path: c.path(), query: atRevision(c.Revision)})
	if err != nil {
		return nil, err
	}
	return a.body, nil
}

func (c *schemaPutCmd) put(ctx context.Context, client *client, raw []byte) (put, error) {
	was, err := c.present(ctx, client)
	if err != nil {
		return put{}, err
	}
	a, err := client.do(ctx, request{
		method: http.MethodPut, path: c.path(), body: raw, match: matching(was), note: c.Note,
	})
	if err != nil {
		return put{}, err
	}
	done := put{Was: was}
	return done, a.decode(&done)
}

// present returns the revision to replace.
func (c *schemaPutCmd) present(ctx context.Context, client *client) (uint64, error) {
	if c.Match != nil {
		return *c.Match, nil
	}
	a, err := client.do(ctx, request{method: http.MethodGet, path: c.path()})
	switch {
	case status(err) == http.StatusNotFound:
		return 0, nil
	case err != nil:
		return 0, err
	}
	return a.revision(), nil
}

// matching is the If-Match for a revision; 0 is none: it must be new.
func matching(revision uint64) string {
	if revision == 0 {
		return ""
	}
	return strconv.Quote(strconv.FormatUint(revision, 10))
}

// readInput reads a file, or standard input for "-", up to the size that a
// schema may have.
func readInput(name string) (raw []byte, err error) {
	in := os.Stdin
	if name != "-" {
		if in, err = os.Open(name); err != nil { //nolint:gosec // the user names it
			return nil, invalid{err}
		}
		defer func() { err = errors.Join(err, in.Close()) }()
	}
	raw, err = io.ReadAll(io.LimitReader(in, schema.MaxBytes+1))
	switch {
	case err != nil:
		return nil, invalid{err}
	case len(raw) > schema.MaxBytes:
		return nil, invalidf("%s has more than %d bytes", name, schema.MaxBytes)
	}
	return raw, nil
}
