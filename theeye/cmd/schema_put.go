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

	"github.com/aymanbagabas/go-udiff"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/theeye/output"
)

type schemaPutCmd struct {
	serverFlags
	noteFlag
	yesFlag
	typeArgs
	File     string  `arg:"" optional:"" help:"File with the JSON Schema; - is standard input."`
	Match    *uint64 `placeholder:"N" help:"Replace revision N alone; 0 = there must be none. Without, the revision that the file carries from schema show -o."`
	Revision uint64  `placeholder:"N" help:"Put the version of revision N again, in place of a file."`
}

// putResult is the result of a put. Revision and Was are equal when nothing
// changed.
type putResult struct {
	api.ChangedType
	// Was is the replaced revision, 0 if the schema is new.
	Was uint64 `json:"was"`
}

// presentSchema is the schema that a put would replace; without one the revision
// is 0.
type presentSchema struct {
	revision uint64
	raw      []byte
	made     api.VersionInfo
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
	raw, carried, err := c.readSchema(ctx, server)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	result, err := c.putSchema(ctx, p, server, raw, carried)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	if carried > 0 && result.Revision != carried && c.File != "-" {
		if err := c.updateFile(raw, result.Revision); err != nil {
			return err
		}
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

// readSchema reads the schema from the file, with the revision that it carries, or
// from an earlier revision.
func (c *schemaPutCmd) readSchema(ctx context.Context, server *client.Client) (raw []byte, carried uint64, err error) {
	if c.Revision == 0 {
		return readSchemaFile(c.File)
	}
	if c.Note == "" {
		c.Note = fmt.Sprintf("revision %d again", c.Revision)
	}
	resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: c.schemaPath(), Query: revisionQuery(c.Revision)})
	if err != nil {
		return nil, 0, err
	}
	return resp.Body, 0, nil
}

// revisionQuery requests the version of a revision; 0 is the newest.
func revisionQuery(revision uint64) url.Values {
	if revision == 0 {
		return nil
	}
	return url.Values{"revision": {output.Uint(revision)}}
}

// putSchema shows the schema that would be replaced, asks unless the caller has seen it, and
// puts the schema over exactly the revision that was seen.
func (c *schemaPutCmd) putSchema(
	ctx context.Context, p *output.Printer, server *client.Client, raw []byte, carried uint64,
) (putResult, error) {
	present, err := c.readPresent(ctx, server)
	if err != nil {
		return putResult{}, err
	}
	result := putResult{ChangedType: api.ChangedType{Category: c.Category, Name: c.Name, Revision: present.revision}, Was: present.revision}
	if present.revision > 0 && isSameDocument(present.raw, raw) && (c.Match == nil || *c.Match == present.revision) {
		return result, nil
	}
	seen, known := carried, carried > 0
	if c.Match != nil {
		seen, known = *c.Match, true
	}
	switch {
	case known && seen != present.revision:
		p.Remarkf("%s", c.difference(p, present, raw))
		return result, c.conflict(carried, present)
	case present.revision > 0:
		p.Remarkf("%s", c.difference(p, present, raw))
		if !known {
			if err := c.confirm(p, c.replacement(p, present)); err != nil {
				return result, err
			}
		}
	}
	_, err = server.Call(ctx, client.Request{
		Method: http.MethodPut, Path: c.schemaPath(), Body: raw, IfMatch: client.Match(result.Was), Note: c.Note,
	}, &result.ChangedType)
	if client.Status(err) == http.StatusPreconditionFailed { // changed since it was read
		if present, err := c.readPresent(ctx, server); err == nil {
			p.Remarkf("%s", c.difference(p, present, raw))
		}
	}
	return result, err
}

// conflict is the error of a put over another revision than the present one.
func (c *schemaPutCmd) conflict(carried uint64, present presentSchema) error {
	cure := fmt.Sprintf("take it by theeye schema show -o, or repeat with --match %d", present.revision)
	switch {
	case present.revision == 0:
		return fmt.Errorf("412 revision_conflict: it does not exist; --match 0 creates it")
	case c.Match == nil:
		return fmt.Errorf("412 revision_conflict: the file was taken from revision %d, the present one is %d; %s", carried, present.revision, cure)
	}
	return fmt.Errorf("412 revision_conflict: the present revision is %d; %s", present.revision, cure)
}

// replacement says what a put would replace.
func (c *schemaPutCmd) replacement(p *output.Printer, present presentSchema) string {
	return fmt.Sprintf("It replaces revision %d by %s of %s.", present.revision, output.OneLine(present.made.Author), p.Time(present.made.Time.Time))
}

// difference shows what a put would change, in the unified format.
func (c *schemaPutCmd) difference(p *output.Printer, present presentSchema, raw []byte) string {
	if present.revision == 0 {
		return "There is no schema of this type."
	}
	name := c.File
	if c.Revision > 0 {
		name = fmt.Sprintf("revision %d", c.Revision)
	}
	was := fmt.Sprintf("revision %d by %s, %s", present.revision, output.OneLine(present.made.Author), p.Time(present.made.Time.Time))
	if present.made.Note != "" {
		was += ": " + output.OneLine(present.made.Note)
	}
	return strings.TrimSuffix(udiff.Unified(was, name, output.IndentJSON(present.raw), output.IndentJSON(raw)), "\n")
}

// readPresent reads the schema that would be replaced, and who made it.
func (c *schemaPutCmd) readPresent(ctx context.Context, server *client.Client) (presentSchema, error) {
	resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: c.schemaPath()})
	switch {
	case client.Status(err) == http.StatusNotFound:
		return presentSchema{}, nil
	case err != nil:
		return presentSchema{}, err
	}
	present := presentSchema{revision: resp.Revision(), raw: resp.Body}
	var history api.VersionPage
	if _, err := server.Get(ctx, api.SchemaHistoryPath(c.Category, c.Name), url.Values{"limit": {"5"}}, &history); err != nil {
		return present, err
	}
	for _, v := range history.Versions {
		if v.Revision == present.revision {
			present.made = v.VersionInfo
		}
	}
	return present, nil
}

// updateFile writes the new revision into the file that carried the old one, so
// that its next change is put over the version that it made.
func (c *schemaPutCmd) updateFile(raw []byte, revision uint64) error {
	text, err := schema.AddRevision(raw, revision)
	if err == nil {
		err = os.WriteFile(c.File, text, 0o600) // the file exists, and keeps its mode
	}
	if err != nil {
		return fmt.Errorf("the schema is put, but %s does not carry its revision %d: %w", c.File, revision, err)
	}
	return nil
}

// readSchemaFile reads a file, or standard input for "-", up to the maximum
// size of a schema. The revision is the one that the file carries, 0 without.
func readSchemaFile(name string) (raw []byte, revision uint64, err error) {
	in := os.Stdin
	if name != "-" {
		if in, err = openFile(name); err != nil {
			return nil, 0, err
		}
		defer func() { err = errors.Join(err, in.Close()) }()
	}
	raw, err = io.ReadAll(io.LimitReader(in, schema.MaxBytes+1))
	switch {
	case err != nil:
		return nil, 0, usageError{err}
	case len(raw) > schema.MaxBytes:
		return nil, 0, usageErrorf("%s has more than %d bytes", name, schema.MaxBytes)
	}
	if raw, revision, err = schema.CutRevision(raw); err != nil {
		return nil, 0, usageErrorf("%s: %w", name, err)
	}
	return raw, revision, nil
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
	raw, _, err := readSchemaFile(c.File)
	if err != nil {
		return err
	}
	if err := validateJSON(raw); err != nil {
		return usageErrorf("%s is not JSON: %w", c.File, err)
	}
	c.Category, c.Name = typ.Category, typ.Name
	selection, err := c.selection(p)
	if err != nil {
		return err
	}
	body := api.ReplayRequest{DryRun: true, Selection: selection, Schemas: []api.TypeSchema{
		{TypeName: api.TypeName{Category: typ.Category, Name: typ.Name}, Schema: raw},
	}}
	err = jobRequest{kind: replays, body: body, note: c.Note, noWait: c.NoWait}.runJob(p, c.serverFlags)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, pointIntoFile(err))
	}
	return nil
}

// pointIntoFile makes the paths of the faults of one schema of a dry run pointers
// into the file of that schema.
func pointIntoFile(err error) error {
	var problem *client.ProblemError
	if !errors.As(err, &problem) {
		return err
	}
	for i := range problem.Faults {
		path := &problem.Faults[i].Path
		if rest, ok := strings.CutPrefix(*path, event.Pointer("schemas", "0", "schema")); ok && (rest == "" || rest[0] == '/') {
			*path = rest
		}
	}
	return err
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
