package schema

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testKey = bytes.Repeat([]byte{7}, 32)

// hashed is the hash of a canonical text, as its definition has it.
func hashed(key []byte, application, canonical string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(application + "\x00" + canonical))
	return "hmac-sha256:" + hex.EncodeToString(mac.Sum(nil))
}

// data is the Data of an event that is sent with it.
func data(t testing.TB, raw string) []byte {
	t.Helper()
	return sent(t, `"a"`, `"b"`, raw, `"2026-01-02T03:04:05Z"`).Data
}

const personSchema = `{"properties": {
	"mail": {"x-eye-pii": "hash"}, "ip": {"x-eye-pii": "drop"}, "é\"\n": {"x-eye-pii": "drop"},
	"user": {"properties": {"mail": {"x-eye-pii": "hash"}, "ip": {"x-eye-pii": "drop"}}},
	"hashes": {"items": {"x-eye-pii": "hash"}}, "nulls": {"items": {"x-eye-pii": "drop"}},
	"people": {"items": {"items": {"properties": {"ip": {"x-eye-pii": "drop"}}}}}
}}`

func TestRedact(t *testing.T) {
	h := func(canonical string) string { return `"` + hashed(testKey, "demo", canonical) + `"` }
	for raw, want := range map[string]string{
		`{}`:                                    `{}`,
		`{"a": 1.0, "b": [1e2, "x"]}`:           `{"a":1.0,"b":[100.0,"x"]}`,
		`{"ip": 1}`:                             `{}`,
		`{"ip": {"mail": 1}, "é\"\n": [2]}`:     `{}`,
		`{"ip": 1, "a": 2}`:                     `{"a":2}`,
		`{"ip": 1, "é\"\n": 1, "a": 2, "b": 3}`: `{"a":2,"b":3}`,
		`{"a": 2, "ip": 1}`:                     `{"a":2}`,
		`{"a": 2, "ip": 1, "b": 3, "é\"\n": 4, "c": 5}`:    `{"a":2,"b":3,"c":5}`,
		`{"\u0069p": 1, "\u00e9\u0022\u000A": 1, "IP": 2}`: `{"IP":2}`,
		`{"ip": 1, "mail": "a@example.com"}`:               `{"mail":` + h(`"a@example.com"`) + `}`,
		`{"mail": "\u0061@example.com", "z": 1}`:           `{"mail":` + h(`"a@example.com"`) + `,"z":1}`,
		`{"mail": null}`:                                   `{"mail":` + h(`null`) + `}`,
		`{"mail": 1e2}`:                                    `{"mail":` + h(`100.0`) + `}`,

		`{"mail": {"b": [{"d": 1, "c\n": []}, 2], "B": {}, "a": "é", "\u0022": 0}}`: `{"mail":` + h(`{"\"":0,"B":{},"a":"é","b":[{"c\n":[],"d":1},2]}`) + `}`,
		`{"user": {"ip": 1, "mail": 2, "mails": 3}, "x": {"ip": 1, "mail": 2}}`:     `{"user":{"mail":` + h(`2`) + `,"mails":3},"x":{"ip":1,"mail":2}}`,
		`{"user": {"ip": 1}, "ip": 2}`:                                              `{"user":{}}`,
		`{"user": [{"ip": 1}], "hashes": {"ip": 1}, "nulls": "ip"}`:                 `{"user":[{"ip":1}],"hashes":{"ip":1},"nulls":"ip"}`,
		`{"user": null, "hashes": [], "nulls": 0}`:                                  `{"user":null,"hashes":[],"nulls":0}`,
		`{"hashes": [1, [], 1], "nulls": [1, {"a": 2}]}`:                            `{"hashes":[` + h(`1`) + `,` + h(`[]`) + `,` + h(`1`) + `],"nulls":[null,null]}`,
		`{"people": [[{"ip": 1, "a": 2}, {"ip": 1}], {"ip": 1}, 3]}`:                `{"people":[[{"a":2},{}],{"ip":1},3]}`,
	} {
		before := data(t, raw)
		kept := bytes.Clone(before)
		got, err := redact(before, effectivePII{compile(t, personSchema).marks, nil}, hasher{testKey, "demo"})
		if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
			t.Errorf("redact(%s), %v (-want +got):\n%s", raw, err, diff)
		}
		if !bytes.Equal(kept, before) {
			t.Errorf("redact(%s) changed what it was given to %s", raw, before)
		}
	}
}

// A hash reveals nothing without the key, and joins nothing
// across applications.
func TestHash(t *testing.T) {
	value := []byte(`"a@example.com"`)
	seen := map[string]bool{}
	for _, h := range []hasher{{testKey, "demo"}, {testKey, "shop"}, {testKey[1:], "demo"}, {testKey, ""}} {
		text, err := h.hashValue(value)
		if want := `"` + hashed(h.key, h.application, string(value)) + `"`; err != nil || text != want {
			t.Errorf("hash = %s, %v, want %s", text, err, want)
		}
		seen[text] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d different hashes, want 4", len(seen))
	}
	// As another language's library has it.
	const known = `"hmac-sha256:d4783354dfb98fe91b1aa96b6721fa657cbbce6bde172c28944bad4349c39e8d"`
	if text, err := (hasher{testKey, "demo"}).hashValue(value); err != nil || text != known {
		t.Errorf("hash = %s, %v, want %s", text, err, known)
	}
	if _, err := (hasher{nil, "demo"}).hashValue(value); !errors.Is(err, errNoKey) {
		t.Errorf("without a key: %v", err)
	}
}

// The marks of two versions hold together, the stronger one where both mark.
func TestRedactBoth(t *testing.T) {
	one := compile(t, `{"properties": {"a": {"x-eye-pii": "hash"}, "b": {"x-eye-pii": "drop"}, "c": {"properties": {"d": {"x-eye-pii": "drop"}}}}}`).marks
	other := compile(t, `{"properties": {"a": {"x-eye-pii": "drop"}, "c": {"x-eye-pii": "hash"}, "e": {"items": {"x-eye-pii": "drop"}}}}`).marks
	raw := data(t, `{"a": 1, "b": 2, "c": {"d": 3}, "e": [4], "f": 5}`)
	want := `{"c":"` + hashed(testKey, "demo", `{"d":3}`) + `","e":[null],"f":5}`
	for _, marks := range []effectivePII{{one, other}, {other, one}} {
		got, err := redact(raw, marks, hasher{testKey, "demo"})
		if err != nil || string(got) != want {
			t.Errorf("redact = %s, %v, want %s", got, err, want)
		}
	}
	if got, err := redact(raw, effectivePII{nil, one}, hasher{testKey, "demo"}); err != nil || !strings.Contains(string(got), `"c":{}`) {
		t.Errorf("by one alone: %s, %v", got, err)
	}
}

// Unmarked data is not copied either.
func TestRedactNothing(t *testing.T) {
	raw := data(t, `{"a": {"ip": 1}, "user": {"a": [1]}}`)
	got, err := redact(raw, effectivePII{compile(t, personSchema).marks}, hasher{})
	if err != nil || &got[0] != &raw[0] || len(got) != len(raw) {
		t.Errorf("redact = %s, %v, in other memory", got, err)
	}
	// What no event has is an error and no panic, and never comes back.
	for _, broken := range []string{``, `{`, `{"ip"`, `{"a":1,"ip":1`, `{"mail":{"a"`, `{"hashes":[1`, `[`, "{\"\xff\":1}"} {
		if got, err := redact([]byte(broken), effectivePII{compile(t, personSchema).marks}, hasher{testKey, "demo"}); err == nil || got != nil {
			t.Errorf("redact(%q) = %q, %v", broken, got, err)
		}
	}
}
