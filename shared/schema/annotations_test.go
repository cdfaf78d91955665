package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nested is an object of so many levels.
func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

// What The Eye's own keywords may say, and where.
func TestOwnKeywords(t *testing.T) {
	const v = `"required": ["v"], "properties": {"v": {"type": "integer", "maximum": 9}}`
	for raw, want := range map[string][]string{
		`{` + v + `, "examples": [{"v": 1}, {"v": 9, "x": 0}], "x-eye-reject-examples": [{}, {"v": 10}, {"v": "1"}]}`: nil,
		`{` + v + `, "examples": [], "x-eye-reject-examples": []}`:                                                    nil,
		`{` + v + `, "examples": [{"v": 1}, {}, {"v": "personal"}, 7]}`:                                               {"/examples/1", "/examples/2", "/examples/3"},
		`{` + v + `, "x-eye-reject-examples": [{"v": 10}, {"v": 1}, 7, null]}`:                                        {"/x-eye-reject-examples/1"},
		`{` + draft4 + v + `, "examples": [{}]}`:                                                                      {"/examples/0"},
		`{"examples": {}, "x-eye-reject-examples": 1}`:                                                                {"/examples", "/x-eye-reject-examples"},
		`{"properties": {"a": {"examples": 1}}, "not": {"x-eye-reject-examples": [], "x-eye-supersedes": []}}`:        {"/not/x-eye-reject-examples", "/not/x-eye-supersedes"},
		`{"examples": [{}], "maxLength": -1}`:                                                                         {"/maxLength"},
		`{"examples": [` + nested(32) + `, ` + nested(33) + `]}`:                                                      {"/examples/1"},

		`{"x-eye-supersedes": [1, 2, 2]}`:                                   nil,
		`{"x-eye-supersedes": 1}`:                                           {"/x-eye-supersedes"},
		`{"x-eye-supersedes": [0]}`:                                         {"/x-eye-supersedes"},
		`{"x-eye-supersedes": [-1]}`:                                        {"/x-eye-supersedes"},
		`{"x-eye-supersedes": [1.0]}`:                                       {"/x-eye-supersedes"},
		`{"x-eye-supersedes": ["1"]}`:                                       {"/x-eye-supersedes"},
		`{"x-eye-supersedes": [9223372036854775808]}`:                       {"/x-eye-supersedes"},
		`{"x-eye-supersedes": [` + list(MaxSupersedes+1, `1%d`) + `]}`:      {"/x-eye-supersedes"},
		`{"x-eye-supersedes": [` + list(MaxSupersedes, `1%d`) + `]}`:        nil,
		`{"properties": {"x-eye-supersedes": {}, "x-eye-pii": {}}}`:         nil,
		`{"default": {"x-eye-pii": 1}, "x-eye-other": {"x-eye-pii": true}}`: nil,
	} {
		_, faults := Compile([]byte(raw))
		var got []string
		for _, f := range faults {
			got = append(got, f.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Compile(%.120s), places of the faults (-want +got):\n%s%v", raw, diff, faults)
		}
	}
}

// The fault of an example says why, and quotes nothing of it.
func TestExampleFaults(t *testing.T) {
	_, faults := Compile([]byte(`{"properties": {"v": {"type": "integer"}}, "examples": [{"v": "personal"}], "x-eye-reject-examples": [{"v": 77123}]}`))
	var got []string
	for _, f := range faults {
		got = append(got, f.Message)
	}
	if diff := cmp.Diff([]string{
		"is declared as valid and is not: /data/v: must be of type integer, not string",
		"is declared as invalid and is valid",
	}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// Marks stand only where every event has the place in the same way.
func TestMarks(t *testing.T) {
	for raw, want := range map[string][]string{
		`{"properties": {"a": {"x-eye-pii": "hash"}, "b": {"items": {"x-eye-pii": "drop"}}}}`:                  nil,
		`{"properties": {"items": {"items": {"properties": {"properties": {"x-eye-pii": "hash"}}}}}}`:          nil,
		`{"properties": {"0": {"items": {"items": {"x-eye-pii": "hash"}}}}}`:                                   nil,
		`{"definitions": {"a": {}}, "properties": {"b": {"$ref": "#/definitions/a", "x-eye-pii": "hash"}}}`:    nil,
		`{"properties": {"a": {"x-eye-pii": "mask"}, "b": {"x-eye-pii": ["hash"]}, "c": {"x-eye-pii": true}}}`: {"/properties/a/x-eye-pii", "/properties/b/x-eye-pii", "/properties/c/x-eye-pii"},
		`{"x-eye-pii": "drop"}`: {"/x-eye-pii"},
		`{"definitions": {"a": {"x-eye-pii": "hash"}}, "properties": {"b": {"$ref": "#/definitions/a"}}}`:      {"/definitions/a/x-eye-pii"},
		`{"properties": {"a": {"items": [{"x-eye-pii": "hash"}], "additionalItems": {"x-eye-pii": "hash"}}}}`:  {"/properties/a/additionalItems/x-eye-pii", "/properties/a/items/0/x-eye-pii"},
		`{"additionalProperties": {"x-eye-pii": "hash"}, "patternProperties": {"^a": {"x-eye-pii": "hash"}}}`:  {"/additionalProperties/x-eye-pii", "/patternProperties/^a/x-eye-pii"},
		`{"anyOf": [{"properties": {"a": {"x-eye-pii": "hash"}}}]}`:                                            {"/anyOf/0/properties/a/x-eye-pii"},
		`{"properties": {"a": {"not": {"x-eye-pii": "hash"}}}, "if": {"properties": {"a": {"x-eye-pii": 1}}}}`: {"/if/properties/a/x-eye-pii", "/properties/a/not/x-eye-pii"},
		`{"properties": {"a": {"x-eye-pii": "drop", "properties": {"b": {"x-eye-pii": "hash"}}}}}`:             {"/properties/a/x-eye-pii"},
		`{"properties": {"a": {"items": {"x-eye-pii": "hash"}, "x-eye-pii": "hash"}}}`:                         {"/properties/a/x-eye-pii"},
	} {
		_, faults := Compile([]byte(raw))
		var got []string
		for _, f := range faults {
			got = append(got, f.Path)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Compile(%s), places of the faults (-want +got):\n%s%v", raw, diff, faults)
		}
	}
}
