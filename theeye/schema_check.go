package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/schema"
)

type schemaCheckCmd struct {
	remote
	noted
	File string `arg:"" help:"File with the JSON Schema; - is standard input."`
	covered
	waited
}

// Help is the longer text of --help.
func (schemaCheckCmd) Help() string {
	return "A dry run of a schema that is not put yet: tells what a replay with it would change among the accepted\n" +
		"events of its type, and changes nothing. The type is --category and --name, or that of a file\n" +
		"schemas/<category>/<name>.json. Fails with exit code 1 if any event would be newly rejected.\n\n" +
		"Example:\n  theeye schema check order.json --category shop --name order --from 7d"
}

// Run starts the dry run and waits for its end.
func (c *schemaCheckCmd) Run(t *terminal) error {
	ty, err := c.declares()
	if err != nil {
		return err
	}
	raw, err := readInput(c.File)
	if err != nil {
		return err
	}
	if err := isJSON(raw); err != nil {
		return invalidf("%s is not JSON: %w", c.File, err)
	}
	c.Category, c.Name = ty.Category, ty.Name
	s, err := c.selection(time.Now())
	if err != nil {
		return err
	}
	body := replayOrder{DryRun: true, Selection: s, Schemas: map[string]jsontext.Value{ty.String(): raw}}
	if err := (order{jobs: replays, body: body, note: c.Note, noWait: c.NoWait}).carryOut(t, c.remote); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return nil
}

// isJSON says where a text is not JSON, as it would stand in a body.
func isJSON(raw []byte) error {
	_, err := jsontext.AppendFormat(nil, raw)
	return err
}

// declares returns the type that the schema is of.
func (c *schemaCheckCmd) declares() (schema.Type, error) {
	ty := schema.Type{Category: c.Category, Name: c.Name}
	switch {
	case ty.Category != "" && ty.Name != "":
		return ty, nil
	case ty != schema.Type{}:
		return ty, invalidf("--category and --name go together")
	}
	path := strings.Split(filepath.ToSlash(c.File), "/")
	if n := len(path); n > 2 && path[n-3] == "schemas" && strings.HasSuffix(path[n-1], ".json") {
		if ty, err := schema.ParseType(path[n-2] + "/" + strings.TrimSuffix(path[n-1], ".json")); err == nil {
			return ty, nil
		}
	}
	return ty, invalidf("of which type is it? Say --category and --name, or name the file schemas/<category>/<name>.json")
}
