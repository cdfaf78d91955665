package schema

import (
	"testing"

	"github.com/theeye/theeye/shared/event"
)

// A removed schema validates events that name one of its versions, as before; for
// others the type is unknown. Marks of personal values stay in force, and a schema
// that is put later has the versions before the removal.
func TestRemovedSchemaValidatesEventsThatNameAVersion(t *testing.T) {
	marked := `{"required": ["b"], "properties": {"mail": {"x-eye-pii": "drop"}}}`
	removed := Versioned{
		Schema: compile(t, marked), Revision: 5, Removed: true,
		Earlier: []*Version{NewVersion(3, []byte(`{"required": ["a"]}`))},
	}
	lenient := DefaultPolicy()
	lenient.UnknownTypes = StoreUnknown
	strict := NewSet(6, DefaultPolicy(), map[Type]Versioned{pageview: removed}, testKey)
	for _, tc := range []struct {
		name    string
		set     *Set
		version int64
		data    string
		code    string
		by      uint64
		kept    string
	}{
		{"names none", strict, 0, `{"b": 1}`, event.CodeUnknownType, 0, ""},
		{"names none, unknown types are stored", NewSet(6, lenient, map[Type]Versioned{pageview: removed}, testKey), 0, `{"x":1,"mail":"m"}`, "", 0, `{"x":1}`},
		{"names the earlier one", strict, 3, `{"a":1,"mail":"m"}`, "", 3, `{"a":1}`},
		{"breaks the earlier one", strict, 3, `{"b": 1}`, event.CodeSchemaViolation, 3, ""},
		{"names the removed one", strict, 5, `{"b":1}`, "", 5, `{"b":1}`},
		{"names the removal", strict, 6, `{"b": 1}`, event.CodeUnknownSchemaVersion, 0, ""},
		{"restored, the earlier one", strict.With(pageview, compile(t, marked)), 3, `{"a":1}`, "", 3, `{"a":1}`},
		{"restored, the removed one", strict.With(pageview, compile(t, marked)), 5, `{"b":1}`, "", 5, `{"b":1}`},
		{"mended", strict.With(pageview, compile(t, `{"x-eye-supersedes": [3]}`)), 3, `{}`, "", 7, `{}`},
	} {
		v := tc.set.Validate(named(t, tc.version, tc.data), received, "demo")
		code := ""
		if len(v.Faults) > 0 {
			code = v.Faults[0].Code
		}
		if code != tc.code || v.SchemaVersion != tc.by || string(v.Data) != tc.kept {
			t.Errorf("%s: %q by %d, data %s; want %q by %d, %s", tc.name, code, v.SchemaVersion, v.Data, tc.code, tc.by, tc.kept)
		}
	}
	if strict.Known(pageview.Category, pageview.Name) || strict.Version(pageview) != 0 || strict.Schema(pageview) != nil || len(strict.Types()) != 0 {
		t.Error("a removed type is known")
	}
}
