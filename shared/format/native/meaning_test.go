package native_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// with returns the sample event with other members, each as `"name":value`.
func with(members ...string) string {
	return strings.TrimSuffix(sample, "}") + "," + strings.Join(members, ",") + "}"
}

// Objects that hold events in a form that is not read are refused, as the body and
// in a list, and the answer names the forms that are.
func TestWrappersAreNotEvents(t *testing.T) {
	ev := strings.ReplaceAll(sample, "\n", "")
	text := strings.ReplaceAll(ev, `"`, `\"`)
	for body, member := range map[string]string{
		`{"batch":[` + ev + `]}`:                                  `"batch" is an array`,
		`{"batch":[]}`:                                            `"batch" is an array`,
		`{"event":` + ev + `}`:                                    `"event" is an object`,
		`{"event":"page_view","user":{"id":1}}`:                   `"event" is a string`,
		`{"events":"[` + text + `]"}`:                             `"events" is a string`,
		`{"events":` + ev + `}`:                                   `"events" is an object`,
		`{"events":null,"sent_at":"now"}`:                         `"events" is null`,
		`{"Events":[` + ev + `]}`:                                 `"Events" is an array`,
		`{"payload":` + ev + `,"timestamp":"x"}`:                  `"payload" is an object`,
		`{"data":` + ev + `}`:                                     `"data" is an object`,
		`{"data":[` + ev + `],"event_id":"x"}`:                    `"data" is an array`,
		`{"data":" {` + text[1:] + `"}`:                           `"data" is a string`,
		`{"records":[{"value":` + ev + `}]}`:                      `"records" is an array`,
		`{"messages":["` + text + `"]}`:                           `"messages" is an array`,
		`{"body":{"events":[` + ev + `]}}`:                        `"body" is an object`,
		`{"d":{"e":[` + ev + `]}}`:                                `"d" is an object`,
		`{"result":[[` + ev + `]]}`:                               `"result" is an array`,
		`{"\u0062atch":[` + ev + `]}`:                             `"batch" is an array`,
		`{"batch":[` + strings.Repeat(ev+",", 999) + ev[:] + `]}`: `"batch" is an array`,
	} {
		_, err := native.Split([]byte(body), false, 10)
		var wrapper *event.WrapperError
		if !errors.As(err, &wrapper) || !strings.Contains(err.Error(), member) || !strings.Contains(err.Error(), event.BodyForms) {
			t.Errorf("%.60s: %v", body, err)
		}
		if len(body) > 10_000 {
			continue // too large for an event
		}
		b, err := native.Split([]byte("["+ev+","+body+"]"), false, 10)
		if err != nil || len(b.Items) != 2 {
			t.Errorf("%.60s in a list: %v", body, err)
			continue
		}
		if _, r := native.Inspect(b.Items[1].Raw); r == nil || r.Code != event.CodeNotAnEvent || !strings.Contains(r.Message, member) {
			t.Errorf("%.60s in a list: %v", body, r)
		}
	}
	// Whatever has one of the three members, or no events inside, is judged later.
	for _, body := range []string{
		`{}`, `{"a":1}`, `{"data":{"host":"h"}}`, `{"user":{"name":"x"}}`, `{"list":[1,2],"empty":[]}`,
		`{"session_id":"s","event":{}}`, `{"batch":[{}],"category":"c"}`, `{"data":{"events":1},"name":"n"}`,
	} {
		if b, err := native.Split([]byte(body), false, 10); err != nil || len(b.Items) != 1 {
			t.Errorf("%s: %v", body, err)
		}
		if _, r := native.Inspect([]byte(body)); r != nil {
			t.Errorf("%s: %v", body, r)
		}
	}
}

// Half of a surrogate pair is no text: the event is accepted, so that nothing is
// lost, and its faults name every place.
func TestHalvesOfPairsAreRejectedByPlace(t *testing.T) {
	session := `"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423"`
	for raw, want := range map[string][]string{
		`{"data":{"t":"cut \ud83d"}}`:                             {"/data/t"},
		`{"data":{"a":["x",{"b":"\udc00\ud800"}]}}`:               {"/data/a/1/b"},
		`{"data":{"a":1,"k\ud800":{"c":"\ud83d\u0041"}}}`:         {"/data/k\uFFFD", "/data/k\uFFFD/c"},
		`{"data":{"\ud83d":1,"\ude00":2,"\ud83d\ude00":3}}`:       {"/data/\uFFFD", "/data/\uFFFD"},
		`{"category":"\ud83d","name":"n\udfff"}`:                  {"/category", "/name"},
		`{"event_id":"\ud83d","timestamp":"\ud83d"}`:              {"/event_id", "/timestamp"},
		`{"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc2\ud800"}`: {"/session_id"},
		`{"data":"\ud83d","schema_version":"\ud83d"}`:             {"/data", "/schema_version"},
		`{"data":{"ok":"\ud83d\ude00","x":"\\ud83d"}}`:            nil,
	} {
		e := decode(t, raw)
		var got []string
		for _, f := range e.Faults {
			if f.Code == event.CodeInvalidText {
				got = append(got, f.Path)
				if !strings.Contains(f.Message, "half of a surrogate pair") {
					t.Errorf("%s: %+v", raw, f)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s%v", raw, diff, e.Faults)
		}
		if e.Category != "" || e.Name != "" || want != nil && e.Data != nil {
			t.Errorf("%s: invalid members are set: %+v", raw, e)
		}
	}
	// The rest of such data is judged.
	if e := decode(t, `{"data":{"a":"\ud83dx","n":1}}`); e.Tree["a"] != "\uFFFDx" || e.Tree["n"] == nil {
		t.Errorf("the tree is %v", e.Tree)
	}
	// Only their number is unbounded.
	many := decode(t, `{`+session+`,"data":{"`+strings.Repeat("k", 400_000)+`":["\ud800"`+strings.Repeat(`,"\ud800"`, 9000)+`]}}`)
	faults := event.BoundFaults(many.Faults)
	if last := faults[len(faults)-1].Message; len(many.Faults) != 9004 || last != fmt.Sprintf("%d more faults are not listed", 9004-len(faults)+1) {
		t.Errorf("%d faults of %d, the last says %q", len(faults), len(many.Faults), last)
	}
}

// Different halves are different content, whatever their spelling.
func TestHashTellsHalvesApart(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{
		`"\ud83d"`, `"\ude00"`, `"\ud83d\ude00"`, `"\ude00\ud83d"`, `"\ufffd"`, `"\ufffd\ufffd"`, `"\\ud83d"`, `"\ud83d "`, `" \ud83d"`, `"\ud800\ud83d\ude00"`,
	} {
		e := decode(t, `{"data":{"a":`+text+`}}`)
		if before, ok := seen[e.ContentHash]; ok {
			t.Errorf("one hash for %s and %s", before, text)
		}
		seen[e.ContentHash] = text
	}
	one, other := decode(t, `{"a":"\ud83d\u0041\n","data":{}}`), decode(t, ` {"data": {}, "a": "\uD83DA\u000a"}`)
	if one.ContentHash != other.ContentHash || one.EventID != other.EventID {
		t.Error("two spellings have two hashes")
	}
}

// Events that are equal but for their invalid ids are different events.
func TestInvalidIDTakesPartInTheDerivedOne(t *testing.T) {
	seen := map[string]string{}
	long := strings.Repeat("x", 201)
	for _, id := range []string{`1`, `2`, `1.5`, `""`, `true`, `{"a":1}`, `{"a":2}`, `[]`, `"` + long + `1"`, `"` + long + `2"`, `"\ud83d"`, `"\ude00"`} {
		e := decode(t, with(`"event_id":`+id))
		h, r := native.Inspect([]byte(with(`"event_id":` + id)))
		if r != nil || h != e.Head || !e.Derived {
			t.Errorf("%.20s: %+v, %v", id, h, r)
		}
		if e.ContentHash != goldenHash {
			t.Errorf("%.20s is content", id)
		}
		if before, ok := seen[e.EventID]; ok || e.EventID == goldenID {
			t.Errorf("one id for %.20s and %.20s", before, id)
		}
		seen[e.EventID] = id
	}
	for _, same := range [][2]string{{`{"a":1,"b":[2]}`, `{ "b" : [2] , "\u0061" : 1 }`}, {`1.50`, `15e-1`}} {
		if one, other := decode(t, with(`"event_id":`+same[0])), decode(t, with(`"event_id":`+same[1])); one.EventID != other.EventID {
			t.Errorf("%s and %s give two ids", same[0], same[1])
		}
	}
	// null is how some clients write that there is no id.
	if e := decode(t, with(`"event_id":null`)); e.EventID != goldenID || len(e.Faults) != 0 {
		t.Errorf("null gives %s, %v", e.EventID, e.Faults)
	}
}

// A member that no event has is named, with the cure.
func TestUnknownMembersAreNamed(t *testing.T) {
	for raw, want := range map[string][]event.Fault{
		sample: nil,
		with(`"user_id":"u1"`, `"a/b":{"c":[1]}`): {
			{Code: "unknown_member", Path: "/user_id", Message: `"user_id" is not a member of an event; put it under data`},
			{Code: "unknown_member", Path: "/a~1b", Message: `"a/b" is not a member of an event; put it under data`},
		},
		with(`"sent_at":"now"`): {
			{Code: "unknown_member", Path: "/sent_at", Message: `the time of sending is sent_at of a batch, {"events": [...], "sent_at": "..."}, and not of an event`},
		},
		with(`"events":[]`): {
			{Code: "unknown_member", Path: "/events", Message: `events makes a batch only where session_id, category and name stand in its events alone`},
		},
		with(`"eventId":"x"`): {
			{Code: "unknown_member", Path: "/eventId", Message: `"eventId" is not a member of an event; is it event_id? put anything else under data`},
		},
	} {
		if diff := cmp.Diff(want, decode(t, raw).UnknownMembers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
	}
	// Text that no store keeps has its own fault beside it.
	e := decode(t, with(`"x\ud800":["\ud83d"]`))
	var got []string
	for _, f := range e.UnknownMembers {
		got = append(got, f.Code+" "+f.Path)
	}
	if diff := cmp.Diff([]string{"unknown_member /x\uFFFD", "invalid_text /x\uFFFD", "invalid_text /x\uFFFD/0"}, got); diff != "" || len(e.Faults) != 0 || e.Data == nil {
		t.Errorf("-want +got:\n%s%v", diff, e.Faults)
	}
}

// The texts name the member and what stands there in the words of JSON.
func TestFaultsOfTheEnvelopeSayWhatIsThere(t *testing.T) {
	for raw, want := range map[string]string{
		`{"catgory":"c"}`:   `category is missing; the event has "catgory" instead`,
		`{"sessionId":"x"}`: `session_id is missing; the event has "sessionId" instead`,
		`{"category":5}`:    `category is a number, not a string of 1 to 200 characters`,
		`{"category":""}`:   `category is 0 characters long, not a string of 1 to 200 characters`,
		`{"name":"` + strings.Repeat("é", 201) + `"}`: `name is 201 characters long, not a string of 1 to 200 characters`,
		`{"name":{}}`:                              `name is an object, not a string of 1 to 200 characters`,
		`{"session_id":"abc"}`:                     `session_id is not a UUID in its 36-character form, such as e2085be5-9137-4e4e-80b5-f1ffddc25423`,
		`{"session_id":null}`:                      `session_id is null, not a UUID in its 36-character form, such as e2085be5-9137-4e4e-80b5-f1ffddc25423`,
		`{"data":[]}`:                              `data is an array, not an object`,
		`{"data":"x"}`:                             `data is a string, not an object`,
		`{"schema_version":1.5}`:                   `schema_version is not a positive integer`,
		`{"schema_version":true}`:                  `schema_version is a boolean, not a positive integer`,
		`{"timestamp":1609492527}`:                 `timestamp is a number; send text such as "2021-01-01T09:15:27.243860Z"`,
		`{"timestamp":[2021,1,1]}`:                 `timestamp is an array; send text such as "2021-01-01T09:15:27.243860Z"`,
		`{"timestamp":"2021-01-01T09:15:27+0100"}`: `timestamp: the offset needs a colon, as in +01:00`,
		`{"timestamp":"1609492527"}`:               `timestamp is a number in quotes; send text such as "2021-01-01T09:15:27.243860Z"`,
		`{"timestamp":"0001-01-01T00:00:00Z"}`:     `timestamp is the zero time, which clients send for a time that was never set`,
	} {
		e := decode(t, raw)
		found := false
		for _, f := range e.Faults {
			found = found || f.Message == want
		}
		if !found {
			t.Errorf("%.60s: %q is not among %v", raw, want, e.Faults)
		}
	}
}

// A body that is not JSON is answered with the place in its list, and with the
// format that it seems to have.
func TestBrokenBodiesNamePlaceAndCure(t *testing.T) {
	for body, want := range map[string]string{
		`[{},{"a":1},{"b":{"c":[1,NaN]}}]`:       `byte 25 in element 2 (counted from 0) at /b/c/1: NaN and Infinity are not JSON; send null or a string`,
		`{"events":[{},{"x":undefined}]}`:        `byte 19 in element 1 (counted from 0) at /x: undefined is not JSON; leave the member out or send null`,
		`[{},-Infinity]`:                         `byte 5 in element 1 (counted from 0): NaN and Infinity are not JSON; send null or a string`,
		`{"a":None}`:                             `byte 5 at /a: null is written in lower case`,
		`{"a":True}`:                             `byte 5 at /a: true and false are written in lower case`,
		`{category:"a"}`:                         `byte 1: strings and names stand in double quotes (")`,
		`[{"a":1, b: 2}]`:                        `byte 9 in element 0 (counted from 0): strings and names stand in double quotes (")`,
		`{"a":“x”}`:                              `byte 5 at /a: strings and names stand in double quotes (")`,
		`{'a':1}`:                                `byte 1: strings and names stand in double quotes (")`,
		`{"a":1,}`:                               `byte 6: a comma stands before the closing bracket`,
		`[{},]`:                                  `byte 3: a comma stands before the closing bracket`,
		`[{},,{}]`:                               `byte 4 in element 1 (counted from 0): a value is missing between two commas`,
		`{"a":1} // done`:                        `byte 8: something follows the value`,
		`{"a":/* x */1}`:                         `byte 5 at /a: JSON has no comments`,
		`{"a":+1}`:                               `byte 5 at /a: a number has no plus sign`,
		`{"a":.5}`:                               `byte 5 at /a: a number starts with a digit, as in 0.5`,
		`{"a":007}`:                              `byte 6: a number has no leading zeros; send such text as a string`,
		"{\"a\":\"x\ty\"}":                       `byte 7 at /a: a control character in a string is escaped, as in \u0009`,
		`data=%7B%22category%22%3A1%7D`:          `byte 0: the body is a form; send JSON`,
		`category=a&name=b`:                      `byte 0: the body is a form; send JSON`,
		"--x-boundary\r\nContent-Disposition: x": `byte 1: the body is a multipart form; send JSON`,
		"x\x9c\xabV*":                            `byte 0: the body is compressed with zlib (deflate); send it as it is, or compressed with gzip`,
		"\ufeff\ufeff{}":                         `byte 3: a byte order mark stands at the beginning of the body alone`,
		`<event/>`:                               `byte 0: the body is XML or HTML; send JSON`,
		`[object Object]`:                        `byte 1 in element 0 (counted from 0): the body is the text that JavaScript makes of an object; send JSON.stringify(event)`,
		`eyJjYXRlZ29yeSI6MX0=`:                   `byte 0: the body is in base64; send JSON as it is`,
		`callback({"a":1})`:                      `byte 0: the body is a call of a function (JSONP); send JSON alone`,
		"\x82\xa8category":                       `byte 0: the body is binary; send JSON, plain or compressed with gzip`,
		"\xff\xfe{\x00":                          `byte 0: the body is in UTF-16; JSON is sent in UTF-8`,
		`undefined`:                              `byte 0: the body is a value of JavaScript that JSON does not have; send an event`,
	} {
		_, err := native.Split([]byte(body), false, 10)
		var syntax *event.SyntaxError
		if !errors.As(err, &syntax) || err.Error() != "not valid JSON at "+want {
			t.Errorf("%q\ngot  %v\nwant not valid JSON at %s", body, err, want)
		}
	}
	b, err := native.Split([]byte("{}\n{\"a\":NaN}\n"), true, 10)
	if err != nil || len(b.Items) != 2 || b.Items[1].Refusal == nil || !strings.Contains(b.Items[1].Refusal.Message, "at /a: NaN") {
		t.Errorf("%v, %v", fmt.Sprint(b.Items), err)
	}
}
