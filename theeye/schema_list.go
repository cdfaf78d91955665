package main

import "strconv"

type schemaListCmd struct{ remote }

// Help is the longer text of --help.
func (schemaListCmd) Help() string { return "Example:\n  theeye schema list" }

// schemaList is the answer of GET /v1/schemas.
type schemaList struct {
	Revision uint64          `json:"revision"`
	Schemas  []listedVersion `json:"schemas"`
}

type listedVersion struct {
	Category string `json:"category"`
	Name     string `json:"name"`
	version
}

// Run prints a line a type.
func (c *schemaListCmd) Run(t *terminal) error {
	var list schemaList
	a, err := c.ask(pathSchemas, &list)
	if err != nil {
		return err
	}
	if t.json {
		return t.printJSON(a.value())
	}
	rows := make([][]string, 0, len(list.Schemas))
	for _, s := range list.Schemas {
		rows = append(rows, append([]string{s.Category, s.Name, strconv.FormatUint(s.Revision, 10)}, s.cells()...))
	}
	t.table([]string{"CATEGORY", "NAME", "REVISION", "TIME", "AUTHOR", "NOTE"}, rows)
	return nil
}
