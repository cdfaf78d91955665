package cmd

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/theeye/output"
)

const sumA, sumB = "AAAAAAAAAAAA0000000000000000000000000000000000000000000000000000", "bbbbbbbbbbbb0000000000000000000000000000000000000000000000000000"

// The registry has ids where a file has hashes, and times in its own form.
func TestDeclaredKeysAreComparedWithRegisteredKeys(t *testing.T) {
	present := []api.Key{
		{ID: "bbbbbbbbbbbb", KeySettings: api.KeySettings{Kind: "server", Disabled: true}},
		{ID: "aaaaaaaaaaaa", KeySettings: api.KeySettings{Kind: "browser", Origins: []string{"https://a", "https://b"}, EventsPerSecond: 5}},
	}
	if err := json.Unmarshal([]byte(`"2027-01-01T00:00:00.000000Z"`), &present[0].ExpiresAt); err != nil {
		t.Fatal(err)
	}
	declared := func(text string) string {
		keys, settings, err := parseDeclaredApplication([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return formatApplication(keys, settings)
	}
	same := `{"keys": [{"sha256": "` + sumA + `", "kind": "browser", "origins": ["https://b", "https://a"], "disabled": false, "events_per_second": 5},
		{"kind": "server", "sha256": "` + sumB + `", "disabled": true, "expires_at": "2027-01-01T02:00:00.0000001+02:00"}]}`
	if diff := cmp.Diff(formatApplication(present, api.ApplicationSettings{}), declared(same)); diff != "" {
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
		if declared(strings.Replace(same, change[0], change[1], 1)) == formatApplication(present, api.ApplicationSettings{}) {
			t.Errorf("%q for %q makes no difference", change[1], change[0])
		}
	}
	if present[1].Origins[0] != "https://a" || present[0].ID != "bbbbbbbbbbbb" {
		t.Error("comparing changed what it compared")
	}
}

func TestSameDocumentIgnoresOrderAndSpaces(t *testing.T) {
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
		if got := isSameDocument([]byte(c.a), []byte(c.b)); got != c.same {
			t.Errorf("%s and %s: same %t", c.a, c.b, got)
		}
	}
}

// For any declarations, a step creates or changes what differs, and equal
// declarations have no step.
func TestPlanHasAStepForEveryDifference(t *testing.T) {
	names := []string{"a", "b/c", "é ü", "x.y"}
	rapid.Check(t, func(t *rapid.T) {
		types := rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, "types")
		p := &registered{schemas: map[schema.Type]registeredText{}, applications: map[string]api.Application{}}
		want := map[string]string{}
		var declared []declare.Declared
		for i, name := range types {
			ty := schema.Type{Category: "c", Name: name}
			raw := `{"title": ` + quoted(rapid.String().Draw(t, "title")) + `}`
			d := declare.Declared{File: name, Subject: editor.Subject{Kind: editor.KindSchema, Category: "c", Name: name}, Raw: []byte(raw)}
			switch rapid.IntRange(0, 3).Draw(t, "state") {
			case 0: // only declared
				want[name] = actionCreated
				declared = append(declared, d)
			case 1: // registered, but different
				want[name] = actionChanged
				p.schemas[ty] = registeredText{uint64(i + 1), []byte(`{"type": "object"}`)}
				declared = append(declared, d)
			case 2: // registered and equal
				p.schemas[ty] = registeredText{uint64(i + 1), []byte(output.IndentJSON([]byte(raw)))}
				declared = append(declared, d)
			case 3: // only registered
				want["schemas/c/"+escaped(name)+".json"] = actionRemoved
				p.schemas[ty] = registeredText{revision: uint64(i + 1)}
			}
		}
		got := map[string]string{}
		for _, s := range steps(t, p, declared) {
			got[s.File] = s.Action
			if (s.Action == actionChanged) != (s.Diff != "") || (s.Action == actionCreated) != (s.Was == 0) {
				t.Errorf("%+v", s)
			}
		}
		if !maps.Equal(want, got) {
			t.Error(cmp.Diff(want, got))
		}
	})
}

// prunable are the kinds of which a folder can declare all.
var prunable = []string{editor.KindSchema, editor.KindApplication}

func steps(t *rapid.T, p *registered, declared []declare.Declared) []*planStep {
	all := &plan{}
	for _, d := range declared {
		s, err := p.stepFor(d)
		if err != nil {
			t.Fatal(err)
		}
		all.addStep(s)
	}
	for _, s := range p.pruneSteps(declared, prunable) {
		all.addStep(s)
	}
	if all.Unchanged+len(all.Changes) != len(declared)+len(p.pruneSteps(declared, prunable)) {
		t.Error("a declaration is neither changed nor unchanged")
	}
	return all.Changes
}

// The types of an application exist before it and are removed after it.
func TestStepsAreOrderedByDependency(t *testing.T) {
	p := &plan{}
	for _, s := range []planStep{
		{File: "s1", Kind: editor.KindSchema, Action: actionRemoved},
		{File: "a1", Kind: editor.KindApplication, Action: actionRemoved},
		{File: "p", Kind: editor.KindPolicy, Action: actionRemoved},
		{File: "a2", Kind: editor.KindApplication, Action: actionCreated},
		{File: "p2", Kind: editor.KindPolicy, Action: actionChanged},
		{File: "s3", Kind: editor.KindSchema, Action: actionChanged},
		{File: "s2", Kind: editor.KindSchema, Action: actionCreated},
	} {
		p.addStep(&s)
	}
	p.addStep(nil)
	p.sortSteps()
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
