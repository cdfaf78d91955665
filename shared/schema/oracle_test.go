package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/format/native"
)

// The library validates as an independent one does, on random schemas and data:
// what our copy of a schema leaves out, or what the library ignores in silence,
// would show.
func TestAgreesWithAnotherLibrary(t *testing.T) {
	for d, set := range map[draft]dialect{defaultDraft: draft7Dialect, draft2019: draft2019Dialect, draft2020: draft2020Dialect} {
		t.Run(d.String(), func(t *testing.T) { testAgreement(t, set) })
	}
}

func testAgreement(t *testing.T, set dialect) {
	taken, valid, invalid := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range 5 {
			raw, err := json.Marshal(set.document(t))
			if err != nil {
				t.Fatal(err)
			}
			s, faults := Compile(raw)
			if len(faults) > 0 {
				continue // refers to itself, or contradicts itself: no schema
			}
			taken++
			other := oracle(t, raw)
			for range 10 {
				data := decode(t, object(2).Draw(t, "data"))
				want := other.Validate(any(data)) == nil
				if got := s.Validate(data); (len(got) == 0) != want {
					t.Fatalf("schema %s\ndata %v\nvalid is %t for the other library, ours says %v", raw, data, want, got)
				}
				if want {
					valid++
				} else {
					invalid++
				}
			}
		}
	})
	if taken < 50 || valid < 50 || invalid < 50 {
		t.Errorf("%d schemas, %d matches and %d others say little", taken, valid, invalid)
	}
}

// decode makes the tree of an event's data.
func decode(t *rapid.T, data any) map[string]any {
	body, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		t.Fatal(err)
	}
	ev, refusal := native.Decode(body)
	if refusal != nil {
		t.Fatal(refusal)
	}
	return ev.Tree
}

func oracle(t *rapid.T, raw []byte) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource("mem:///s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///s.json")
	if err != nil {
		t.Fatalf("the other library does not take %s: %v", raw, err)
	}
	return s
}

// dialect is the keywords of a draft.
type dialect struct {
	uri         string
	definitions string
	keywords    []string
}

var (
	commonKeywords = []string{
		"type", "enum", "const", "required", "properties", "patternProperties", "additionalProperties",
		"propertyNames", "minProperties", "maxProperties", "items", "contains",
		"uniqueItems", "minItems", "maxItems", "minimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
		"pattern", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
	}
	laterKeywords = slices.Concat(commonKeywords, []string{
		"dependentRequired", "dependentSchemas", "minContains", "maxContains", "unevaluatedProperties", "unevaluatedProperties", "unevaluatedItems",
	})
	draft7Dialect    = dialect{"http://json-schema.org/draft-07/schema#", "definitions", slices.Concat(commonKeywords, []string{"dependencies", "additionalItems"})}
	draft2019Dialect = dialect{"https://json-schema.org/draft/2019-09/schema", "$defs", slices.Concat(laterKeywords, []string{"additionalItems"})}
	draft2020Dialect = dialect{"https://json-schema.org/draft/2020-12/schema", "$defs", slices.Concat(laterKeywords, []string{"prefixItems"})}
)

// document draws a schema of an object, with three definitions that its parts refer
// to.
func (set dialect) document(t *rapid.T) map[string]any {
	schemas := set.schemas
	root, ok := schemas(3).Draw(t, "schema").(map[string]any)
	if !ok {
		root = map[string]any{}
	}
	root["properties"] = map[string]any{"a": schemas(2).Draw(t, "a"), "b": schemas(1).Draw(t, "b")}
	definitions := map[string]any{}
	for i := range 3 {
		definitions[fmt.Sprintf("d%d", i)] = schemas(1).Draw(t, "definition")
	}
	root["$schema"], root[set.definitions] = set.uri, definitions
	return root
}

var (
	names   = rapid.SampledFrom([]string{"a", "a", "b", "ab"})
	scalars = rapid.SampledFrom([]any{nil, true, false, 0, 1, -1, 1.5, 2, 3.0, json.Number("1.0"), json.Number("-0"), json.Number("9007199254740992"), json.Number("9007199254740993"), "", "a", "ab", "é", "2026-01-02"})
)

func values(depth int) *rapid.Generator[any] {
	if depth == 0 {
		return scalars
	}
	return rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 3).Draw(t, "shape") {
		case 0:
			return object(depth-1).Draw(t, "object")
		case 1:
			return rapid.SliceOfN(values(depth-1), 0, 4).Draw(t, "array")
		}
		return scalars.Draw(t, "scalar")
	})
}

func object(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(names, values(depth), 0, 4)
}

// schemas draws schemas that nest so deep.
func (set dialect) schemas(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		if rapid.IntRange(0, 19).Draw(t, "boolean") == 0 {
			return rapid.Bool().Draw(t, "schema")
		}
		s := map[string]any{}
		if depth < 3 && rapid.IntRange(0, 5).Draw(t, "reference") == 0 {
			ref := map[string]any{"$ref": fmt.Sprintf("#/%s/d%d", set.definitions, rapid.IntRange(0, 2).Draw(t, "target"))}
			if set.definitions == "definitions" || rapid.Bool().Draw(t, "alone") {
				return ref
			}
			s = ref
		}
		for range rapid.IntRange(1, 3).Draw(t, "keywords") {
			name := rapid.SampledFrom(set.keywords).Draw(t, "keyword")
			if v := set.keywordValue(t, name, depth); v != nil {
				s[name] = v
			}
		}
		if s["if"] == nil {
			delete(s, "then")
			delete(s, "else")
		}
		if s["contains"] == nil {
			delete(s, "minContains")
			delete(s, "maxContains")
		}
		return s
	})
}

func (set dialect) keywordValue(t *rapid.T, name string, depth int) any {
	sub := func() any {
		if depth == 0 {
			return map[string]any{}
		}
		return set.schemas(depth-1).Draw(t, name)
	}
	some := func() []any { return []any{sub(), sub()} }
	switch name {
	case "type":
		return rapid.SampledFrom(allTypes).Draw(t, name)
	case "enum":
		return []any{values(1).Draw(t, name)}
	case "const":
		return values(1).Draw(t, name)
	case "required":
		return rapid.SliceOfNDistinct(names, 1, 2, rapid.ID).Draw(t, name)
	case "properties", "patternProperties":
		return map[string]any{names.Draw(t, name): sub()}
	case "dependentRequired":
		return map[string]any{"b": []string{names.Draw(t, name)}}
	case "dependentSchemas":
		return map[string]any{"a": sub()}
	case "dependencies":
		return map[string]any{"a": sub(), "b": []string{names.Draw(t, name)}}
	case "uniqueItems":
		return rapid.Bool().Draw(t, name)
	case "items":
		if set.uri != draft2020Dialect.uri && rapid.Bool().Draw(t, name) {
			return some()
		}
		return sub()
	case "minProperties", "maxProperties", "minItems", "maxItems", "minLength", "maxLength", "minContains", "maxContains":
		return rapid.IntRange(0, 3).Draw(t, name)
	case "minimum", "exclusiveMaximum":
		return rapid.IntRange(-1, 3).Draw(t, name)
	case "multipleOf":
		return rapid.SampledFrom([]float64{0.5, 1, 2}).Draw(t, name)
	case "pattern":
		return rapid.SampledFrom([]string{"a", "^a", "b$", "^.{2}$"}).Draw(t, name)
	case "allOf", "anyOf", "oneOf", "prefixItems":
		return some()
	}
	return sub()
}
