package cmd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
)

// A member is required only where every event has it; one place may have several
// types; a quoted segment is one member.
func TestInferSchema(t *testing.T) {
	facts := func(path string, present int64, kinds ...string) api.FieldFacts {
		f := api.FieldFacts{Path: path, Present: present, Types: map[string]int64{}}
		for _, kind := range kinds {
			f.Types[kind] = present
		}
		return f
	}
	got, err := inferSchema(&api.FieldList{Events: 2, Fields: []api.FieldFacts{
		facts("data.path", 2, "string"), facts("data.price", 1, "number", "null"), facts(`data.cart."a.b"`, 2, "array"),
		facts("data.half.x", 1, "boolean"), facts("data.half.y", 1, "string"), facts("data.half", 0), facts("data.tags[]", 2, "string"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "properties": {
    "cart": {
      "type": "object",
      "properties": {
        "a.b": {
          "type": "array"
        }
      },
      "required": [
        "a.b"
      ]
    },
    "half": {
      "type": "object",
      "properties": {
        "x": {
          "type": "boolean"
        },
        "y": {
          "type": "string"
        }
      }
    },
    "path": {
      "type": "string"
    },
    "price": {
      "type": [
        "null",
        "number"
      ]
    }
  },
  "required": [
    "cart",
    "path"
  ]
}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
