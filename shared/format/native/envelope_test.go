package native_test

import (
	stdjson "encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

const sample = `{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "page interaction", "name": "cta click",
 "data": {"host": "www.example.com", "path": "/", "element": "chat bubble"},
 "timestamp": "2021-01-01 09:15:27.243860"}`

// The identity of the sample, computed by another program.
const (
	goldenHash = "4e0eb5d48c8407611a720ead6cdb5414"
	goldenID   = "0176bd3a-f88b-7e0e-b5d4-8c8407611a72"
)

// sorted formats a decoded value with sorted names and normalised numbers.
func sorted(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var members []string
		for k, e := range v {
			members = append(members, fmt.Sprintf("%q:%s", k, sorted(e)))
		}
		sort.Strings(members)
		return "{" + strings.Join(members, ",") + "}"
	case []any:
		var elements []string
		for _, e := range v {
			elements = append(elements, sorted(e))
		}
		return "[" + strings.Join(elements, ",") + "]"
	case stdjson.Number:
		return string(event.AppendNumber(nil, []byte(v)))
	}
	return fmt.Sprintf("%#v", v)
}

func hasFault(e *event.Event, code string) bool {
	return slices.ContainsFunc(e.Faults, func(f event.Fault) bool { return f.Code == code })
}

func TestDecodeFillsTheEnvelope(t *testing.T) {
	e := decode(t, sample)
	if len(e.Faults) != 0 || e.SessionID != "e2085be5-9137-4e4e-80b5-f1ffddc25423" || e.Category != "page interaction" ||
		e.Name != "cta click" || event.FormatTime(e.Timestamp) != "2021-01-01T09:15:27.243860Z" || e.SchemaVersion != 0 ||
		string(e.Data) != `{"host":"www.example.com","path":"/","element":"chat bubble"}` {
		t.Errorf("%+v, data %s", e, e.Data)
	}
}

func TestDecodeChecksEachMember(t *testing.T) {
	long := strings.Repeat("漢", 200)
	for _, c := range []struct {
		raw  string
		want []string // codes, except those of missing members
	}{
		{`{"session_id":"E2085BE5-9137-4E4E-80B5-F1FFDDC25423"}`, nil},
		{`{"session_id":"\u00652085be5-9137-4e4e-80b5-f1ffddc25423"}`, nil},
		{`{"session_id":"00000000-0000-0000-0000-000000000000"}`, nil},
		{`{"session_id":"urn:uuid:e2085be5-9137-4e4e-80b5-f1ffddc25423"}`, []string{event.CodeInvalidSessionID}},
		{`{"session_id":"{e2085be5-9137-4e4e-80b5-f1ffddc25423}"}`, []string{event.CodeInvalidSessionID}},
		{`{"session_id":"e2085be591374e4e80b5f1ffddc25423"}`, []string{event.CodeInvalidSessionID}},
		{`{"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc2542g"}`, []string{event.CodeInvalidSessionID}},
		{`{"session_id":"e2085be5-9137-4e4e-80b5f-1ffddc25423"}`, []string{event.CodeInvalidSessionID}},
		{`{"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423 "}`, []string{event.CodeInvalidSessionID}},
		{`{"session_id":""}`, []string{event.CodeInvalidSessionID}},
		{`{"session_id":null}`, []string{event.CodeInvalidSessionID}},
		{`{"session_id":5}`, []string{event.CodeInvalidSessionID}},
		{`{"category":"` + long + `","name":"` + long + `"}`, nil},
		{`{"category":"` + long + `x","name":""}`, []string{event.CodeInvalidCategory, event.CodeInvalidName}},
		{`{"category":1,"name":["x"]}`, []string{event.CodeInvalidCategory, event.CodeInvalidName}},
		{`{"category":" ","name":"\u0000"}`, nil},
		{`{"data":[]}`, []string{event.CodeInvalidData}},
		{`{"data":null}`, []string{event.CodeInvalidData}},
		{`{"data":"{}"}`, []string{event.CodeInvalidData}},
		{`{"data":{}}`, nil},
		{`{"timestamp":1609492527}`, []string{event.CodeInvalidTimestamp}},
		{`{"timestamp":"2021-02-30T00:00:00Z"}`, []string{event.CodeInvalidTimestamp}},
		{`{"timestamp":"0001-01-01T00:00:00Z"}`, []string{event.CodeInvalidTimestamp}},
		{`{"timestamp":"0001-01-01T00:00:00.000001Z"}`, nil},
		{`{"timestamp":"9999-01-01T00:00:00Z"}`, nil},
		{`{"schema_version":3}`, nil},
		{`{"schema_version":9223372036854775807}`, nil},
		{`{"schema_version":0}`, []string{event.CodeInvalidSchemaVersion}},
		{`{"schema_version":-1}`, []string{event.CodeInvalidSchemaVersion}},
		{`{"schema_version":1.0}`, []string{event.CodeInvalidSchemaVersion}},
		{`{"schema_version":9223372036854775808}`, []string{event.CodeInvalidSchemaVersion}},
		{`{"schema_version":"3"}`, []string{event.CodeInvalidSchemaVersion}},
		{`{"schema_version":null}`, []string{event.CodeInvalidSchemaVersion}},
		{`{"Session_Id":1,"DATA":{},"CATEGORY":1}`, nil},
	} {
		e := decode(t, c.raw)
		var got []string
		for _, f := range e.Faults {
			if !strings.Contains(f.Message, " is missing") {
				got = append(got, f.Code)
			}
			if member := strings.TrimPrefix(f.Path, "/"); !strings.HasPrefix(f.Message, member+" is ") && !strings.HasPrefix(f.Message, member+": ") {
				t.Errorf("%s: %+v", c.raw, f)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.raw, diff)
		}
		checkFilled(t, e)
	}
}

// checkFilled checks that each member is either set or has a fault.
func checkFilled(t *testing.T, e *event.Event) {
	t.Helper()
	for code, filled := range map[string]bool{
		event.CodeInvalidSessionID: e.SessionID != "",
		event.CodeInvalidCategory:  e.Category != "",
		event.CodeInvalidName:      e.Name != "",
		event.CodeInvalidData:      e.Data != nil,
		event.CodeInvalidTimestamp: !e.Timestamp.IsZero(),
	} {
		if filled == hasFault(e, code) {
			t.Errorf("%s: filled is %t in %+v", code, filled, e)
		}
	}
	if strings.ToLower(e.SessionID) != e.SessionID {
		t.Errorf("session %s", e.SessionID)
	}
}

func TestDecodeListsAllFaultsInOrder(t *testing.T) {
	e := decode(t, `{"timestamp":1,"event_id":1,"schema_version":"1","data":1}`)
	want := []event.Fault{
		{Code: event.CodeInvalidEventID, Path: "/event_id", Message: "event_id is a number, not a string of 1 to 200 characters"},
		{Code: event.CodeInvalidSessionID, Path: "/session_id", Message: "session_id is missing"},
		{Code: event.CodeInvalidCategory, Path: "/category", Message: "category is missing"},
		{Code: event.CodeInvalidName, Path: "/name", Message: "name is missing"},
		{Code: event.CodeInvalidData, Path: "/data", Message: "data is a number, not an object"},
		{Code: event.CodeInvalidTimestamp, Path: "/timestamp", Message: `timestamp is a number; send text such as "2021-01-01T09:15:27.243860Z"`},
		{Code: event.CodeInvalidSchemaVersion, Path: "/schema_version", Message: "schema_version is a string, not a positive integer"},
	}
	if diff := cmp.Diff(want, e.Faults); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDataKeepsOrderAndNumbers(t *testing.T) {
	e := decode(t, `{"data": {"z" : 1e2, "a.b":-0, "$x":[1, 9007199254740993 ,9223372036854775808], "":"\u0000\u00e9\/<\u2028", "n":null}}`)
	want := `{"z":100.0,"a.b":-0.0,"$x":[1,9007199254740993,9223372036854775808],"":"\u0000é/<` + "\u2028" + `","n":null}`
	if string(e.Data) != want {
		t.Errorf("got  %s\nwant %s", e.Data, want)
	}
	if got := e.Tree["z"]; got != stdjson.Number("1e2") {
		t.Errorf("the tree holds %v", got)
	}
}

func TestDecodedEventDoesNotAliasTheBytes(t *testing.T) {
	raw := []byte(sample)
	e, _ := native.Decode(raw)
	h, _ := native.Inspect(raw)
	data := string(e.Data)
	for i := range raw {
		raw[i] = 'x'
	}
	if string(e.Data) != data || e.Tree["host"] != "www.example.com" || e.Name != "cta click" || h.Name != "cta click" {
		t.Errorf("%+v", e)
	}
}
