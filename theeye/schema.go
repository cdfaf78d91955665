package main

import (
	"net/url"
	"time"
)

// schemaCmd is everything about the schemas of types.
type schemaCmd struct {
	List    schemaListCmd    `cmd:"" help:"List the types that have a schema."`
	Show    schemaShowCmd    `cmd:"" help:"Print a schema, also an earlier version."`
	Put     schemaPutCmd     `cmd:"" help:"Put a schema, from a file or an earlier version."`
	History schemaHistoryCmd `cmd:"" help:"List the versions of a schema, with who made them and why."`
	Check   schemaCheckCmd   `cmd:"" help:"Tell what a schema that is not put yet would change."`
	Delete  schemaDeleteCmd  `cmd:"" help:"Remove a type's schema. Its history stays."`
}

// pathSchemas is where the registry's schemas are asked for.
const pathSchemas = "/v1/schemas"

// typed is what every command is told that is about one type.
type typed struct {
	Category string `arg:"" help:"Category of the type, e.g. 'page interaction'."`
	Name     string `arg:"" help:"Name of the type, e.g. 'cta click'."`
}

func (t typed) path() string { return schemaPath(t.Category, t.Name) }

func (t typed) String() string { return t.Category + " / " + t.Name }

func schemaPath(category, name string) string {
	return pathSchemas + "/" + url.PathEscape(category) + "/" + url.PathEscape(name)
}

// version is what is told of a version of anything in the registry.
type version struct {
	Revision uint64    `json:"revision"`
	Time     time.Time `json:"time"`
	Author   string    `json:"author"`
	Note     string    `json:"note"`
	Removed  bool      `json:"removed"`
}

// cells are the columns time, author and note.
func (v version) cells() []string { return []string{stamp(v.Time), v.Author, v.Note} }

// stamp is a time in a table: to the second, UTC. The zero time is empty.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
