package schema

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// FuzzCompile looks for schemas that pass the guards and hurt the library.
func FuzzCompile(f *testing.F) {
	for _, raw := range []string{
		`{}`, `true`, pageviewSchema,
		`{` + draft4 + `"minimum": 1, "exclusiveMinimum": true, "id": "x"}`,
		`{` + draft6 + `"propertyNames": {"pattern": "^a"}, "contains": {"const": null}}`,
		`{"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}}`,
		`{"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}`,
		`{"if": {"enum": [1, 1e308]}, "then": {"multipleOf": 1e-308}, "else": false}`,
		`{"default": {"$id": "#/definitions/a", "$ref": "file:///etc/passwd"}, "definitions": {"a": {}}, "items": {"$ref": "#/definitions/a"}}`,
		`{"dependencies": {"a": ["b"], "b": {"not": {}}}, "patternProperties": {"(a{1,9}){1,9}": {"format": "regex"}}}`,
		`{"x-eye-supersedes": [1], "examples": [{"a": {"b": []}}], "x-eye-reject-examples": [1, {"c": 1}], "properties": {"c": false}}`,
		`{"properties": {"a": {"items": {"x-eye-pii": "drop"}, "properties": {"b": {"items": {"x-eye-pii": "hash"}}}}}}`,
	} {
		f.Add([]byte(raw), []byte(`{"a": {"b": [1, "x", null]}}`))
	}
	f.Fuzz(func(t *testing.T, raw, data []byte) {
		s, faults := Compile(raw)
		if (s == nil) == (len(faults) == 0) {
			t.Fatalf("a schema and faults, or neither: %v", faults)
		}
		if s != nil {
			validateTwice(t, s, data)
		}
	})
}

// FuzzValidate looks for data that hurts a schema which uses everything.
func FuzzValidate(f *testing.F) {
	s := compile(f, `{
		"definitions": {"node": {"properties": {"next": {"$ref": "#/definitions/node"}, "v": {"type": ["integer", "null"], "multipleOf": 0.1}}}},
		"properties": {
			"list": {"$ref": "#/definitions/node"},
			"when": {"format": "date-time"}, "mail": {"format": "email"}, "link": {"format": "uri"}, "re": {"format": "regex"},
			"tags": {"items": {"type": "string", "maxLength": 3}, "uniqueItems": true, "contains": {"const": "a"}},
			"n": {"minimum": -1, "exclusiveMaximum": 1e308, "enum": [0, 0.5, 1e10, "x", {"a": [1]}]}
		},
		"patternProperties": {"^x": {"not": {"type": "object"}}},
		"additionalProperties": {"items": {"oneOf": [{"type": "number"}, {"minLength": 1}]}},
		"propertyNames": {"pattern": "^[^ ]*$"},
		"dependencies": {"list": ["tags"], "n": {"minProperties": 2}},
		"if": {"required": ["n"]}, "then": {"maxProperties": 3}, "else": {"anyOf": [{"required": ["when"]}, {"required": ["mail"]}]}
	}`)
	for _, data := range []string{
		`{}`, `{"list": {"next": {"next": {"v": 0.15}}}, "tags": ["a", "a"]}`,
		`{"n": 1e10000000, "x": {}}`, `{"n": 0.50, "when": "2026-02-30T00:00:00Z", "mail": "a", "link": "%", "re": "("}`,
		`{"a b": [1, "", null], "": [[[]]], "\u0000": 9007199254740993}`, `{"n": {"a": [1.0]}}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) { validateTwice(t, s, data) })
}

func validateTwice(t *testing.T, s *Schema, data []byte) {
	ev, refusal := native.Decode(append(append([]byte(`{"data": `), data...), '}'))
	if refusal != nil || ev.Tree == nil {
		return
	}
	first := s.Validate(ev.Tree)
	size := 0
	for _, fault := range first {
		size += len(fault.Code) + len(fault.Path) + len(fault.Message)
		if fault.Code == event.CodeValidatorFailed {
			t.Errorf("the library failed on %q", data)
		}
	}
	if len(first) > event.MaxFaults || size > event.MaxFaultBytes {
		t.Errorf("%d faults of %d bytes", len(first), size)
	}
	if diff := cmp.Diff(first, s.Validate(ev.Tree)); diff != "" {
		t.Errorf("another call, another outcome:\n%s", diff)
	}
}
