package schema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// branch is a value with its members in order: the naive way to redact parses
// all, changes it and encodes it again.
type branch struct {
	kind     byte   // '{', '[' or 0
	text     string // of a scalar
	names    []string
	children []branch // of an object, by names
}

func parse(t testing.TB, raw []byte) branch {
	t.Helper()
	switch raw[0] {
	case '{':
		dec := jsontext.NewDecoder(bytes.NewReader(raw))
		must(t, dec.ReadToken)
		v := branch{kind: '{'}
		for dec.PeekKind() != '}' {
			name := must(t, dec.ReadToken)
			v.names = append(v.names, name.String())
			v.children = append(v.children, parse(t, must(t, dec.ReadValue)))
		}
		return v
	case '[':
		var elements []jsontext.Value
		if err := json.Unmarshal(raw, &elements); err != nil {
			t.Fatal(err)
		}
		v := branch{kind: '['}
		for _, e := range elements {
			v.children = append(v.children, parse(t, e))
		}
		return v
	}
	return branch{text: string(raw)}
}

func must[T any](t testing.TB, read func() (T, error)) T {
	t.Helper()
	v, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (v branch) String() string {
	var parts []string
	for i, c := range v.children {
		name := ""
		if v.kind == '{' {
			quoted, _ := jsontext.AppendQuote(nil, v.names[i])
			name = string(quoted) + ":"
		}
		parts = append(parts, name+c.String())
	}
	switch v.kind {
	case '{':
		return "{" + strings.Join(parts, ",") + "}"
	case '[':
		return "[" + strings.Join(parts, ",") + "]"
	}
	return v.text
}

// sorted is v in canonical form.
func (v branch) sorted() branch {
	w := branch{kind: v.kind, text: v.text, names: slices.Sorted(slices.Values(v.names))}
	for _, name := range w.names {
		w.children = append(w.children, v.children[slices.Index(v.names, name)].sorted())
	}
	if v.kind == '[' {
		for _, c := range v.children {
			w.children = append(w.children, c.sorted())
		}
	}
	return w
}

// law is a set of marks by place: "/name" for a member, each for elements.
type law map[string]string

// each is no member's: names are UTF-8.
const each = "/\xff"

// without is v as the store may keep it. v is at a place without a mark.
func (l law) without(v branch, place string) branch {
	w := branch{kind: v.kind, text: v.text}
	for i, c := range v.children {
		at := place + each
		if v.kind == '{' {
			at = place + event.Pointer(v.names[i])
		}
		switch l[at] {
		case "":
			c = l.without(c, at)
		case "hash":
			c = branch{text: `"` + hashed(testKey, "demo", c.sorted().String()) + `"`}
		case "drop":
			if v.kind == '{' {
				continue
			}
			c = branch{text: "null"}
		}
		if w.children = append(w.children, c); v.kind == '{' {
			w.names = append(w.names, v.names[i])
		}
	}
	return w
}

// schema writes the law as a schema.
func (l law) schema(place string) map[string]any {
	s := map[string]any{}
	if t := l[place]; t != "" {
		s["x-eye-pii"] = t
	}
	for at := range l {
		rest, inside := strings.CutPrefix(at, place+"/")
		if !inside {
			continue
		}
		token, _, _ := strings.Cut(rest, "/")
		if "/"+token == each {
			s["items"] = l.schema(place + each)
			continue
		}
		members, _ := s["properties"].(map[string]any)
		if members == nil {
			members = map[string]any{}
			s["properties"] = members
		}
		members[unescapePointer.Replace(token)] = l.schema(place + "/" + token)
	}
	return s
}

// memberNames are few, so that marks meet data.
var memberNames = rapid.SampledFrom([]string{"a", "b", "items", "properties", "", "é", "/~", "\"\\\n", "0"})

// laws are marks at up to three levels, none inside of another.
var laws = rapid.Custom(func(t *rapid.T) law {
	l := law{}
	for range rapid.IntRange(1, 5).Draw(t, "marks") {
		place := ""
		for i := range rapid.IntRange(1, 3).Draw(t, "levels") {
			if i > 0 && rapid.Bool().Draw(t, "elements") {
				place += each
			} else {
				place += event.Pointer(memberNames.Draw(t, "member"))
			}
		}
		clash := false
		for at := range l {
			clash = clash || strings.HasPrefix(at+"/", place+"/") || strings.HasPrefix(place+"/", at+"/")
		}
		if !clash {
			l[place] = rapid.SampledFrom([]string{"hash", "drop"}).Draw(t, "treatment")
		}
	}
	return l
})

// texts are JSON texts as sites may write them; every scalar of a marked place
// is a secret.
func texts(t *rapid.T, l law, place string, secret bool, levels int) string {
	secret = secret || l[place] != ""
	kinds := []string{"object", "object", "array", "scalar"}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); {
	case place == "" || kind == "object" && levels > 0:
		var members []string
		for _, name := range rapid.SliceOfNDistinct(memberNames, 0, 5, rapid.ID[string]).Draw(t, "names") {
			quoted, _ := jsontext.AppendQuote(nil, name)
			if rapid.Bool().Draw(t, "escaped") {
				quoted = []byte(strings.NewReplacer("a", `\u0061`, "é", `\u00E9`, "/", `\/`, "items", `\u0069tems`).Replace(string(quoted)))
			}
			members = append(members, string(quoted)+": "+texts(t, l, place+event.Pointer(name), secret, levels-1))
		}
		return "{ " + strings.Join(members, " , ") + "}"
	case kind == "array" && levels > 0:
		var elements []string
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			elements = append(elements, texts(t, l, place+each, secret, levels-1))
		}
		return "[" + strings.Join(elements, " ,") + " ]"
	case secret:
		return rapid.SampledFrom([]string{`"SECRET"`, `777123`, `7.77123e5`, `-777123.5`}).Draw(t, "secret")
	}
	return rapid.SampledFrom([]string{`null`, `true`, `1.50`, `""`, `"\u0041/\n"`, `[]`, `-0`, `12345678901234567890`}).Draw(t, "scalar")
}

// Redacted data holds no marked value, and is otherwise byte for byte as it
// was: under any law and any data, it is what the naive way makes of it.
func TestRedactAgainstModel(t *testing.T) {
	changed := 0
	rapid.Check(t, func(r *rapid.T) {
		l := laws.Draw(r, "law")
		text, err := json.Marshal(l.schema(""))
		if err != nil {
			r.Fatal(err)
		}
		before := data(t, texts(r, l, "", false, 5))
		after, err := redact(before, effectivePII{nil, compile(t, string(text)).marks}, hasher{testKey, "demo"})
		if err != nil {
			r.Fatal(err)
		}
		if want := l.without(parse(t, before), "").String(); string(after) != want {
			r.Fatalf("by %s\n%s\nbecomes\n%s\nand should be\n%s", text, before, after, want)
		}
		for _, secret := range []string{"SECRET", "777123"} {
			if strings.Contains(string(after), secret) {
				r.Fatalf("by %s a marked value is left in %s", text, after)
			}
		}
		if !bytes.Equal(before, after) {
			changed++
		}
	})
	if changed == 0 {
		t.Error("no data was ever changed")
	}
}

// FuzzRedact looks for data that comes out in another way than the naive one
// has it.
func FuzzRedact(f *testing.F) {
	l := law{
		"/a": "hash", "/b": "drop", "/c" + each: "hash", "/d" + each: "drop", "/e/a": "hash", "/e/b": "drop",
		"/f" + each + each + "/b": "drop", "/f" + each + each + "/c/a": "hash", "/~1": "drop", "/": "hash",
	}
	text, err := json.Marshal(l.schema(""))
	if err != nil {
		f.Fatal(err)
	}
	marks := compile(f, string(text)).marks
	for _, raw := range []string{
		`{}`, `{"a": {"z": 1, "y": [1e2, {"\u0000": "\u2028"}]}, "b": 1, "x": 2}`, `{"b": 1, "/": 2, "x": 3, "": 4}`,
		`{"c": [1, {"a": []}], "d": [[], {}, 1], "e": {"b": 1, "a": 2}, "f": [[{"b": 1, "c": {"a": 1, "b": 2}}, 1], {"b": 1}]}`,
		`{"c": {"*": 1}, "d": null, "e": [{"a": 1}], "f": [[[{"b": 1}]]], "\u0062": "\ud83d\ude00"}`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ev, refusal := native.Decode(fmt.Appendf(nil, `{"data": %s}`, raw))
		if refusal != nil || ev.Data == nil {
			return
		}
		got, err := redact(ev.Data, effectivePII{marks}, hasher{testKey, "demo"})
		if err != nil {
			t.Fatalf("redact(%s): %v", ev.Data, err)
		}
		if want := l.without(parse(t, ev.Data), "").String(); string(got) != want {
			t.Errorf("%s becomes\n%s\nand should be\n%s", ev.Data, got, want)
		}
	})
}
