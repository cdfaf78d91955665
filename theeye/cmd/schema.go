package cmd

import (
	"fmt"
	"net/http"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/api/client"
	"github.com/theeye/theeye/theeye/output"
)

// schemaCmd has the commands for the schemas of types.
type schemaCmd struct {
	List    schemaListCmd    `cmd:"" help:"List the types that have a schema."`
	Show    schemaShowCmd    `cmd:"" help:"Print a schema, also an earlier version."`
	Put     schemaPutCmd     `cmd:"" help:"Put a schema, from a file or an earlier version."`
	History schemaHistoryCmd `cmd:"" help:"List the versions of a schema, with who made them and why."`
	Check   schemaCheckCmd   `cmd:"" help:"Tell what a schema that is not put yet would change."`
	Delete  schemaDeleteCmd  `cmd:"" help:"Remove a type's schema. Its history stays."`
}

type schemaListCmd struct{ serverFlags }

// Run prints a line for each type.
func (c *schemaListCmd) Run(p *output.Printer) error {
	var list api.SchemaList
	resp, err := c.get(api.PathSchemas, &list)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.Value(resp.Body)
	}
	rows := make([][]string, 0, len(list.Schemas))
	for _, s := range list.Schemas {
		rows = append(rows, append([]string{s.Category, s.Name, output.Uint(s.Revision)}, changeCells(s.VersionInfo)...))
	}
	p.Table([]string{"CATEGORY", "NAME", "REVISION", "TIME", "AUTHOR", "NOTE"}, rows)
	return nil
}

// changeCells are the columns time, author and note of a version.
func changeCells(v api.VersionInfo) []string {
	return []string{output.Time(v.Time.Time), v.Author, v.Note}
}

type schemaShowCmd struct {
	serverFlags
	typeArgs
	Revision uint64 `placeholder:"N" help:"The version that this revision made; the newest without."`
}

// Run prints the schema and nothing else, so that the output is a file for
// schema put.
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
	if p.JSON {
		return p.Value(resp.Body)
	}
	return p.Document(output.IndentJSON(resp.Body))
}

type schemaHistoryCmd struct {
	serverFlags
	typeArgs
	Limit int `default:"50" placeholder:"N" help:"How many versions at most, the newest first (${default})."`
}

// historyVersion is a version whose member removed is printed when it is false
// too.
type historyVersion struct {
	api.VersionInfo
	Removed bool `json:"removed"`
}

// Run prints a line for each version, the newest first.
func (c *schemaHistoryCmd) Run(p *output.Printer) error {
	if c.Limit < 1 {
		return usageErrorf("--limit must be at least 1")
	}
	ctx, server, stop, err := c.connect()
	if err != nil {
		return err
	}
	defer stop()
	items, err := server.All(ctx, client.List{
		Path: api.SchemaHistoryPath(c.Category, c.Name), Member: "versions", PageSize: client.RecordPageSize, Limit: c.Limit,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	versions, err := client.DecodeItems[historyVersion](items)
	if err != nil {
		return fmt.Errorf("%s: %w", c.typeArgs, err)
	}
	if p.JSON {
		return p.Value(map[string]any{"versions": versions})
	}
	rows := make([][]string, 0, len(versions))
	for _, v := range versions {
		action := "put"
		if v.Removed {
			action = "removed"
		}
		rows = append(rows, append([]string{output.Uint(v.Revision), action}, changeCells(v.VersionInfo)...))
	}
	p.Table([]string{"REVISION", "ACTION", "TIME", "AUTHOR", "NOTE"}, rows)
	return nil
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
