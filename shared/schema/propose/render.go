package propose

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/schema"
)

// draft7 is the $schema of a proposed schema.
const draft7 = "http://json-schema.org/draft-07/schema#"

// document is a JSON Schema, its members in the order in which people read them.
type document struct {
	Schema     string               `json:"$schema,omitzero"`
	Title      string               `json:"title,omitzero"`
	Type       any                  `json:"type,omitzero"`
	Properties map[string]*document `json:"properties,omitempty"`
	Required   []string             `json:"required,omitempty"`
	Items      *document            `json:"items,omitzero"`
}

// Propose returns the text of the proposed schema, laid out with two spaces a level, under a
// title. incomplete says that members or elements were left out, since there are too many.
func (o *Observations) Propose(title string) (text jsontext.Value, incomplete bool) {
	o.root.kinds |= kindObject // as the data of every event
	for limit := MaxMembers; ; limit -= max(1, limit/4) {
		chosen, all := o.choosePlaces(limit)
		d := o.root.buildSchema(chosen)
		d.Schema, d.Title = draft7, title
		text, err := json.Marshal(d, json.Deterministic(true), jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true))
		if err != nil {
			panic("a schema of names and types does not encode: " + err.Error())
		}
		// Names and nesting decide how much text a member is: fewer, until it is within the
		// limits. The root alone always is.
		if _, faults := schema.Read(text); len(faults) == 0 || limit == 0 {
			return text, o.incomplete || !all
		}
	}
}

// buildSchema returns the schema of a place, with those of the chosen places below it.
func (p *place) buildSchema(chosen map[*place]bool) *document {
	d := &document{}
	if !p.isOpen {
		d.Type = p.kinds.typeValue()
	}
	for _, name := range slices.Sorted(maps.Keys(p.members)) {
		member := p.members[name]
		if !chosen[member] {
			continue
		}
		if d.Properties == nil {
			d.Properties = map[string]*document{}
		}
		d.Properties[name] = member.buildSchema(chosen)
		if member.present == p.objects && !member.optional {
			d.Required = append(d.Required, name)
		}
	}
	if chosen[p.elements] {
		d.Items = p.elements.buildSchema(chosen)
	}
	return d
}

// typeValue returns the value of the keyword type: a name, or several. An integer is a number.
func (k kindSet) typeValue() any {
	if k&kindNumber != 0 {
		k &^= kindInteger
	}
	var names []string
	for _, known := range kindNames {
		if k&known.kind != 0 {
			names = append(names, known.name)
		}
	}
	if len(names) == 1 {
		return names[0]
	}
	return names
}
