package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/schema"
)

// The member goes with one comma; everything else stays as it is.
func TestRevisionOfAFileIsNoPartOfTheSchema(t *testing.T) {
	for raw, want := range map[string]string{
		`{"x-eye-revision":7}`:                                `{}`,
		`{"x-eye-revision":7,"a":1}`:                          `{"a":1}`,
		`{"a":1,"x-eye-revision":7}`:                          `{"a":1}`,
		`{"a":1,"x-eye-revision":7,"b":2}`:                    `{"a":1,"b":2}`,
		"{\n  \"x-eye-revision\": 7,\n  \"a\": 1\n}\n":        "{\n  \"a\": 1\n}\n",
		"{\n  \"a\": 1.50,\n  \"x-eye-revision\": 7\n}":       "{\n  \"a\": 1.50\n}",
		`{ "x-eye-revisi\u006fn" : 7 , "a" : {"b": [1, 2]} }`: `{ "a" : {"b": [1, 2]} }`,
		`{"a":{"x-eye-revision":7},"x-eye-revision":7}`:       `{"a":{"x-eye-revision":7}}`,
		"{\"a\":1\n, \"x-eye-revision\":7 , \"b\":2}":         "{\"a\":1, \"b\":2}",
	} {
		rest, revision, err := schema.CutRevision([]byte(raw))
		if err != nil || revision != 7 || strings.Join(strings.Fields(string(rest)), "") != strings.Join(strings.Fields(want), "") {
			t.Errorf("%s became %s, %d, %v; want %s", raw, rest, revision, err, want)
		}
	}
	for _, raw := range []string{``, `[]`, `7`, `{"a":{"x-eye-revision":7}}`, `{"x-eye-revision"`, `{"x-eye-revision":`, "\xff", `{"a":1,}`} {
		if rest, revision, err := schema.CutRevision([]byte(raw)); err != nil || revision != 0 || string(rest) != raw {
			t.Errorf("%q became %q, %d, %v", raw, rest, revision, err)
		}
	}
	for _, value := range []string{`0`, `-1`, `"7"`, `1.5`, `null`, `9223372036854775808`} {
		if _, _, err := schema.CutRevision([]byte(`{"x-eye-revision":` + value + `}`)); err == nil {
			t.Errorf("%s is a revision", value)
		}
	}
}

// A file that is taken says its revision, and is the same schema without.
func TestRevisionOfAFileIsReadBack(t *testing.T) {
	members := rapid.MapOfN(rapid.StringMatching(`[a-z"\\ ]{0,4}`), rapid.SampledFrom([]any{1.0, "x", nil, true, []any{1.0}, map[string]any{"x-eye-revision": 3.0}}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		content := members.Draw(t, "members")
		raw, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		revision := rapid.Uint64Range(1, 1<<63-1).Draw(t, "revision")
		file, err := schema.AddRevision(raw, revision)
		if err != nil {
			t.Fatal(err)
		}
		rest, got, err := schema.CutRevision(file)
		var again map[string]any
		if err != nil || got != revision || json.Unmarshal(rest, &again) != nil || !reflect.DeepEqual(content, again) {
			t.Fatalf("%s became %s, %d, %v", file, rest, got, err)
		}
	})
}
