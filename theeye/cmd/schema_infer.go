package cmd

import (
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/theeye/output"
)

type schemaInferCmd struct {
	serverFlags
	typeArgs
	Application string `placeholder:"NAME" help:"Events of this application alone."`
	periodFlags
	Output string `short:"o" placeholder:"FILE" help:"Write it to a file, for schema put."`
}

// maxInferred is how many fields a schema is inferred from.
const maxInferred = "1000"

// Run prints a schema that all stored events of the type match.
func (c *schemaInferCmd) Run(p *output.Printer) error {
	q, err := scopeFlags{
		filterFlags: filterFlags{Application: c.Application, Category: c.Category, Name: c.Name}, periodFlags: c.periodFlags,
	}.scopeQuery(p)
	if err != nil {
		return err
	}
	q.Set("limit", maxInferred)
	var fields api.FieldList
	if _, err := c.getStatistic(api.PathFields, q, &fields); err != nil {
		return err
	}
	if fields.Events == 0 {
		return usageErrorf("no stored event of %s lies in the range, which is the last seven days without --from; "+
			"rejected ones are in theeye rejected", c.typeArgs)
	}
	if fields.Truncated {
		p.Remarkf("The events have more than %s fields; the others are left out.", maxInferred)
	}
	text, err := inferSchema(&fields)
	if err != nil {
		return err
	}
	p.Remarkf("Inferred from %d events. It says what they have, not what they should: read it before schema put.", fields.Events)
	if c.Output == "" {
		return p.Document(text)
	}
	if err := os.WriteFile(c.Output, []byte(text), 0o644); err != nil { //nolint:gosec // a schema is for everyone to read
		return usageError{err}
	}
	return p.Linef("%s", c.Output)
}

// inferred is the schema of a value, and its counts.
type inferred struct {
	Schema     string               `json:"$schema,omitempty"`
	Type       any                  `json:"type,omitempty"`
	Properties map[string]*inferred `json:"properties,omitempty"`
	Required   []string             `json:"required,omitempty"`

	kinds   []string
	present int64 // events that have the value
}

// inferSchema returns a schema that every event matches in which the fields were
// counted.
func inferSchema(list *api.FieldList) (string, error) {
	root := &inferred{Schema: "http://json-schema.org/draft-07/schema#", kinds: []string{"object"}}
	for i := range list.Fields {
		f := &list.Fields[i]
		field, err := filter.ParseField(f.Path)
		if err != nil || len(field.Path) == 0 || strings.Contains(f.Path, "[]") {
			continue // elements of arrays are not described
		}
		root.addFacts(field.Path, f)
	}
	root.settle(list.Events)
	text, err := json.MarshalIndent(root, "", "  ")
	return string(text) + "\n", err
}

// addFacts adds a field below a value.
func (s *inferred) addFacts(path filter.Path, f *api.FieldFacts) {
	if len(path) == 0 {
		s.present += f.Present
		for kind := range f.Types {
			s.addKind(kind)
		}
		return
	}
	s.addKind("object")
	if s.Properties == nil {
		s.Properties = map[string]*inferred{}
	}
	member := s.Properties[path[0].Name]
	if member == nil {
		member = &inferred{}
		s.Properties[path[0].Name] = member
	}
	member.addFacts(path[1:], f)
}

func (s *inferred) addKind(kind string) {
	if !slices.Contains(s.kinds, kind) {
		s.kinds = append(s.kinds, kind)
	}
}

// settle decides on types and required members of a value, and returns in how many
// events it is at least. A member is required where every event has it: the
// counts do not show how many objects have a rarer member.
func (s *inferred) settle(events int64) int64 {
	slices.Sort(s.kinds)
	s.Type = s.kinds
	if len(s.kinds) == 1 {
		s.Type = s.kinds[0]
	}
	present := s.present
	for name, member := range s.Properties {
		n := member.settle(events)
		present = max(present, n)
		if n == events {
			s.Required = append(s.Required, name)
		}
	}
	slices.Sort(s.Required)
	return present
}
