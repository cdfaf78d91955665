package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/theeye/output"
)

// schemaCmd has the commands for the schemas of types.
type schemaCmd struct {
	List    schemaListCmd    `cmd:"" help:"List the types that have a schema."`
	Show    schemaShowCmd    `cmd:"" help:"Print a schema, also an earlier version."`
	Put     schemaPutCmd     `cmd:"" help:"Put a schema, from a file or an earlier version."`
	History schemaHistoryCmd `cmd:"" help:"List the versions of a schema, with who made them and why."`
	Check   schemaCheckCmd   `cmd:"" help:"Tell what a schema that is not put yet would change."`
	Infer   schemaInferCmd   `cmd:"" help:"Print a first schema of a type, which its events match."`
	Delete  schemaDeleteCmd  `cmd:"" help:"Remove a type's schema. Its history stays."`
}

type schemaListCmd struct{ serverFlags }

// Run prints a line for each type.
func (c *schemaListCmd) Run(p *output.Printer) error {
	return c.printAll(p, api.PathSchemas, nil, wholeList{
		member: "schemas", header: []string{"CATEGORY", "NAME", "REVISION", "TIME", "AUTHOR", "NOTE"},
		rows: rowsOf(func(s *api.TypeVersion) [][]string {
			return [][]string{append([]string{s.Category, s.Name, output.Uint(s.Revision)}, changeCells(p, s.VersionInfo)...)}
		}),
		empty: "No type has a schema yet: theeye schema put adds one.",
	})
}

// changeCells are the columns time, author and note of a version.
func changeCells(p *output.Printer, v api.VersionInfo) []string {
	return []string{p.Time(v.Time.Time), v.Author, v.Note}
}

type schemaShowCmd struct {
	serverFlags
	typeArgs
	Revision uint64 `placeholder:"N" help:"The version that this revision made; the newest without."`
	Output   string `short:"o" placeholder:"FILE" help:"Write it to a file that carries its revision, for schema put."`
}

// Run prints the schema and nothing else, or writes it to a file with its
// revision.
func (c *schemaShowCmd) Run(p *output.Printer) error {
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	resp, err := server.Do(ctx, client.Request{Method: http.MethodGet, Path: c.schemaPath(), Query: revisionQuery(c.Revision)})
	if err != nil {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	switch {
	case c.Output != "":
		return c.writeFile(p, resp)
	case p.JSON:
		return p.Value(resp.Body)
	}
	return p.Document(output.IndentJSON(resp.Body))
}

func (c *schemaShowCmd) writeFile(p *output.Printer, resp *client.Response) error {
	text, err := schema.AddRevision(resp.Body, resp.Revision())
	if err != nil {
		return &client.ForeignError{Err: err}
	}
	if err := os.WriteFile(c.Output, text, 0o644); err != nil { //nolint:gosec // a schema is for everyone to read
		return usageError{err}
	}
	if p.JSON {
		return p.Value(map[string]any{"file": c.Output, "revision": resp.Revision()})
	}
	return p.Linef("%s: revision %d, in %s", c.typeArgs, resp.Revision(), c.Output)
}

type schemaHistoryCmd struct {
	serverFlags
	typeArgs
	listFlags
}

// defaultVersions is how many versions are listed without flags.
const defaultVersions = 50

// Run prints a line for each version, the newest first.
func (c *schemaHistoryCmd) Run(p *output.Printer) error {
	err := printVersions(p, c.serverFlags, c.listFlags, api.SchemaHistoryPath(c.Category, c.Name))
	if err != nil && !errors.As(err, new(exitCode)) {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	return err
}

// printVersions prints a line for each version under a path.
func printVersions(p *output.Printer, flags serverFlags, which listFlags, path string) error {
	return which.printList(p, flags, list{
		path: path, member: "versions", pageSize: client.RecordPageSize, limit: defaultVersions,
		header: []string{"REVISION", "ACTION", "TIME", "AUTHOR", "NOTE"},
		rows: rowsOf(func(v *api.Version) [][]string {
			action := "put"
			if v.Removed {
				action = "removed"
			}
			return [][]string{append([]string{output.Uint(v.Revision), action}, changeCells(p, v.VersionInfo)...)}
		}),
		amend: sayRemoved,
	})
}

// sayRemoved adds the member removed to a version that is not.
func sayRemoved(item jsontext.Value) jsontext.Value {
	var v api.Version
	if json.Unmarshal(item, &v) != nil || v.Removed || !bytes.HasSuffix(item, []byte("}")) {
		return item
	}
	return append(item[:len(item)-1:len(item)-1], `,"removed":false}`...)
}

type schemaDeleteCmd struct {
	serverFlags
	noteFlag
	typeArgs
	Match uint64 `placeholder:"N" help:"Remove it only if revision N is the newest."`
}

// Run removes the schema.
func (c *schemaDeleteCmd) Run(p *output.Printer) error {
	match := client.Match(c.Match)
	if match == "" {
		match = "*"
	}
	var removed api.ChangedType
	resp, err := c.call(client.Request{Method: http.MethodDelete, Path: c.schemaPath(), IfMatch: match, Note: c.Note}, &removed)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	return p.Linef("%s: removed, revision %d", c.typeArgs, removed.Revision)
}
