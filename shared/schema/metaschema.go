package schema

import (
	"embed"
	"strings"
)

//go:embed metaschemas
var metaschemas embed.FS

// addMetaschema adds the metaschema of draft 4, 6 or 7 with this URL, to which
// schemas refer that describe members of JSON Schema. It returns nil for other URLs.
func (c *checker) addMetaschema(target string) *node {
	d, ok := parseDraft(target)
	if !ok || d > defaultDraft || !strings.Contains(target, "//json-schema.org/") {
		return nil
	}
	if known := c.resources["http://json-schema.org/draft-0"+d.String()+"/schema"]; known != nil {
		return known
	}
	raw, err := metaschemas.ReadFile("metaschemas/draft-0" + d.String() + ".json")
	if err != nil {
		return nil
	}
	tree, _ := Read(raw)
	outer := c.draft
	c.draft = d
	root, _ := c.checkSchema(c.at("/$schema/"+d.String()), tree)
	c.draft = outer
	c.resources[target] = root
	return root
}
