package propose_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/schema/propose"
)

// fataler is the part of testing.TB that checks need; *rapid.T implements it.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// decode returns an event with this data; nil where the collector refuses it.
func decode(data string) *event.Event {
	ev, refusal := native.Decode([]byte(`{"data":` + data + `}`))
	if refusal != nil || ev.Tree == nil {
		return nil
	}
	return ev
}

// observe returns the observations of data, and the events with those that are not refused.
func observe(data []string) (*propose.Observations, []*event.Event) {
	var seen propose.Observations
	var events []*event.Event
	for _, d := range data {
		if ev := decode(d); ev != nil {
			seen.AddData(ev.Tree)
			events = append(events, ev)
		}
	}
	return &seen, events
}

// checkValid checks the promise of the package: the schema is taken, and every event is valid
// by it.
func checkValid(t fataler, text []byte, events []*event.Event) {
	t.Helper()
	compiled, faults := schema.Compile(text)
	if len(faults) > 0 {
		t.Fatalf("the schema is not taken: %v\n%s", faults, text)
	}
	typ := schema.Type{Category: "c", Name: "n"}
	set := schema.NewSet(1, schema.DefaultPolicy(), map[schema.Type]schema.Versioned{typ: {Schema: compiled, Revision: 1}}, make([]byte, 1))
	now := time.Now()
	for _, ev := range events {
		v := set.Validate(&event.Event{
			Head: event.Head{Category: "c", Name: "n"}, Timestamp: now, Data: ev.Data, Tree: ev.Tree,
		}, now, "")
		if len(v.Faults) > 0 {
			t.Fatalf("%s is not valid: %v\n%s", ev.Data, v.Faults, text)
		}
	}
}

// diffSchema returns what a schema has otherwise than another one.
func diffSchema(t *testing.T, want string, text []byte) string {
	t.Helper()
	var got, wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	return cmp.Diff(wanted, got)
}

const head = `{"$schema": "http://json-schema.org/draft-07/schema#", "title": "t", "type": "object"`

func TestProposesWhatWasSeen(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"nothing":                {``, head + `}`},
		"no member":              {`{} {}`, head + `}`},
		"types and required":     {`{"a": 1, "b": "x", "c": [1, null]} {"a": 1.5, "b": null}`, head + `, "properties": {"a": {"type": "number"}, "b": {"type": ["null", "string"]}, "c": {"type": "array", "items": {"type": ["integer", "null"]}}}, "required": ["a", "b"]}`},
		"integers":               {`{"a": 1, "b": 1, "c": 1.0} {"a": -20000000000000000000000, "b": 1e3, "c": 2}`, head + `, "properties": {"a": {"type": "integer"}, "b": {"type": "number"}, "c": {"type": "number"}}, "required": ["a", "b", "c"]}`},
		"required of objects":    {`{"o": {"x": true, "y": 1}} {"o": {"x": false}} {"o": 1} {}`, head + `, "properties": {"o": {"type": ["integer", "object"], "properties": {"x": {"type": "boolean"}, "y": {"type": "integer"}}, "required": ["x"]}}}`},
		"elements":               {`{"l": [{"s": 1}, {"s": 2, "t": []}]} {"l": []}`, head + `, "properties": {"l": {"type": "array", "items": {"type": "object", "properties": {"s": {"type": "integer"}, "t": {"type": "array"}}, "required": ["s"]}}}, "required": ["l"]}`},
		"names of JavaScript":    {`{"__proto__": {"constructor": 1}, "toString": null}`, head + `, "properties": {"__proto__": {"type": "object", "properties": {"constructor": {"type": "integer"}}, "required": ["constructor"]}, "toString": {"type": "null"}}, "required": ["__proto__", "toString"]}`},
		"empty, NUL and a point": {`{"": "a", "\u0000": "b", "a.b/~": "c", "$ref": "#/d"}`, head + `, "properties": {"": {"type": "string"}, "\u0000": {"type": "string"}, "$ref": {"type": "string"}, "a.b/~": {"type": "string"}}, "required": ["", "\u0000", "$ref", "a.b/~"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			var data []string
			for d := json.NewDecoder(strings.NewReader(c.data)); d.More(); {
				var raw json.RawMessage
				if err := d.Decode(&raw); err != nil {
					t.Fatal(err)
				}
				data = append(data, string(raw))
			}
			seen, events := observe(data)
			if len(events) != len(data) {
				t.Fatal("an event is refused")
			}
			text, incomplete := seen.Propose("t")
			if diff := diffSchema(t, c.want, text); diff != "" || incomplete {
				t.Errorf("incomplete: %v, schema (-want +got):\n%s", incomplete, diff)
			}
			checkValid(t, text, events)
		})
	}
}

// The text is for people: laid out, and its members in the order in which one reads them.
func TestSchemaIsLaidOut(t *testing.T) {
	seen, _ := observe([]string{`{"b": [1], "a": "x"}`, `{"b": []}`})
	text, _ := seen.Propose("page interaction: pageview")
	want := `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "page interaction: pageview",
  "type": "object",
  "properties": {
    "a": {
      "type": "string"
    },
    "b": {
      "type": "array",
      "items": {
        "type": "integer"
      }
    }
  },
  "required": [
    "b"
  ]
}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
}

// Members beyond a bound are left out: the deeper and rarer ones first.
func TestBoundsLeaveOut(t *testing.T) {
	object := func(n int, name func(i int) string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,%q:%d`, name(i), i)
		}
		return "{" + strings.TrimPrefix(b.String(), ",") + "}"
	}
	short := func(i int) string { return fmt.Sprintf("m%03d", i) }
	for name, c := range map[string]struct {
		data  []string
		holds []string
		lacks string
	}{
		"200 members": {[]string{object(200, short)}, []string{`"m000"`, `"m199"`}, ""},
		"rare members": {
			slices.Concat([]string{`{"common": 1}`, `{"common": 1}`}, repeat(3, func(i int) string {
				return object(800, func(k int) string { return fmt.Sprintf("rare-%d-%d", i, k) })
			})), []string{`"common"`, `"rare-0-0"`}, `"rare-2-799"`,
		},
		"deep members":        {[]string{`{"top": 1, "a": ` + strings.Repeat(`{"a": [`, 14) + strings.Repeat(`]}`, 14) + `}`}, []string{`"top"`}, ""},
		"long names":          {[]string{object(300, func(i int) string { return fmt.Sprint(strings.Repeat("n", 900), i) })}, []string{"n0", `"required"`}, "n299\""},
		"a name of 2 KiB":     {[]string{`{"a": 1, "` + strings.Repeat("n", 2000) + `": 1}`}, []string{`"a"`}, "nnn"},
		"more than are noted": {repeat(20, func(i int) string { return object(900, func(k int) string { return fmt.Sprintf("%d-%d", i, k) }) }), []string{`"0-0"`}, `"19-1"`},
	} {
		t.Run(name, func(t *testing.T) {
			seen, events := observe(c.data)
			if len(events) != len(c.data) {
				t.Fatal("an event is refused")
			}
			text, incomplete := seen.Propose("t")
			checkValid(t, text, events)
			if want := name != "200 members"; incomplete != want {
				t.Errorf("incomplete: %v", incomplete)
			}
			for _, part := range c.holds {
				if !strings.Contains(string(text), part) {
					t.Errorf("%s is missing in %d bytes", part, len(text))
				}
			}
			if c.lacks != "" && strings.Contains(string(text), c.lacks) {
				t.Errorf("%s is in %d bytes", c.lacks, len(text))
			}
		})
	}
}

// A tree that no event has does no harm: its names are left out.
func TestNamesThatAreNotUTF8AreLeftOut(t *testing.T) {
	var seen propose.Observations
	seen.AddData(map[string]any{"\xff": "x", "a\xc0": "x", "b": "x"})
	text, incomplete := seen.Propose("t")
	checkValid(t, text, nil)
	if !incomplete || strings.Count(string(text), `"string"`) != 1 {
		t.Errorf("incomplete: %v, %s", incomplete, text)
	}
}

func repeat(n int, of func(i int) string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = of(i)
	}
	return list
}

// Whatever events have, they are valid by the schema that is proposed for them, and their
// order decides nothing.
func TestEveryEventIsValidByItsProposal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(objectText(3), 0, 12).Draw(t, "data")
		seen, events := observe(data)
		text, _ := seen.Propose(rapid.String().Draw(t, "title"))
		checkValid(t, text, events)

		seed := rapid.Uint64().Draw(t, "order")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(data), func(i, k int) { data[i], data[k] = data[k], data[i] })
		one, _ := seen.Propose("t")
		shuffled, _ := observe(data)
		if other, _ := shuffled.Propose("t"); string(other) != string(one) {
			t.Fatalf("in another order it is %s, not %s", other, one)
		}
	})
}

// Counts of other events only make a schema wider: the events that were added stay valid.
func TestWidenedProposalKeepsEveryEventValid(t *testing.T) {
	paths := rapid.SampledFrom([]string{"data.a", "data.b", `data."a.b"`, "data.a.b", `data.""`, "data.l", "data.0", "data.a.a.a", "data.l[]"})
	rapid.Check(t, func(t *rapid.T) {
		seen, events := observe(rapid.SliceOfN(objectText(3), 0, 6).Draw(t, "data"))
		list := &api.FieldList{Events: rapid.Int64Range(0, 5).Draw(t, "events"), Truncated: rapid.Bool().Draw(t, "truncated")}
		for _, path := range rapid.SliceOfDistinct(paths, rapid.ID).Draw(t, "paths") {
			kind := rapid.SampledFrom([]string{"string", "number", "boolean", "null", "array"}).Draw(t, "kind")
			n := rapid.Int64Range(1, 5).Draw(t, "present")
			list.Fields = append(list.Fields, api.FieldFacts{Path: path, Present: n, Types: map[string]int64{kind: n}})
		}
		seen.Widen(list)
		text, _ := seen.Propose("t")
		checkValid(t, text, events)
	})
}

// A member is required only where every counted event has it; one place may have several
// types; a quoted segment is one member. Elements are not counted, nor is whether numbers are
// integers.
func TestWiden(t *testing.T) {
	facts := func(path string, present int64, kinds ...string) api.FieldFacts {
		f := api.FieldFacts{Path: path, Present: present, Types: map[string]int64{}}
		for _, kind := range kinds {
			f.Types[kind] = present
		}
		return f
	}
	counts := []api.FieldFacts{
		facts("data.path", 3, "string"), facts("data.price", 2, "number", "null"), facts(`data.cart."a.b"`, 3, "array"),
		facts("data.half.x", 1, "boolean"), facts("data.half.y", 1, "string"), facts("data.tags[]", 3, "string"), facts("data.old", 1, "string"),
	}
	seen := func() *propose.Observations {
		o, _ := observe(repeat(2, func(int) string {
			return `{"path": "/", "price": 3, "cart": {"a.b": [1]}, "half": {"x": true}, "new": 1}`
		}))
		return o
	}
	check := func(name string, truncated bool, want string) {
		o := seen()
		o.Widen(&api.FieldList{Events: 3, Fields: counts, Truncated: truncated})
		text, incomplete := o.Propose("t")
		if diff := diffSchema(t, want, text); diff != "" || incomplete != truncated {
			t.Errorf("%s: incomplete: %v, schema (-want +got):\n%s", name, incomplete, diff)
		}
	}
	const properties = `, "properties": {
		"cart": {"type": "object", "properties": {"a.b": {"type": "array"}}, "required": ["a.b"]},
		"half": {"type": "object", "properties": {"x": {"type": "boolean"}, "y": {"type": "string"}}},
		"new": %s,
		"old": {"type": "string"},
		"path": {"type": "string"},
		"price": {"type": ["null", "number"]}
	}, "required": ["cart", "path"]}`
	check("all fields", false, head+fmt.Sprintf(properties, `{"type": "number"}`))
	check("a truncated list", true, head+fmt.Sprintf(properties, `{}`))
}

// objectText draws the text of an object, of names and values that hurt.
func objectText(depth int) *rapid.Generator[string] {
	names := rapid.OneOf(
		rapid.SampledFrom([]string{
			`"a"`, `"b"`, `"l"`, `"__proto__"`, `"constructor"`, `""`, `"\u0000"`, `"a.b"`, `"0"`, `"$ref"`, `"$id"`, `"/~"`, `"é\u2028"`, `"\ud83d\udc41"`, `"\ud800"`, `"\udc00x"`, `"%"`,
		}),
		rapid.Map(rapid.String(), strconvJSON),
	)
	return rapid.Custom(func(t *rapid.T) string {
		var members []string
		for _, name := range rapid.SliceOfNDistinct(names, 0, 6, rapid.ID).Draw(t, "names") {
			members = append(members, name+":"+valueText(depth).Draw(t, "value"))
		}
		return "{" + strings.Join(members, ",") + "}"
	})
}

func valueText(depth int) *rapid.Generator[string] {
	scalars := rapid.SampledFrom([]string{
		`null`, `true`, `false`, `0`, `-0`, `1`, `-7`, `1.0`, `0.5`, `1e3`, `1E-3`, `1e400`, `-1e-400`, `1e308`, `9007199254740993`, `123456789012345678901234567890123456789`,
		`1234567890123456789012345678901234567890123456789012345678901234`, `1000000000000000000000.0`, `""`, `"x"`, `"\ud800"`, `"2026-01-01T00:00:00Z"`,
	})
	if depth == 0 {
		return scalars
	}
	return rapid.OneOf(scalars, objectText(depth-1), rapid.Custom(func(t *rapid.T) string {
		return "[" + strings.Join(rapid.SliceOfN(valueText(depth-1), 0, 4).Draw(t, "elements"), ",") + "]"
	}))
}

// strconvJSON returns a string as JSON.
func strconvJSON(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote("")
	}
	return string(text)
}

// FuzzPropose looks for an event that is not valid by the schema that is proposed for it and
// another one.
func FuzzPropose(f *testing.F) {
	for _, data := range []string{
		`{}`, `{"a": {"b": [1, "x", null]}}`, `{"": 1e400, "\u0000": "\ud800"}`, `{"__proto__": {"__proto__": []}}`,
		`{"a": ` + strings.Repeat(`[`, 31) + strings.Repeat(`]`, 31) + `}`, `{"l": [1, 1.0, 1e3, {"\udfff": {}}]}`,
	} {
		f.Add([]byte(data), []byte(`{"a": 1}`))
	}
	paths, err := filepath.Glob("../../format/native/testdata/accept/*.json")
	if err != nil || len(paths) < 40 {
		f.Fatalf("%d events, %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, []byte(`{}`))
	}
	f.Fuzz(func(t *testing.T, one, other []byte) {
		seen, events := observe([]string{string(one), string(other)})
		text, _ := seen.Propose("t")
		checkValid(t, text, events)
	})
}
