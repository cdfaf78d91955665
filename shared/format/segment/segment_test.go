package segment_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format"
	"github.com/theeye/theeye/shared/format/foreign/foreigntest"
	"github.com/theeye/theeye/shared/format/segment"
)

func TestWire(t *testing.T) { foreigntest.CheckWire(t, format.Segment, 5) }

func decode(t *testing.T, raw string, change ...func(*event.Receipt)) *event.Event {
	t.Helper()
	return foreigntest.Decode(t, format.Segment, raw, change...)
}

// A retry has another sentAt and counts itself; it is the same event.
func TestRetriesAreTheSameEvent(t *testing.T) {
	first := decode(t, `{"type":"track","event":"e","messageId":"ajs-1","anonymousId":"a","timestamp":"2026-05-06T07:08:08Z","sentAt":"2026-05-06T07:08:08Z"}`)
	again := decode(t, `{"type":"track","event":"e","messageId":"ajs-1","anonymousId":"a","timestamp":"2026-05-06T07:08:08Z","sentAt":"2026-05-06T07:08:18Z","_metadata":{"retryCount":2}}`)
	if first.EventID != again.EventID || first.ContentHash != again.ContentHash {
		t.Errorf("%+v became %+v", first, again)
	}
	other := decode(t, `{"type":"track","event":"f","messageId":"ajs-1","anonymousId":"a","timestamp":"2026-05-06T07:08:08Z"}`)
	if other.ContentHash == first.ContentHash {
		t.Error("another event has the same content")
	}
}

// A time of sending corrects the clock, but not one that repeats the time of the event.
func TestSentAt(t *testing.T) {
	own := func(r *event.Receipt) { r.SentAt = "" }
	for name, c := range map[string]struct {
		raw, want string
		change    []func(*event.Receipt)
	}{
		"of the batch":         {`{"timestamp":"2026-05-06T07:00:00Z","sentAt":"2026-05-06T07:00:05Z"}`, "2026-05-06T07:08:09Z", nil},
		"of the batch, equal":  {`{"timestamp":"2026-05-06T07:08:09Z","sentAt":"2026-05-06T07:08:09Z"}`, "2026-05-06T07:08:09Z", nil},
		"of the message":       {`{"timestamp":"2026-05-06T07:00:00Z","sentAt":"2026-05-06T07:00:05Z"}`, "2026-05-06T07:00:05Z", []func(*event.Receipt){own}},
		"repeats timestamp":    {`{"timestamp":"2026-05-06T07:00:00Z","sentAt":"2026-05-06T07:00:00Z"}`, "", []func(*event.Receipt){own}},
		"repeats originalTime": {`{"originalTimestamp":"2026-05-06T07:00:00Z","sentAt":"2026-05-06T07:00:00Z"}`, "", []func(*event.Receipt){own}},
	} {
		if got := decode(t, c.raw, c.change...).SentAt; got != c.want {
			t.Errorf("%s: sent at %q, want %q", name, got, c.want)
		}
	}
}

func TestSessions(t *testing.T) {
	session := func(raw string, change ...func(*event.Receipt)) string { return decode(t, raw, change...).SessionID }
	required := func(r *event.Receipt) { r.MissingSession = event.SessionRequired }
	other := func(r *event.Receipt) { r.Application = "other" }
	anonymous := session(`{"type":"page","anonymousId":"a"}`)
	for name, different := range map[string]string{
		"user":                session(`{"type":"page","userId":"a"}`),
		"other sender":        session(`{"type":"page","anonymousId":"b"}`),
		"other application":   session(`{"type":"page","anonymousId":"a"}`, other),
		"with a session":      session(`{"type":"page","anonymousId":"a","context":{"sessionId":1669968929000}}`),
		"with a later one":    session(`{"type":"page","anonymousId":"a","context":{"sessionId":1669968929001}}`),
		"session of a sender": session(`{"type":"page","anonymousId":"b","context":{"sessionId":1669968929000}}`),
	} {
		if different == "" || different == anonymous {
			t.Errorf("%s: session %q", name, different)
		}
	}
	for raw, want := range map[string]string{
		`{"type":"page","anonymousId":"a","userId":"u"}`:                                           anonymous,
		`{"type":"page","context":{"sessionId":"E2085BE5-9137-4E4E-80B5-F1FFDDC25423"}}`:           "e2085be5-9137-4e4e-80b5-f1ffddc25423",
		`{"type":"page","anonymousId":null,"userId":""}`:                                           "",
		`{"type":"page","anonymousId":"a","context":{},"eye:context":{"sessionId":1669968929000}}`: session(`{"type":"page","anonymousId":"a","context":{"sessionId":1669968929000}}`),
		`{"type":"page","anonymousId":"a","context":{"sessionId":null}}`:                           anonymous,
	} {
		if got := session(raw); got != want {
			t.Errorf("%s: session %q, want %q", raw, got, want)
		}
	}
	if got := session(`{"type":"page","anonymousId":"a"}`, required); got != "" {
		t.Errorf("session %q though one is required", got)
	}
}

// A write key in a body authenticates, and is in no item.
func TestKeysAreFoundAndLeftOut(t *testing.T) {
	for body, want := range map[string][]string{
		`{"writeKey":"k","batch":[{"type":"page","writeKey":"l"}]}`: {"k"},
		`{"batch":[{"type":"page","writeKey":"l"},{}]}`:             {"l"},
		`{"type":"page","writeKey":"k"}`:                            {"k"},
		`{"batch":[17]}`:                                            nil,
		`{"batch":[{"type":`:                                        nil,
		`[]`:                                                        nil,
	} {
		if diff := cmp.Diff(want, segment.Keys([]byte(body))); diff != "" {
			t.Errorf("%s:\n%s", body, diff)
		}
	}
	b, err := format.Segment.Split(foreigntest.Request(http.MethodPost, "/v1/p"), []byte(`{"writeKey":"secret","userId":"u"}`), 10)
	if err != nil || string(b.Items[0].Raw) != `{"userId":"u","type":"page"}` {
		t.Errorf("%s, %v", b.Items, err)
	}
}

// Of two batches in one body the messages of one would be lost.
func TestABodyHasOneBatch(t *testing.T) {
	for _, body := range []string{
		`{"batch":[{"userId":"a"}],"batch":[{"userId":"b"}]}`, `{"batch":[{"userId":"a"}],"b\u0061tch":7}`,
		`{"context":{"a":1},"batch":[{"userId":"a"}],"context":{"b":1}}`,
	} {
		b, err := format.Segment.Split(foreigntest.Request(http.MethodPost, "/v1/batch"), []byte(body), 10)
		var syntax *event.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), "stands twice") {
			t.Errorf("%s: %s, %v", body, b.Items, err)
		}
	}
}

// The context of a batch is that of its messages, unless they have their own.
func TestContexts(t *testing.T) {
	for message, want := range map[string]string{
		`{}`:                                    `{"context":{"a":1,"b":1}}`,
		`{"context":null}`:                      `{"context":{"a":1,"b":1}}`,
		`{"context":{"a":2}}`:                   `{"context":{"a":2,"b":1}}`,
		`{"context":7}`:                         `{"context":7}`,
		`{"context":{},"eye:context":{"a":{}}}`: "", // twice
		`{"eye:context":{"a":3},"anonymousId":1}`: `{"anonymousId":1,"context":{"a":1,"b":1}}`,
	} {
		body := `{"batch":[` + message + `],"context":{"a":1,"b":1}}`
		events, _, err := foreigntest.CheckSplit(t, format.Segment, foreigntest.Request(http.MethodPost, "/v1/batch"), []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		data := ""
		if events[0] != nil {
			data = string(events[0].Data)
		}
		if data != want {
			t.Errorf("%s: data %s, want %s", message, data, want)
		}
	}
	if e := decode(t, `{"eye:context":{"a":3}}`); string(e.Data) != `{"eye:context":{"a":3}}` {
		t.Errorf("a name of the client's own: %s", e.Data)
	}
}

// A message that is refused for its size costs no copy of its members.
func TestLargeMessagesAreNotCopied(t *testing.T) {
	body := []byte(`{"writeKey":"k","properties":"` + strings.Repeat("x", event.MaxBytes) + `"}`)
	b, err := format.Segment.Split(foreigntest.Request(http.MethodPost, "/v1/track"), body, 10)
	if err != nil || &b.Items[0].Raw[0] != &body[0] {
		t.Errorf("%d items, %v", len(b.Items), err)
	}
	if _, refusal := format.Segment.Inspect(b.Items[0].Raw, event.Receipt{}); refusal == nil || refusal.Code != event.CodeTooLarge {
		t.Errorf("refused: %v", refusal)
	}
}

// A context that each message of a batch gets makes no large batch of a small body.
func TestCopiesOfTheContextAreBounded(t *testing.T) {
	batch := func(messages, bytes int) error {
		body := `{"context":{"a":"` + strings.Repeat("x", bytes) + `"},"batch":[` + strings.Repeat("{},", messages-1) + `{}]}`
		_, err := format.Segment.Split(foreigntest.Request(http.MethodPost, "/v1/batch"), []byte(body), messages)
		return err
	}
	if err := batch(500, 16<<10-20); err != nil {
		t.Error(err)
	}
	if err := batch(10, 1<<20); !errors.Is(err, event.ErrTooManyBytes) {
		t.Errorf("10 MiB of copies: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"type":"track","event":"a\ud800","context":{"sessionId":1e400},"eye:context":{"a":1},"messageId":"é"}`))
	f.Add([]byte(`{"type":["track"],"event":{},"timestamp":5,"context":7,"eye:context":"x","anonymousId":1.50}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		foreigntest.Check(t, format.Segment, raw, foreigntest.Receipt())
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("/v1/batch", []byte(`{"batch":[{"context":{}},5,{"writeKey":"k"},"x"],"context":{"a":[]},"sentAt":"a"}`))
	f.Add("/t", []byte(`{"event":"x","writeKey":"k","":{}}`))
	f.Add("/v1/track", []byte("{\"\xff\":1,\"writeKey\":2,\"a\":{\"b\":[,]}}"))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		r := foreigntest.Request(http.MethodPost, "/")
		r.URL.Path = path
		_, _, _ = foreigntest.CheckSplit(t, format.Segment, r, body)
		segment.Keys(body)
	})
}
