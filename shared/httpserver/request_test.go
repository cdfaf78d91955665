package httpserver_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
)

func TestCursorSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := httpserver.Cursor{
			Time: time.UnixMicro(rapid.Int64Range(-62135596800_000_000, 253402300799_999_999).Draw(t, "time")).UTC(),
			ID:   rapid.StringMatching(`.+`).Draw(t, "id"),
		}
		fingerprint := [8]byte(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "fingerprint"))
		text := want.Encode(fingerprint)
		got, err := httpserver.DecodeCursor(fingerprint, text)
		if err != nil || !cmp.Equal(got, want) || got.Time.Location() != time.UTC {
			t.Fatalf("%v, %v instead of %v", got, err, want)
		}
		if strings.ContainsAny(text, "+/=&?#% ") {
			t.Fatalf("cursor needs escapes: %s", text)
		}
	})
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// A later version may give the bytes another meaning.
func TestRejectsCursorOfAnotherVersion(t *testing.T) {
	fingerprint := [8]byte{1}
	raw, err := base64.RawURLEncoding.DecodeString(httpserver.Cursor{Time: time.UnixMicro(1), ID: "a"}.Encode(fingerprint))
	if err != nil {
		t.Fatal(err)
	}
	encode := func(version byte) string {
		b := append([]byte{version}, raw[1:]...)
		checksum := b[17:25]
		clear(checksum)
		sum := sha256.Sum256(b)
		copy(checksum, sum[:])
		return base64.RawURLEncoding.EncodeToString(b)
	}
	if _, err := httpserver.DecodeCursor(fingerprint, encode(1)); err != nil {
		t.Errorf("version 1: %v", err)
	}
	if _, err := httpserver.DecodeCursor(fingerprint, encode(2)); !errors.Is(err, httpserver.ErrCursor) {
		t.Errorf("version 2: %v", err)
	}
}

// A cursor that was changed anywhere is refused, and so is one of another query.
func TestRejectsTamperedCursor(t *testing.T) {
	fingerprint := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	cursor := httpserver.Cursor{Time: time.UnixMicro(1700000000123456), ID: "demo/1"}.Encode(fingerprint)
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	tampered := []string{
		"", "x", "null", cursor + "A", cursor + "=", cursor + "\n", "\r\n" + cursor, cursor[1:], cursor[:len(cursor)-4],
		base64.StdEncoding.EncodeToString(raw), strings.Repeat("A", 4000), `{"$ne":1}`,
		httpserver.Cursor{Time: time.UnixMicro(1), ID: "demo/1"}.Encode([8]byte{}),
		httpserver.Cursor{Time: time.UnixMicro(1)}.Encode(fingerprint),
	}
	// The last character of a cursor has unused bits: with one of them set, the
	// text means the same bytes.
	last := strings.IndexByte(base64Alphabet, cursor[len(cursor)-1])
	tampered = append(tampered, cursor[:len(cursor)-1]+base64Alphabet[last+1:last+2])
	for i := range fingerprint {
		other := fingerprint
		other[i] ^= 1
		tampered = append(tampered, httpserver.Cursor{Time: time.UnixMicro(1), ID: "demo/1"}.Encode(other))
	}
	for i := range raw {
		for bit := range 8 {
			b := append([]byte(nil), raw...)
			b[i] ^= 1 << bit
			tampered = append(tampered, base64.RawURLEncoding.EncodeToString(b))
		}
	}
	for _, c := range tampered {
		if c == cursor {
			t.Fatal("the test changed nothing")
		}
		if got, err := httpserver.DecodeCursor(fingerprint, c); !errors.Is(err, httpserver.ErrCursor) {
			t.Errorf("cursor %q gave %v, %v", c, got, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	fingerprint := [8]byte{8, 7, 6, 5, 4, 3, 2, 1}
	f.Add(httpserver.Cursor{Time: time.UnixMicro(0), ID: "a/b"}.Encode(fingerprint))
	f.Add(httpserver.Cursor{Time: time.UnixMicro(math.MinInt64), ID: "\x00"}.Encode(fingerprint))
	f.Add("")
	f.Add(httpserver.Cursor{Time: time.UnixMicro(1), ID: "a/b", From: time.UnixMicro(2)}.Encode(fingerprint))
	f.Add(httpserver.Cursor{Time: time.UnixMicro(1), ID: "a/b", From: time.UnixMicro(2), Now: time.UnixMicro(3)}.Encode(fingerprint))
	f.Add("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := httpserver.DecodeCursor(fingerprint, text)
		if err != nil {
			return
		}
		// There is one text of each cursor.
		if again := c.Encode(fingerprint); again != text {
			t.Errorf("%q decodes to %v, which encodes to %q", text, c, again)
		}
	})
}

func TestIfMatch(t *testing.T) {
	for value, want := range map[string]httpserver.Match{
		`"12"`:                {Given: true, Revision: 12},
		"12":                  {Given: true, Revision: 12},
		` "0" `:               {Given: true},
		"*":                   {Given: true, Any: true},
		"9223372036854775807": {Given: true, Revision: 1<<63 - 1},
		api.ETag(7):           {Given: true, Revision: 7},
	} {
		got, err := httpserver.IfMatch(http.Header{"If-Match": {value}})
		if got != want || err != nil {
			t.Errorf("%q: %+v, %v", value, got, err)
		}
	}
	if got, err := httpserver.IfMatch(http.Header{}); got.Given || err != nil {
		t.Errorf("without the header: %+v, %v", got, err)
	}
	for _, values := range [][]string{{""}, {"x"}, {`"`}, {"-1"}, {"9223372036854775808"}, {"1", "2"}, {"*", "*"}, {`W/"1"`}} {
		if got, err := httpserver.IfMatch(http.Header{"If-Match": values}); codeOf(err) != api.CodeInvalidHeader {
			t.Errorf("%q: %+v, %v", values, got, err)
		}
	}
}

func codeOf(err error) string {
	var f *httpserver.Failure
	if !errors.As(err, &f) || f.Status != http.StatusBadRequest {
		return ""
	}
	return f.Code
}

// readAll reads a query string whose parameters are a, b and digit.
func readAll(raw string) (map[string]string, error) {
	got := map[string]string{}
	err := httpserver.ParseQuery(raw, []string{"a", "b", "digit", "list"}, func(name, value string) string {
		got[name] = value
		if name == "digit" && (len(value) != 1 || value < "0" || value > "9") {
			return "must be a digit"
		}
		return ""
	})
	return got, err
}

func TestParseQuery(t *testing.T) {
	for raw, want := range map[string]map[string]string{
		"": {}, "&&": {}, "a=1&b=2": {"a": "1", "b": "2"}, "a=b=c": {"a": "b=c"}, "a=": {"a": ""}, "a": {"a": ""},
		"a=page+interaction&b=cta%20click": {"a": "page interaction", "b": "cta click"},
		"a=%2A%20%3E.%0D%0A%00%26":         {"a": "* >.\r\n\x00&"},
		`a={"$ne":null}&b=%24where`:        {"a": `{"$ne":null}`, "b": "$where"},
	} {
		got, err := readAll(raw)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v, %s", raw, err, diff)
		}
	}
}

var hostileQueries = map[string]string{
	"a[$ne]=x": api.CodeUnknownParameter, "A=1": api.CodeUnknownParameter,
	"a%00=1": api.CodeUnknownParameter, "=1": api.CodeUnknownParameter,
	"a=1&a=1": api.CodeRepeatedParameter, "list=1&a=1&list=2&a=1": api.CodeRepeatedParameter, "a=1&a": api.CodeRepeatedParameter, "a&b&%61": api.CodeRepeatedParameter, "digit=x": api.CodeInvalidParameter,
	"a=%zz": api.CodeInvalidQuery, "a=1;b=2": api.CodeInvalidQuery, "a=%ff": api.CodeInvalidQuery,
	"a=" + strings.Repeat("x", 16<<10): api.CodeInvalidQuery, strings.Repeat("x", 9000): api.CodeUnknownParameter,
}

func TestRejectsHostileQueries(t *testing.T) {
	for raw, code := range hostileQueries {
		if _, err := readAll(raw); codeOf(err) != code || len(err.Error()) > 300 {
			t.Errorf("%.80q: %v, want %s", raw, err, code)
		}
	}
}

func TestLengthOfAQueryIsBoundedInclusively(t *testing.T) {
	longest := "a=" + strings.Repeat("x", 16<<10-2)
	if got, err := readAll(longest); err != nil || len(got["a"]) != 16<<10-2 {
		t.Errorf("%d bytes: %v", len(longest), err)
	}
	if _, err := readAll(longest + "x"); codeOf(err) != api.CodeInvalidQuery {
		t.Errorf("one byte more: %v", err)
	}
}

// The detail says what a client may send instead.
func TestQueryFailuresNameTheAlternative(t *testing.T) {
	refuse := func(string, string) string { return "must be a digit" }
	for _, c := range []struct {
		allowed   []string
		raw, want string
	}{
		{nil, "x=1", `there is no parameter "x" here, nor any other`},
		{[]string{"a", "b"}, "x=1", `there is no parameter "x" here; there are: a, b`},
		{[]string{"a"}, "a=x", "parameter a must be a digit"},
	} {
		var f *httpserver.Failure
		if err := httpserver.ParseQuery(c.raw, c.allowed, refuse); !errors.As(err, &f) || f.Detail != c.want {
			t.Errorf("%s: %v, want %q", c.raw, err, c.want)
		}
	}
}

func TestQuotedTextIsCutAtACharacter(t *testing.T) {
	for text, want := range map[string]string{
		"":                              `""`,
		strings.Repeat("x", 64):         `"` + strings.Repeat("x", 64) + `"`,
		strings.Repeat("x", 65):         `"` + strings.Repeat("x", 64) + `…"`,
		"x" + strings.Repeat("é", 1000): `"x` + strings.Repeat("é", 31) + `…"`,
	} {
		if got := httpserver.QuoteShort(text); got != want {
			t.Errorf("QuoteShort(%.80q) = %s, want %s", text, got, want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for raw := range hostileQueries {
		f.Add(raw)
	}
	f.Add("a=page+b&b=%2B&digit=7")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := readAll(raw)
		if err != nil {
			if codeOf(err) == "" {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		// Nothing is lost: the standard library reads the same.
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q passes, and url.ParseQuery says %v", raw, err)
		}
		if len(values) != len(got) {
			t.Errorf("%q: %v, want %v", raw, got, values)
		}
		for name, value := range got {
			if values.Get(name) != value || len(values[name]) != 1 {
				t.Errorf("%q: %s = %q, want %q", raw, name, value, values[name])
			}
		}
	})
}
