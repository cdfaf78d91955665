package schema

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/format/native"
)

// A Set with a schema that is not put yet validates as if it were put.
func TestWithValidatesAsIfItWerePut(t *testing.T) {
	pageview := Type{"page", "view"}
	raws := []string{
		`{"required": ["a"]}`,
		`{"required": ["b"]}`,
		`{"required": ["c"], "x-eye-supersedes": [1]}`,
	}
	before := NewSet(2, DefaultPolicy(), map[Type]Versioned{pageview: {
		Schema: compile(t, raws[1]), Revision: 2, Earlier: []*Version{NewVersion(1, []byte(raws[0]))},
	}}, nil)
	want := NewSet(3, DefaultPolicy(), map[Type]Versioned{pageview: {
		Schema: compile(t, raws[2]), Revision: 3,
		Earlier: []*Version{NewVersion(1, []byte(raws[0])), NewVersion(2, []byte(raws[1]))},
	}}, nil)
	got := before.With(pageview, compile(t, raws[2]))
	for _, data := range []string{`{"a":1}`, `{"b":1}`, `{"c":1}`} {
		for _, version := range []string{"", `"schema_version":1,`, `"schema_version":2,`, `"schema_version":3,`, `"schema_version":4,`} {
			ev, refusal := native.Decode([]byte(`{"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423",` + version +
				`"category":"page","name":"view","timestamp":"2021-01-01T00:00:00Z","data":` + data + `}`))
			if refusal != nil {
				t.Fatal(refusal)
			}
			now := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
			if diff := cmp.Diff(want.Validate(ev, now, "demo"), got.Validate(ev, now, "demo")); diff != "" {
				t.Errorf("%s %s (-put +with):\n%s", version, data, diff)
			}
		}
	}
	if before.Revision() != 2 || before.Version(pageview) != 2 || got.Revision() != 3 || got.Version(pageview) != 3 {
		t.Errorf("revisions %d and %d", before.Revision(), got.Revision())
	}
	if fresh := before.With(Type{"page", "click"}, compile(t, raws[0])); !fresh.Known("page", "click") || before.Known("page", "click") {
		t.Error("a new type is known before, or not after")
	}
}

// A schema whose put would make the key that values are hashed with is validated
// as if there were one.
func TestWithHashesWithoutAKey(t *testing.T) {
	s, faults := Compile([]byte(`{"properties": {"mail": {"x-eye-pii": "hash"}}}`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	ev, refusal := native.Decode([]byte(`{"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423","category":"page","name":"view",` +
		`"timestamp":"2021-01-01T00:00:00Z","data":{"mail":"a@example.com"}}`))
	if refusal != nil {
		t.Fatal(refusal)
	}
	set := NewSet(2, DefaultPolicy(), nil, nil).With(Type{"page", "view"}, s)
	if v := set.Validate(ev, time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), "demo"); len(v.Faults) > 0 {
		t.Errorf("it is rejected: %v", v.Faults)
	}
}

// A Set does not copy the earlier versions: it must not write beside them.
func TestWithChangesNoHistory(t *testing.T) {
	pageview := Type{"page", "view"}
	history := []*Version{NewVersion(1, []byte(`{}`)), NewVersion(2, []byte(`{}`))}
	newest := compile(t, `{}`)
	s := NewSet(3, DefaultPolicy(), map[Type]Versioned{pageview: {Schema: newest, Revision: 2, Earlier: history[:1]}}, nil)
	before := slices.Clone(history)
	s.With(pageview, newest).With(pageview, newest)
	if !slices.Equal(history, before) {
		t.Error("a version of the caller's history was replaced")
	}
}

func TestSetReturnsTheSchemaOfAType(t *testing.T) {
	pageview, broken := Type{"page", "view"}, Type{"page", "broken"}
	newest := compile(t, `{}`)
	s := NewSet(3, DefaultPolicy(), map[Type]Versioned{pageview: {Schema: newest, Revision: 2}, broken: {Revision: 1}}, nil)
	for _, c := range []struct {
		t        Type
		schema   *Schema
		revision uint64
		known    bool
	}{{pageview, newest, 2, true}, {broken, nil, 1, true}, {Type{"view", "page"}, nil, 0, false}} {
		if s.Schema(c.t) != c.schema || s.Version(c.t) != c.revision || s.Known(c.t.Category, c.t.Name) != c.known {
			t.Errorf("%s: schema %v, version %d, known %t", c.t, s.Schema(c.t), s.Version(c.t), s.Known(c.t.Category, c.t.Name))
		}
	}
}
