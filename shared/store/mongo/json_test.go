package mongo

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/store"
)

// roundTrip returns data as it is read after it was written.
func roundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, data []byte,
) []byte {
	t.Helper()
	start, doc := bsoncore.AppendDocumentStart([]byte("before"))
	doc, err := appendData(doc, fieldData, data)
	if err != nil {
		t.Fatalf("to BSON: %v\n%s", err, data)
	}
	doc = closeDocument(doc, start)[len("before"):]
	if err := bson.Raw(doc).Validate(); err != nil {
		t.Fatalf("invalid BSON: %v\n%s", err, data)
	}
	value, ok := bsoncore.Document(doc).Lookup(fieldData).DocumentOK()
	if !ok {
		t.Fatalf("no document\n%s", data)
	}
	got, err := appendObject(nil, value)
	if err != nil {
		t.Fatalf("to JSON: %v\n%s", err, data)
	}
	return got
}

// FuzzJSONBSON: whatever data an event can carry comes back byte for byte.
func FuzzJSONBSON(f *testing.F) {
	for _, data := range []string{
		`{}`, `{"a":1,"b":-0,"c":1.5,"d":12345678901234567890,"e":1e300,"f":null,"g":[true,false,[]]}`,
		`{"\u0000":{"\u0001":["\u0000",{"":"\ud83d\ude00"}]},"$a.b":"\u2028"}`, `{"z":{"y":{"x":[{"w":[[1]]}]}}}`,
	} {
		f.Add([]byte(`{"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423","category":"c","name":"n","data":` + data + `}`))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, refusal := native.Decode(raw)
		if refusal != nil || e.Data == nil {
			return
		}
		if got := roundTrip(t, e.Data); !bytes.Equal(got, e.Data) {
			t.Fatalf("data\n%s\ncame back as\n%s", e.Data, got)
		}
	})
}

// TestDataIsIdentity does the same with data that is likely to be odd.
func TestDataIsIdentity(t *testing.T) {
	key := rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune{0, 1, '0', '1', '$', '.', 'a', '"', '\\', 0x2028, 0x1f469})), rapid.String())
	number := rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,36})`),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,8})\.[0-9]{1,12}(e[+-]?[0-9]{1,2})?`),
	)
	var value func(depth int) *rapid.Generator[string]
	object := func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			var members []string
			for _, k := range rapid.SliceOfNDistinct(key, 0, 4, rapid.ID).Draw(t, "keys") {
				members = append(members, quote(k)+":"+value(depth+1).Draw(t, "value"))
			}
			return "{" + strings.Join(members, ",") + "}"
		})
	}
	value = func(depth int) *rapid.Generator[string] {
		leaves := []*rapid.Generator[string]{
			number, rapid.Map(key, quote), rapid.SampledFrom([]string{"null", "true", "false", "[]", "{}"}),
		}
		if depth < 5 {
			leaves = append(leaves, object(depth), rapid.Map(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[string] {
				return value(depth + 1)
			}), 0, 4), func(items []string) string { return "[" + strings.Join(items, ",") + "]" }))
		}
		return rapid.OneOf(leaves...)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := `{"data":` + object(0).Draw(t, "data") + `}`
		e, refusal := native.Decode([]byte(raw))
		if refusal != nil {
			t.Skip(refusal)
		}
		if got := roundTrip(t, e.Data); !bytes.Equal(got, e.Data) {
			t.Fatalf("data\n%s\ncame back as\n%s", e.Data, got)
		}
	})
}

// TestNumberTypes: people and other tools see the BSON types.
func TestNumberTypes(t *testing.T) {
	for text, want := range map[string]bson.Type{
		"1": bson.TypeInt64, "-9223372036854775808": bson.TypeInt64, "9223372036854775807": bson.TypeInt64,
		"9223372036854775808":                 bson.TypeDecimal128,
		"1234567890123456789012345678901234":  bson.TypeDecimal128,
		"12345678901234567890123456789012345": bson.TypeDouble,
		"1.0":                                 bson.TypeDouble, "-0": bson.TypeDouble, "1e2": bson.TypeDouble,
	} {
		start, doc := bsoncore.AppendDocumentStart(nil)
		doc, err := appendData(doc, fieldData, []byte(`{"n":`+text+`}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := bson.Raw(closeDocument(doc, start)).Lookup(fieldData, "n").Type; got != want {
			t.Errorf("%s is kept as %s, want %s", text, got, want)
		}
	}
}

// TestKeysStayReadable: only NUL and the escape itself are escaped.
func TestKeysStayReadable(t *testing.T) {
	for name, want := range map[string]string{
		`""`: "", `"$where"`: "$where", `"a.b"`: "a.b", `"__proto__"`: "__proto__", `"\u00e9"`: "é", `"01"`: "01",
		`"a\u0000b"`: "a\x010b", `"\u0001"`: "\x011", `"\u00010"`: "\x0110",
	} {
		got, err := appendKey([]byte("kept"), []byte(name))
		if err != nil || string(got) != "kept"+want {
			t.Errorf("key %s is kept as %q, want %q (error %v)", name, got, want, err)
		}
		if back := string(unescapeKey([]byte(want))); quote(back) != quote(unquote(t, name)) {
			t.Errorf("key %q is read as %q", want, back)
		}
	}
}

func TestUnencodableDataIsRefused(t *testing.T) {
	for name, data := range map[string]string{
		"not an object": `[]`, "not JSON": `{`, "empty": ``, "two": `{}{}`, "duplicate key": `{"a":1,"a":2}`,
		"number": `{"a":1e400}`, "bad UTF-8": "{\"a\":\"\xff\"}", "bad key": "{\"\xff\":1}",
		"deep":  `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		"large": `{"a":"` + strings.Repeat("x", maxDocumentBytes) + `"}`,
	} {
		d := &store.Document{ID: "demo/x", Status: store.Stored, Data: []byte(data)}
		out, err := AppendDocument([]byte("kept"), d)
		if !errors.Is(err, store.ErrUnencodable) || string(out) != "kept" {
			t.Errorf("%s: %d bytes, error %v", name, len(out), err)
		}
	}
	// A converter that failed must not spoil the next document.
	if got := roundTrip(t, []byte(`{"a":[1,{"b":null}]}`)); string(got) != `{"a":[1,{"b":null}]}` {
		t.Errorf("after failures: %s", got)
	}
}

// TestForeignBSONIsAnError: a value that this package does not write is an error,
// never a panic.
func TestForeignBSONIsAnError(t *testing.T) {
	for name, value := range map[string]any{
		"object id": bson.NewObjectID(), "date": bson.DateTime(5), "regex": bson.Regex{Pattern: "a"},
		"infinity": bson.D{{Key: "x", Value: math.Inf(1)}}, "min key": bson.MinKey{},
	} {
		doc, err := bson.Marshal(bson.D{{Key: "a", Value: value}})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := appendObject(nil, doc); err == nil {
			t.Errorf("%s became %s", name, out)
		}
	}
	whole, _ := bson.Marshal(bson.D{{Key: "a", Value: bson.A{"x", int64(1)}}, {Key: "b", Value: int32(7)}})
	for n := range whole {
		if _, err := appendObject(nil, whole[:n]); err == nil {
			t.Errorf("%d of %d bytes are no error", n, len(whole))
		}
	}
	if out, err := appendObject(nil, whole); err != nil || string(out) != `{"a":["x",1],"b":7}` {
		t.Errorf("%s, %v", out, err)
	}
}

func quote(s string) string {
	b, err := jsontext.AppendQuote(nil, s)
	if err != nil {
		return `"\ufffd"`
	}
	return string(b)
}

func unquote(t *testing.T, s string) string {
	t.Helper()
	b, err := jsontext.AppendUnquote(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
