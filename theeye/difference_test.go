package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

const sumA, sumB = "AAAAAAAAAAAA0000000000000000000000000000000000000000000000000000", "bbbbbbbbbbbb0000000000000000000000000000000000000000000000000000"

// The registry tells ids where a file has hashes, and times in its own form:
// equal keys are equal all the same.
func TestKeysCompare(t *testing.T) {
	there := []writeKey{
		{ID: "bbbbbbbbbbbb", keyUse: keyUse{Kind: "server", Disabled: true}},
		{ID: "aaaaaaaaaaaa", keyUse: keyUse{Kind: "browser", Origins: []string{"https://a", "https://b"}, EventsPerSecond: 5}},
	}
	if err := json.Unmarshal([]byte(`"2027-01-01T00:00:00.000000Z"`), &there[0].ExpiresAt); err != nil {
		t.Fatal(err)
	}
	declared := func(text string) string {
		keys, err := declaredKeys([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return prettyKeys(keys)
	}
	same := `{"keys": [{"sha256": "` + sumA + `", "kind": "browser", "origins": ["https://b", "https://a"], "disabled": false, "events_per_second": 5},
		{"kind": "server", "sha256": "` + sumB + `", "disabled": true, "expires_at": "2027-01-01T02:00:00.0000001+02:00"}]}`
	if diff := cmp.Diff(prettyKeys(there), declared(same)); diff != "" {
		t.Error(diff)
	}
	for _, change := range [][2]string{
		{"browser", "server"},
		{"https://b", "https://c"},
		{`"disabled": false`, `"disabled": true`},
		{": 5", ": 6"},
		{"AAAAAAAAAAAA", "AAAAAAAAAAAB"},
		{"+02:00", "+01:00"},
		{`"kind"`, `"bytes_per_second": 1, "kind"`},
	} {
		if declared(strings.Replace(same, change[0], change[1], 1)) == prettyKeys(there) {
			t.Errorf("%q for %q makes no difference", change[1], change[0])
		}
	}
	if there[1].Origins[0] != "https://a" || there[0].ID != "bbbbbbbbbbbb" {
		t.Error("comparing changed what it compared")
	}
}

// Order and spaces say nothing, numbers are compared exactly.
func TestSameDocument(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"a": 1, "b": [1, 2]}`, ` {"b":[1,2],"a":1}`, true},
		{`{"a": "\u0041"}`, `{"a": "A"}`, true},
		{`{"b": [1, 2]}`, `{"b": [2, 1]}`, false},
		{`{"maximum": 9007199254740993}`, `{"maximum": 9007199254740992}`, false},
		{`{}`, `{"a": null}`, false},
		{`broken`, `broken`, false},
	} {
		if got := sameDocument([]byte(c.a), []byte(c.b)); got != c.same {
			t.Errorf("%s and %s: same %t", c.a, c.b, got)
		}
	}
}

// Whatever is declared: what is there already makes no step, and what is not
// makes one that creates it or shows a difference.
func TestCompare(t *testing.T) {
	names := []string{"a", "b/c", "é ü", "x.y"}
	rapid.Check(t, func(t *rapid.T) {
		types := rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, "types")
		p := &present{schemas: map[schema.Type]held{}, applications: map[string]application{}}
		want := map[string]string{}
		var declared []registry.Declared
		for i, name := range types {
			ty := schema.Type{Category: "c", Name: name}
			raw := `{"title": ` + quoted(rapid.String().Draw(t, "title")) + `}`
			d := registry.Declared{File: name, Kind: registry.KindSchema, Category: "c", Name: name, Raw: []byte(raw)}
			switch rapid.IntRange(0, 3).Draw(t, "state") {
			case 0: // only declared
				want[name] = created
				declared = append(declared, d)
			case 1: // there, otherwise
				want[name] = changed
				p.schemas[ty] = held{uint64(i + 1), []byte(`{"type": "object"}`)}
				declared = append(declared, d)
			case 2: // there, the same
				p.schemas[ty] = held{uint64(i + 1), []byte(pretty([]byte(raw)))}
				declared = append(declared, d)
			case 3: // only there
				want["schemas/c/"+escaped(name)+".json"] = removed
				p.schemas[ty] = held{revision: uint64(i + 1)}
			}
		}
		got := map[string]string{}
		for _, s := range steps(t, p, declared) {
			got[s.File] = s.Action
			if (s.Action == changed) != (s.Diff != "") || (s.Action == created) != (s.Was == 0) {
				t.Errorf("%+v", s)
			}
		}
		if !maps.Equal(want, got) {
			t.Error(cmp.Diff(want, got))
		}
	})
}

func steps(t *rapid.T, p *present, declared []registry.Declared) []*step {
	all := &plan{}
	for _, d := range declared {
		s, err := p.compare(d)
		if err != nil {
			t.Fatal(err)
		}
		all.add(s)
	}
	for _, s := range p.undeclared(declared) {
		all.add(s)
	}
	if all.Unchanged+len(all.Changes) != len(declared)+len(p.undeclared(declared)) {
		t.Error("a declaration is neither changed nor unchanged")
	}
	return all.Changes
}

// A new application finds its types, and one that goes keeps them to its end.
func TestOrderOfSteps(t *testing.T) {
	p := &plan{}
	for _, s := range []step{
		{File: "s1", Kind: registry.KindSchema, Action: removed},
		{File: "a1", Kind: registry.KindApplication, Action: removed},
		{File: "p", Kind: registry.KindPolicy, Action: removed},
		{File: "a2", Kind: registry.KindApplication, Action: created},
		{File: "p2", Kind: registry.KindPolicy, Action: changed},
		{File: "s3", Kind: registry.KindSchema, Action: changed},
		{File: "s2", Kind: registry.KindSchema, Action: created},
	} {
		p.add(&s)
	}
	p.add(nil)
	p.sort()
	var order []string
	for _, s := range p.Changes {
		order = append(order, s.File)
	}
	if want := []string{"s2", "s3", "p2", "a2", "a1", "p", "s1"}; !slices.Equal(want, order) || p.Unchanged != 1 {
		t.Errorf("%v, %d unchanged", order, p.Unchanged)
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func escaped(s string) string {
	return map[string]string{"a": "a", "b/c": "b=2Fc", "é ü": "=C3=A9=20=C3=BC", "x.y": "x=2Ey"}[s]
}
