package schema

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One fault at the value itself says of every alternative why it does not match, or
// of none; oneOf distinguishes no match from several. No text quotes the data.
func TestAlternativesAreAllNamed(t *testing.T) {
	inner := func(s string) string { return `{"properties": {"options": ` + s + `}}` }
	for _, tc := range []struct {
		schema, data string
		want         []string
	}{
		{
			inner(`{"anyOf": [{"required": ["one"]}, {"required": ["two"]}]}`), `{"options": {}}`,
			[]string{"/data/options matches none of the alternatives (anyOf): 0: /one the member is missing; 1: /two the member is missing"},
		},
		{
			inner(`{"oneOf": [{"required": ["one"]}, {"required": ["two"]}]}`), `{"options": {}}`,
			[]string{"/data/options matches none of the alternatives (oneOf): 0: /one the member is missing; 1: /two the member is missing"},
		},
		{
			inner(`{"oneOf": [{"required": ["one"]}, {"required": ["two"]}, {"type": "null"}]}`), `{"options": {"one": 1, "two": 2}}`,
			[]string{"/data/options matches the alternatives 0 and 1; exactly one is allowed (oneOf)"},
		},
		{
			inner(`{"oneOf": [{}, {}, {}, {}, {}, {}]}`), `{"options": 1}`,
			[]string{"/data/options matches 6 of the alternatives; exactly one is allowed (oneOf)"},
		},
		{
			inner(`{"anyOf": [{"type": "string"}, {"type": "null"}]}`), `{"options": 7}`,
			[]string{"/data/options matches none of the alternatives (anyOf): 0: must be of type string, not integer; 1: must be of type null, not integer"},
		},
		{
			inner(`{"anyOf": [{"const": "a"}, {"const": "b"}, {"const": "c"}, {"const": "d"}, {"const": "e"}, {"const": "f"}]}`), `{"options": "secret"}`,
			[]string{"/data/options matches none of the 6 alternatives (anyOf)"},
		},
		{
			inner(`{"anyOf": [{"additionalProperties": false}, {"additionalProperties": {"type": "null"}}]}`), `{"options": {"secret": 1}}`,
			[]string{"/data/options matches none of the alternatives (anyOf): 0: /* the member is not allowed; 1: /* must be of type null, not integer"},
		},
		{
			inner(`{"items": {"anyOf": [{"type": "string"}, {"items": {"type": "null"}}]}}`), `{"options": ["a", [1], [null, "secret"], 3]}`,
			[]string{
				"/data/options/1 matches none of the alternatives (anyOf): 0: must be of type string, not array; 1: /* must be of type null, not integer",
				"/data/options/2 matches none of the alternatives (anyOf): 0: must be of type string, not array; 1: /* must be of type null, not string",
			},
		},
		{
			inner(`{"anyOf": [{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"minProperties": 2}]}`), `{"options": {}}`,
			[]string{"/data/options matches none of the alternatives (anyOf): 0: matches none of the alternatives (anyOf): 0: /a the member is missing; 1: /b the member is missing; 1: has fewer members than 2"},
		},
		{`{"not": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}}`, `{"b": 1}`, []string{"/data matches what is excluded (not)"}},
		{`{"if": {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, "then": {"required": ["c"]}}`, `{"b": 1}`, []string{"/data/c the member is missing"}},
	} {
		var got []string
		for _, f := range compile(t, tc.schema).Validate(tree(t, tc.data)) {
			got = append(got, f.Path+" "+f.Message)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s on %s (-want +got):\n%s", tc.schema, tc.data, diff)
		}
	}
}

// Different mistakes in one value have one path, by which summaries group them.
func TestAlternativesHaveOnePath(t *testing.T) {
	s := compile(t, `{"properties": {"o": {"oneOf": [{"properties": {"kind": {"const": "a"}, "x": {"type": "string"}}, "required": ["kind"]}, {"properties": {"kind": {"const": "b"}, "y": {"type": "string"}}, "required": ["kind"]}]}}}`)
	var paths []string
	for _, data := range []string{`{}`, `{"kind": "a", "x": 1}`, `{"kind": "b", "y": []}`, `{"kind": "c"}`} {
		for _, f := range s.Validate(tree(t, `{"o": `+data+`}`)) {
			paths = append(paths, f.Path)
		}
	}
	if want := slices.Repeat([]string{"/data/o"}, 4); !slices.Equal(paths, want) {
		t.Errorf("paths %v", paths)
	}
}
