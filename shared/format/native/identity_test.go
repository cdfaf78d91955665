package native_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

func inRange(number string) bool {
	_, ok := event.ParseNumber([]byte(number))
	return ok
}

func decode(tb fataler, raw string) *event.Event {
	tb.Helper()
	e := decodeChecked(tb, []byte(raw))
	if e == nil {
		_, r := native.Inspect([]byte(raw))
		tb.Fatalf("%s: %v", raw, r)
	}
	return e
}

// Order, white space, escapes and event_id are not content.
func TestContentHashIgnoresTheSpelling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawObject(t, 4)
		one, other := decode(t, v.render(t, true)), decode(t, v.render(t, false))
		if one.ContentHash != other.ContentHash {
			t.Fatalf("two contents: %s, %s", one.ContentHash, other.ContentHash)
		}
		if one.EventID != other.EventID {
			t.Fatalf("two ids: %s, %s", one.EventID, other.EventID)
		}
	})
}

// Two values have the same hash only if their normalised texts are equal.
func TestContentHashDiffersByContent(t *testing.T) {
	seen := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		v := value{object: true, names: []string{"data"}, list: []value{drawObject(t, 3)}}
		e := decode(t, v.render(t, true))
		key := sorted(e.Tree)
		if before, ok := seen[e.ContentHash]; ok && before != key {
			t.Fatalf("one hash for %s and %s", before, key)
		}
		seen[e.ContentHash] = key
	})
	if len(seen) < 50 {
		t.Fatalf("only %d contents", len(seen))
	}
}

func TestContentHashOfExamples(t *testing.T) {
	hash := func(raw string) string { return decode(t, raw).ContentHash }
	same := [][]string{
		{`{"a":1,"b":2}`, ` { "b" : 2 , "\u0061" : 1 } `, `{"a":1,"b":2,"event_id":"x"}`, `{"event_id":null,"b":2,"a":1}`, `{"event_id":{"deep":[1]},"b":2,"a":1}`},
		{`{"a":1e2}`, `{"a":100.0}`, `{"a":1E+02}`},
		{`{"a":"/é\n"}`, `{"a":"\/\u00e9\u000A"}`},
		{`{"a":{"x":1,"y":[{"b":1,"c":2}]}}`, `{"a":{"y":[{"c":2,"b":1}],"x":1}}`},
	}
	different := []string{
		`{}`, `{"a":1}`, `{"a":1.0}`, `{"a":"1"}`, `{"a":-1}`, `{"a":0}`, `{"a":-0}`, `{"a":null}`, `{"a":false}`, `{"a":[]}`, `{"a":{}}`,
		`{"a":[1,2]}`, `{"a":[2,1]}`, `{"a":[[1],2]}`, `{"a":[1,[2]]}`, `{"a":""}`, `{"a":"\u0000"}`, `{"":"a"}`, `{"a":{"b":1}}`, `{"a":{},"b":1}`,
		`{"a":{"event_id":1}}`, `{"a":{"event_id":2}}`, `{"EVENT_ID":"x"}`, `{"a":"b\",\"c\":\"d"}`, `{"a":"b","c":"d"}`,
		`{"a":9223372036854775807}`, `{"a":9223372036854775808}`, `{"a":"\u00e9"}`, `{"a":"e\u0301"}`, `{"application":"x"}`, `{"a":[""]}`, `{"a":["",""]}`,
	}
	for _, group := range same {
		for _, raw := range group {
			if hash(raw) != hash(group[0]) {
				t.Errorf("%s and %s differ", raw, group[0])
			}
		}
	}
	seen := map[string]string{}
	for _, raw := range different {
		if before, ok := seen[hash(raw)]; ok {
			t.Errorf("%s and %s are equal", raw, before)
		}
		seen[hash(raw)] = raw
	}
}

// Databases keep the hash and the id: they must never change.
func TestIdentityIsStable(t *testing.T) {
	e := decode(t, sample)
	if e.ContentHash != goldenHash || e.EventID != goldenID {
		t.Errorf("the sample is %s, %s", e.ContentHash, e.EventID)
	}
}

func TestEventIDIsTheClientsOrDerived(t *testing.T) {
	for member, want := range map[string]string{
		`"x"`:                                "x",
		`"* > . \r\n\u0000 /"`:               "* > . \r\n\x00 /",
		`"\u00e9"`:                           "é",
		`"` + strings.Repeat("é", 200) + `"`: strings.Repeat("é", 200),
	} {
		e := decode(t, `{"event_id":`+member+`}`)
		if e.EventID != want || e.Derived || hasFault(e, event.CodeInvalidEventID) {
			t.Errorf("%s: %+v", member, e)
		}
	}
	for member, faulty := range map[string]bool{
		``: false, `"event_id":null`: false, `"event_id":""`: true, `"event_id":5`: true, `"event_id":{}`: true,
		`"event_id":"` + strings.Repeat("é", 201) + `"`: true, `"event_id":false`: true, `"EVENT_ID":"x"`: false,
	} {
		e := decode(t, `{`+member+`}`)
		if !e.Derived || hasFault(e, event.CodeInvalidEventID) != faulty {
			t.Errorf("%s: %+v", member, e)
		}
		if id, err := uuid.Parse(e.EventID); err != nil || id.Version() != 7 || id.Variant() != uuid.RFC4122 || id.String() != e.EventID {
			t.Errorf("%s: derived %s", member, e.EventID)
		}
	}
}

func TestDerivedIDContainsTheTime(t *testing.T) {
	for timestamp, want := range map[string]time.Time{
		"2021-01-01 09:15:27.243860":  time.Date(2021, 1, 1, 9, 15, 27, 243e6, time.UTC),
		"2021-01-01T09:15:27.9999Z":   time.Date(2021, 1, 1, 9, 15, 27, 999e6, time.UTC),
		"9999-12-31T23:59:59.999999Z": time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
		"1969-12-31T23:59:59Z":        time.UnixMilli(0),
		"0001-01-01T00:00:00Z":        time.UnixMilli(0),
		"yesterday":                   time.UnixMilli(0),
	} {
		e := decode(t, `{"timestamp":"`+timestamp+`"}`)
		id := uuid.MustParse(e.EventID)
		var ms int64
		for _, b := range id[:6] {
			ms = ms<<8 | int64(b)
		}
		if ms != want.UnixMilli() {
			t.Errorf("%s: %d ms, want %d", timestamp, ms, want.UnixMilli())
		}
		if tail := e.ContentHash; !strings.HasSuffix(tail[:20], e.EventID[len(e.EventID)-8:]) || !bytes.Contains([]byte(e.EventID), []byte(tail[1:4])) {
			t.Errorf("%s does not hold %s", e.EventID, tail)
		}
	}
}
