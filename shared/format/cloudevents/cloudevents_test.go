package cloudevents_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/foreign/foreigntest"
)

func TestWire(t *testing.T) { foreigntest.CheckWire(t, format.CloudEvents, 6) }

func decode(t *testing.T, raw string, change ...func(*event.Receipt)) *event.Event {
	t.Helper()
	return foreigntest.Decode(t, format.CloudEvents, raw, change...)
}

const simple = `{"specversion":"1.0","id":"1","source":"/a","type":"x.y","time":"2026-05-06T07:08:08Z"}`

// What changes when an event is sent again, or is sent to another process, changes
// neither its id nor its hash.
func TestIdentity(t *testing.T) {
	first := decode(t, simple)
	again := decode(t, `{"traceparent":"00-1","type":"x.y","source":"/a","id":"1","time":"2026-05-06T07:08:08Z","specversion":"1.0"}`,
		func(r *event.Receipt) { r.ReceivedAt = r.ReceivedAt.AddDate(0, 0, 1) })
	if first.EventID != again.EventID || first.ContentHash != again.ContentHash {
		t.Errorf("%+v became %+v", first, again)
	}
	for name, other := range map[string]*event.Event{
		"source":      decode(t, `{"specversion":"1.0","id":"1","source":"/b","type":"x.y","time":"2026-05-06T07:08:08Z"}`),
		"application": decode(t, simple, func(r *event.Receipt) { r.Application = "other" }),
		"id":          decode(t, `{"specversion":"1.0","id":"2","source":"/a","type":"x.y","time":"2026-05-06T07:08:08Z"}`),
	} {
		if other.EventID == first.EventID {
			t.Errorf("another %s is the same event", name)
		}
	}
}

func TestMissingSession(t *testing.T) {
	if e := decode(t, simple); e.SessionID == "" || len(e.Faults) > 0 {
		t.Errorf("session %q, %v", e.SessionID, e.Faults)
	}
	e := decode(t, simple, func(r *event.Receipt) { r.MissingSession = event.SessionRequired })
	if e.SessionID != "" || len(e.Faults) != 1 || e.Faults[0].Code != event.CodeInvalidSessionID {
		t.Errorf("session %q, %v", e.SessionID, e.Faults)
	}
}

// Two events that arrive without id and time are two events; of one that says when
// it was there is one.
func TestEventsWithoutIDAndTime(t *testing.T) {
	later := func(r *event.Receipt) { r.ReceivedAt = r.ReceivedAt.Add(1) }
	const without = `{"specversion":"1.0","type":"x.y"}`
	if a, b := decode(t, without), decode(t, without, later); a.EventID == b.EventID || a.ContentHash != b.ContentHash {
		t.Errorf("ids %s and %s", a.EventID, b.EventID)
	}
	const timed = `{"specversion":"1.0","type":"x.y","time":"2026-05-06T07:08:08Z"}`
	if a, b := decode(t, timed), decode(t, timed, later); a.EventID != b.EventID {
		t.Errorf("ids %s and %s", a.EventID, b.EventID)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(simple))
	f.Add([]byte(`{"event":{"session_id":1},"data":{"category":"c","events":[]}}`))
	f.Add([]byte(`{"id":1,"type":"a\ud800.b","data":{"\udc00":"\ud83d"},"time":"x","sessionid":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		foreigntest.Check(t, format.CloudEvents, raw, foreigntest.Receipt())
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("application/cloudevents-batch+json", "", "", []byte("["+simple+",1,{}]"))
	f.Add("application/json", "1.0", "%e4\"", []byte("\xff\xfe"))
	f.Add("text/plain", "1.0", "a", []byte("x"))
	f.Add("application/json", "1.0", "data", []byte(`1,"data":2`))
	f.Fuzz(func(t *testing.T, contentType, version, value string, body []byte) {
		r := foreigntest.Request(http.MethodPost, "/v1/cloudevents", "Content-Type", contentType)
		if version != "" {
			r.Header["Ce-Specversion"], r.Header["Ce-"+value] = []string{version}, []string{value}
		}
		_, _, _ = foreigntest.CheckSplit(t, format.CloudEvents, r, body)
	})
}

// In binary mode the body is data of any kind, and is kept unchanged; so are the
// attributes.
func TestBinaryMode(t *testing.T) {
	utf16 := string([]byte{'h', 0, 'i', 0})
	for name, c := range map[string]struct{ contentType, body, want string }{
		"a byte order mark":    {"application/json", "\uFEFF{\"a\":1}", `"data":{"a":1}`},
		"another charset":      {"text/plain; charset=UTF-16LE", utf16, `"data_base64":"aABpAA=="`},
		"latin 1":              {"text/plain; charset=ISO-8859-1", "caf\xe9", `"data_base64":"Y2Fm6Q=="`},
		"latin 1, UTF-8":       {"text/plain; charset=iso-8859-1", "Ã©", `"data_base64":"w4PCqQ=="`},
		"latin 1, ASCII":       {"text/plain; charset=iso-8859-1", "cafe", `"data":"cafe"`},
		"a charset in quotes":  {`text/plain; charset="utf-8"`, "é", `"data":"é"`},
		"compressed":           {"application/gzip", "\x1f\x8bx", `"data_base64":"H4t4"`},
		"no type, compressed":  {"", "\x1f\x8bx", `"data_base64":"H4t4"`},
		"JSON that is a value": {"application/json", "true", `"data":true`},
	} {
		r := foreigntest.Request(http.MethodPost, "/v1/cloudevents", "Content-Type", c.contentType,
			"Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/a", "Ce-Type", "x.y")
		events, _, err := foreigntest.CheckSplit(t, format.CloudEvents, r, []byte(c.body))
		if err != nil || events[0] == nil || !strings.HasSuffix(string(events[0].Data), c.want+"}") {
			t.Errorf("%s: %v, %v", name, err, foreigntest.Describe(events[0]))
		}
	}
	for sent, want := range map[string]string{
		"100% Euro%20cotton": "100% Euro cotton", "caf%C3%A9": "café", "caf%E9": "caf%E9", "caf\xe9": "caf%E9",
		`"a \"b\" \c %22 \\"`: `a \"b\" c \" \\`, `"`: `\"`, `a "b"`: `a \"b\"`,
	} {
		r := foreigntest.Request(http.MethodPost, "/v1/cloudevents", "Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/a", "Ce-Type", "x.y")
		r.Header["Ce-Subject"] = []string{sent}
		events, _, err := foreigntest.CheckSplit(t, format.CloudEvents, r, nil)
		if err != nil || !strings.Contains(string(events[0].Data), `"subject":"`+want+`"`) {
			t.Errorf("%s: %v, %v", sent, err, foreigntest.Describe(events[0]))
		}
	}
}
