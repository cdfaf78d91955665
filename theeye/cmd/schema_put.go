package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/theeye/output"
)

type schemaPutCmd struct {
	serverFlags
	noteFlag
	typeArgs
	File     string  `arg:"" optional:"" help:"File with the JSON Schema; - is standard input."`
	Match    *uint64 `placeholder:"N" help:"Replace revision N alone; 0 = there must be none. Without, the one that is there."`
	Revision uint64  `placeholder:"N" help:"Put the version of revision N again, in place of a file."`
}

// putResult is the result of a put. Revision and Was are equal when nothing
// changed.
type putResult struct {
	api.ChangedType
	// Was is the replaced revision, 0 if the schema is new.
	Was uint64 `json:"was"`
}

// Run puts the schema and prints its revision.
func (c *schemaPutCmd) Run(p *output.Printer) error {
	if (c.File == "") == (c.Revision == 0) {
		return usageErrorf("schema put needs either a file or --revision")
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	raw, err := c.readSchema(ctx, server)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	result, err := c.putSchema(ctx, server, raw)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	switch {
	case p.JSON:
		return p.Value(result)
	case result.Revision == result.Was:
		return p.Linef("%s: unchanged, revision %d", c.typeArgs, result.Revision)
	case result.Was == 0:
		return p.Linef("%s: created, revision %d", c.typeArgs, result.Revision)
	}
	return p.Linef("%s: changed, revision %d replaces %d", c.typeArgs, result.Revision, result.Was)
}

// readSchema reads the schema from the file or from an earlier revision.
func (c *schemaPutCmd) readSchema(ctx context.Context, server *client.Client) ([]byte, error) {
	if c.Revision == 0 {
		return readSchemaFile(c.File)
	}
	if c.Note == "" {
		c.Note = fmt.Sprintf("revision %d again", c.Revision)
	}
	resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: c.schemaPath(), Query: revisionQuery(c.Revision)})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// revisionQuery requests the version of a revision; 0 is the newest.
func revisionQuery(revision uint64) url.Values {
	if revision == 0 {
		return nil
	}
	return url.Values{"revision": {output.Uint(revision)}}
}

func (c *schemaPutCmd) putSchema(ctx context.Context, server *client.Client, raw []byte) (putResult, error) {
	was, err := c.replacedRevision(ctx, server)
	if err != nil {
		return putResult{}, err
	}
	result := putResult{Was: was}
	_, err = server.Call(ctx, client.Request{
		Method: http.MethodPut, Path: c.schemaPath(), Body: raw, IfMatch: client.Match(was), Note: c.Note,
	}, &result.ChangedType)
	return result, err
}

// replacedRevision returns the revision to replace, 0 if the schema is new.
func (c *schemaPutCmd) replacedRevision(ctx context.Context, server *client.Client) (uint64, error) {
	if c.Match != nil {
		return *c.Match, nil
	}
	resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: c.schemaPath()})
	switch {
	case client.Status(err) == http.StatusNotFound:
		return 0, nil
	case err != nil:
		return 0, err
	}
	return resp.Revision(), nil
}

// readSchemaFile reads a file, or standard input for "-", up to the maximum
// size of a schema.
func readSchemaFile(name string) (raw []byte, err error) {
	in := os.Stdin
	if name != "-" {
		if in, err = os.Open(name); err != nil { //nolint:gosec // the user names it
			return nil, usageError{err}
		}
		defer func() { err = errors.Join(err, in.Close()) }()
	}
	raw, err = io.ReadAll(io.LimitReader(in, schema.MaxBytes+1))
	switch {
	case err != nil:
		return nil, usageError{err}
	case len(raw) > schema.MaxBytes:
		return nil, usageErrorf("%s has more than %d bytes", name, schema.MaxBytes)
	}
	return raw, nil
}

type schemaCheckCmd struct {
	serverFlags
	noteFlag
	File string `arg:"" help:"File with the JSON Schema; - is standard input."`
	coverageFlags
	noWaitFlag
}

// Run starts a dry run with the schema and waits for its end.
func (c *schemaCheckCmd) Run(p *output.Printer) error {
	typ, err := c.schemaType()
	if err != nil {
		return err
	}
	raw, err := readSchemaFile(c.File)
	if err != nil {
		return err
	}
	if err := validateJSON(raw); err != nil {
		return usageErrorf("%s is not JSON: %w", c.File, err)
	}
	c.Category, c.Name = typ.Category, typ.Name
	selection, err := c.selection(time.Now())
	if err != nil {
		return err
	}
	body := api.ReplayRequest{DryRun: true, Selection: selection, Schemas: map[string]jsontext.Value{typ.String(): raw}}
	err = jobRequest{kind: replays, body: body, note: c.Note, noWait: c.NoWait}.runJob(p, c.serverFlags)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return nil
}

// validateJSON checks that a text can be a value in a JSON body.
func validateJSON(raw []byte) error {
	_, err := jsontext.AppendFormat(nil, raw)
	return err
}

// schemaType returns the type from the flags or from the name of the file.
func (c *schemaCheckCmd) schemaType() (schema.Type, error) {
	typ := schema.Type{Category: c.Category, Name: c.Name}
	switch {
	case typ.Category != "" && typ.Name != "":
		return typ, nil
	case typ != schema.Type{}:
		return typ, usageErrorf("--category and --name go together")
	}
	path := strings.Split(filepath.ToSlash(c.File), "/")
	if n := len(path); n > 2 && path[n-3] == "schemas" && strings.HasSuffix(path[n-1], ".json") {
		if typ, err := schema.ParseType(path[n-2] + "/" + strings.TrimSuffix(path[n-1], ".json")); err == nil {
			return typ, nil
		}
	}
	return typ, usageErrorf("of which type is it? Say --category and --name, or name the file schemas/<category>/<name>.json")
}
