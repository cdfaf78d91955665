package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/schema"
)

func TestMembersOfASchema(t *testing.T) {
	s, faults := schema.Compile([]byte(`{
		"type": "object", "required": ["path", "user", "late"],
		"properties": {
			"path": {"type": "string"}, "a/b": {}, "late": true,
			"user": {"$ref": "#/$defs/user"},
			"shop": {"type": "object", "required": ["id"], "properties": {"id": {}}}
		},
		"allOf": [{"required": ["a/b"], "properties": {"more": {}}}],
		"if": {"properties": {"path": {"const": "/"}}}, "then": {"properties": {"sometimes": {}}},
		"$defs": {"user": {"required": ["name"], "properties": {"name": {}, "friend": {"$ref": "#/$defs/user"}}}}
	}`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var got []string
	for _, m := range s.Members() {
		if len(m.Path) <= 3 {
			got = append(got, fmt.Sprint(strings.Join(m.Path, " "), " ", m.Required))
		}
	}
	want := []string{
		"a/b true", "late true", "more false", "path true", "shop false", "shop id false", "user true", "user friend false",
		"user friend friend false", "user friend name false", "user name true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(s.Members()); n > 1000 {
		t.Errorf("%d members", n)
	}
	if (*schema.Schema)(nil).Members() != nil {
		t.Error("no schema has members")
	}
}
