package outcome_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// evaluate returns the document of a message without the panic.
func evaluate(m stream.Raw, set outcome.Rules, epoch int64) *store.Document {
	d, _ := outcome.Evaluate(m, set, epoch)
	want := &store.Document{
		ID: d.ID, Application: d.Application, EventID: d.EventID, Category: d.Category, Name: d.Name,
		ReceivedAt: d.ReceivedAt, ContentHash: d.ContentHash, Origin: d.Origin,
	}
	if diff := cmp.Diff(want, outcome.Identify(m, epoch)); diff != "" {
		panic("Identify and Evaluate disagree: " + diff)
	}
	return d
}

func message(payload string) stream.Raw {
	m := outcometest.Message("demo", payload)
	return stream.Raw{Header: m.Header, Payload: m.Data, Seq: 42, Time: outcometest.ReceivedAt().Add(time.Hour)}
}

func TestStoresAValidEvent(t *testing.T) {
	policy := schema.DefaultPolicy()
	policy.Retention.Stored, policy.Retention.Rejected = 48*time.Hour, 24*time.Hour
	raw := outcometest.Event("event_id", `"a\r\n* > ./é"`, "session_id", `"E2085BE5-9137-4E4E-80B5-F1FFDDC25423"`,
		"data", `{"path":"/","host":"h","n":9007199254740993,"x":1.50}`)
	d := evaluate(message(raw), outcometest.Samples(t, policy), 5)
	want := &store.Document{
		ID: "demo/a\r\n* > ./é", Status: store.Stored, Application: "demo", EventID: "a\r\n* > ./é",
		SessionID: "e2085be5-9137-4e4e-80b5-f1ffddc25423", Category: "page interaction", Name: "pageview",
		Data:       []byte(`{"path":"/","host":"h","n":9007199254740993,"x":1.5}`),
		Timestamp:  time.Date(2026, 5, 6, 7, 8, 9, 123456000, time.UTC),
		ReceivedAt: time.Date(2026, 5, 6, 7, 8, 9, 123000000, time.UTC),
		ExpiresAt:  time.Date(2026, 5, 8, 7, 8, 9, 123000000, time.UTC),
		// In case the write rule rejects it.
		RejectedExpiresAt: time.Date(2026, 5, 7, 7, 8, 9, 123000000, time.UTC),
		ContentHash:       d.ContentHash, Origin: store.Origin{Epoch: 5, Seq: 42}, Revision: 9, SchemaVersion: 7,
		Original: []byte(raw),
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if len(d.ContentHash) != 32 {
		t.Errorf("content hash %q", d.ContentHash)
	}
}

// Hostile input that the collector accepts is rejected: the document keeps the
// whole event, every fault, and the valid fields.
func TestRejectsHostileInputWithAllFaults(t *testing.T) {
	set := outcometest.Samples(t, schema.Policy{FutureSkew: 5 * time.Minute, OldestAge: 24 * time.Hour, UnknownTypes: schema.RejectUnknown})
	long := strings.Repeat("é", 201)
	many := `{"host":"h","path":"/","form":{` + strings.TrimSuffix(strings.Repeat(`"%":1,`, 900), ",") + `}}`
	for i := 0; strings.Contains(many, `"%"`); i++ {
		many = strings.Replace(many, `"%"`, fmt.Sprintf(`"f%d"`, i), 1)
	}
	for _, tc := range []struct {
		name, raw string
		codes     string
	}{
		{"event_id of 300 characters", outcometest.Event("event_id", `"`+strings.Repeat("x", 300)+`"`), "invalid_event_id"},
		{"event_id a number", outcometest.Event("event_id", `17`), "invalid_event_id"},
		{"event_id an object", outcometest.Event("event_id", `{"a":1}`), "invalid_event_id"},
		{"event_id empty", outcometest.Event("event_id", `""`), "invalid_event_id"},
		{"no session", outcometest.Event("session_id", "absent"), "invalid_session_id"},
		{"session with urn", outcometest.Event("session_id", `"urn:uuid:e2085be5-9137-4e4e-80b5-f1ffddc25423"`), "invalid_session_id"},
		{"session in braces", outcometest.Event("session_id", `"{e2085be5-9137-4e4e-80b5-f1ffddc25423}"`), "invalid_session_id"},
		{"session of 32 digits", outcometest.Event("session_id", `"e2085be591374e4e80b5f1ffddc25423"`), "invalid_session_id"},
		{"no category", outcometest.Event("category", "absent"), "invalid_category"},
		{"name too long", outcometest.Event("name", `"`+long+`"`), "invalid_name"},
		{"name null", outcometest.Event("name", "null"), "invalid_name"},
		{"data an array", outcometest.Event("data", "[]"), "invalid_data"},
		{"no data", outcometest.Event("data", "absent"), "invalid_data"},
		{"half of a pair in data", outcometest.Event("data", `{"host":"cut \ud83d","path":1,"\udc00":{}}`), "invalid_text invalid_text schema_violation"},
		{"half of a pair in a type", outcometest.Event("category", `"\ud83d"`), "invalid_text"},
		{"half of a pair as id", outcometest.Event("event_id", `"\ud83d"`), "invalid_text"},
		{"an unknown member", strings.Replace(outcometest.Event(), "{", `{"user_id":"u1","x":{"y":"\ud83d"},`, 1), "unknown_member unknown_member invalid_text"},
		{"everything", `{}`, "invalid_session_id invalid_category invalid_name invalid_data invalid_timestamp"},
		{"Feb 30", outcometest.Event("timestamp", `"2026-02-30T00:00:00Z"`), "invalid_timestamp"},
		{"24:00", outcometest.Event("timestamp", `"2026-05-06T24:00:00Z"`), "invalid_timestamp"},
		{"timestamp a number", outcometest.Event("timestamp", `1778051289`), "invalid_timestamp"},
		{"year 9999", outcometest.Event("timestamp", `"9999-12-31T23:59:59Z"`), "timestamp_in_future"},
		{"in the future", outcometest.Event("timestamp", `"2026-05-06T07:13:09.123457Z"`), "timestamp_in_future"},
		{"too old", outcometest.Event("timestamp", `"2026-05-05T07:08:09.123455Z"`), "timestamp_too_old"},
		{"unknown type", outcometest.Event("name", `"clicked"`), "unknown_type"},
		{"wrong case of a type", outcometest.Event("name", `"Pageview"`), "unknown_type"},
		{"schema", outcometest.Event("data", `{"host":1}`), "schema_violation schema_violation"},
		{
			"more faults than are kept", outcometest.Event("category", `"form interaction"`, "name", `"submit"`, "data", many),
			strings.TrimSpace(strings.Repeat("schema_violation ", event.MaxFaults)),
		},
		{"bytes that the collector refuses", `{"a":1,"a":2}`, "duplicate_key"},
		{"bytes that are not JSON", "\x00\xff", "invalid_json"},
		{"no bytes", "", "invalid_json"},
		{"over a megabyte", outcometest.Event("data", `{"host":"h","path":"`+strings.Repeat("x", event.MaxBytes)+`"}`), "too_large"},
	} {
		d := evaluate(message(tc.raw), set, 5)
		var codes []string
		size := 0
		for _, f := range d.Errors {
			codes = append(codes, f.Code)
			size += len(f.Code) + len(f.Path) + len(f.Message)
		}
		if got := strings.Join(codes, " "); got != tc.codes || d.Status != store.Rejected {
			t.Errorf("%s: %s with %q, want %q", tc.name, d.Status, got, tc.codes)
		}
		if string(d.Original) != tc.raw || size > event.MaxFaultBytes {
			t.Errorf("%s: %d bytes kept of %d, faults of %d bytes", tc.name, len(d.Original), len(tc.raw), size)
		}
	}
}

func TestTimestampLimitsAreInclusive(t *testing.T) {
	set := outcometest.Samples(t, schema.Policy{FutureSkew: 5 * time.Minute, OldestAge: 24 * time.Hour})
	for _, timestamp := range []string{
		"2026-05-06T07:13:09.123456Z", "2026-05-05T07:08:09.123457Z", "2026-05-06T07:08:09.123456789Z",
	} {
		if d := evaluate(message(outcometest.Event("timestamp", `"`+timestamp+`"`)), set, 5); d.Status != store.Stored {
			t.Errorf("%s: %v", timestamp, d.Errors)
		}
	}
}

// Such a message is kept under an id that no event can have.
func TestRejectsMessagesThatNoCollectorWrote(t *testing.T) {
	set := outcometest.Samples(t, schema.Policy{Retention: schema.Retention{Rejected: time.Hour}})
	valid := outcometest.Pageview("a")
	for name, change := range map[string]func(nats.Header){
		"no headers":         func(h nats.Header) { clear(h) },
		"bad application":    func(h nats.Header) { h[stream.HeaderApplication] = []string{"demo#1"} },
		"no received time":   func(h nats.Header) { delete(h, stream.HeaderReceivedAt) },
		"unknown format":     func(h nats.Header) { h[stream.HeaderFormat] = []string{"unheard-of"} },
		"no format":          func(h nats.Header) { delete(h, stream.HeaderFormat) },
		"header of any text": func(h nats.Header) { h[stream.HeaderReceivedAt] = []string{"\x00\xff\n"} },
	} {
		m := message(valid)
		change(m.Header)
		d := evaluate(m, set, 5)
		if d.Status != store.Rejected || len(d.Errors) != 1 || d.Errors[0].Code != event.CodeInvalidMessage {
			t.Errorf("%s: %s %v", name, d.Status, d.Errors)
		}
		if string(d.Original) != valid || !strings.HasPrefix(d.ID, d.Application+"#") || !strings.HasSuffix(d.ID, "/"+d.EventID) {
			t.Errorf("%s: kept %q under %q", name, d.Original, d.ID)
		}
		if d.ReceivedAt.IsZero() || !d.ExpiresAt.Equal(d.ReceivedAt.Add(time.Hour)) {
			t.Errorf("%s: received %s, expires %s", name, d.ReceivedAt, d.ExpiresAt)
		}
	}
}

func TestStreamTimeReplacesAnUnreadableReceivedTime(t *testing.T) {
	m := message(outcometest.Pageview("a"))
	delete(m.Header, stream.HeaderReceivedAt)
	if d := evaluate(m, outcometest.Samples(t, schema.DefaultPolicy()), 5); !d.ReceivedAt.Equal(m.Time.Truncate(time.Millisecond)) {
		t.Errorf("received at %s, the stream took it at %s", d.ReceivedAt, m.Time)
	}
}

// The collector answers with the id that it derives and puts into the header.
func TestDerivedIDIsThatOfTheHeader(t *testing.T) {
	const answered = "0190163d-8694-739b-aea5-966c26f8ad91"
	set := outcometest.Samples(t, schema.DefaultPolicy())
	for header, want := range map[string]string{
		answered: answered, "": "", "not a uuid": "", strings.ToUpper(answered) + " ": "",
		"0190163d8694739baea5966c26f8ad91": "",
	} {
		m := message(outcometest.Event())
		derived := m.Header[stream.HeaderEventID][0]
		m.Header[stream.HeaderEventID] = []string{header}
		if want == "" {
			want = derived
		}
		if d := evaluate(m, set, 5); d.EventID != want || d.ID != "demo/"+want {
			t.Errorf("header %q: event_id %q, want %q", header, d.EventID, want)
		}
	}
	// The client's own id takes precedence over the header.
	m := message(outcometest.Pageview("mine"))
	m.Header[stream.HeaderEventID] = []string{answered}
	if d := evaluate(m, set, 5); d.EventID != "mine" {
		t.Errorf("the client's id became %q", d.EventID)
	}
}

func TestRejectsAnEventThatPanicsTheValidator(t *testing.T) {
	policy := schema.DefaultPolicy()
	policy.Retention.Rejected = time.Hour
	set := outcometest.Panicking{Rules: outcometest.Samples(t, policy), Mark: "POISON"}
	raw := outcometest.Event("event_id", `"p"`, "timestamp", `1`, "data", `{"host":"POISON","path":"/"}`)
	d, failed := outcome.Evaluate(message(raw), set, 5)
	if failed == nil || failed.Value != "POISON" || len(failed.Stack) == 0 {
		t.Errorf("the reported panic is %+v", failed)
	}
	var codes []string
	for _, f := range d.Errors {
		codes = append(codes, f.Code)
	}
	if diff := cmp.Diff([]string{event.CodeInvalidTimestamp, event.CodeValidatorFailed}, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	// A corrected validator gives it the same identity, so that a replay
	// replaces the document.
	if d.ID != "demo/p" || d.SessionID == "" || d.ExpiresAt.IsZero() || strings.Contains(fmt.Sprint(d.Errors), "POISON") {
		t.Errorf("the document is %+v", d)
	}
}

func TestSurvivesAValidatorThatAlwaysPanics(t *testing.T) {
	set := outcometest.Panicking{Rules: outcometest.Samples(t, schema.DefaultPolicy()), Mark: ""}
	d, failed := outcome.Evaluate(message(outcometest.Pageview("a")), set, 5)
	if failed == nil || d.Status != store.Rejected || len(d.Errors) != 1 || d.Errors[0].Code != event.CodeValidatorFailed {
		t.Errorf("the event became %s %v", d.Status, d.Errors)
	}
}

// Every message has exactly one document, always the same.
func TestEvaluateIsPure(t *testing.T) {
	set := outcometest.Samples(t, schema.DefaultPolicy())
	text := rapid.OneOf(rapid.String(), rapid.Just("demo"), rapid.Just(native.Name),
		rapid.Just(outcometest.ReceivedAt().Format(time.RFC3339Nano)))
	names := rapid.SampledFrom([]string{
		stream.HeaderApplication, stream.HeaderEventID, stream.HeaderReceivedAt, stream.HeaderFormat, stream.HeaderSentAt,
	})
	payload := rapid.OneOf(
		rapid.SliceOf(rapid.Byte()),
		rapid.Map(rapid.SampledFrom([]string{outcometest.Event(), outcometest.Pageview("a"), `{}`, `null`}), func(s string) []byte { return []byte(s) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		m := stream.Raw{Header: nats.Header{}, Payload: payload.Draw(t, "payload"), Seq: rapid.Uint64().Draw(t, "seq"), Time: outcometest.ReceivedAt()}
		for name, value := range rapid.MapOf(names, text).Draw(t, "headers") {
			m.Header[name] = []string{value}
		}
		d := evaluate(m, set, 5)
		if diff := cmp.Diff(d, evaluate(m, set, 5)); diff != "" {
			t.Fatalf("the second time differs:\n%s", diff)
		}
		if d.ID == "" || d.EventID == "" || d.ContentHash == "" || d.ReceivedAt.IsZero() || d.Origin.Seq != m.Seq {
			t.Fatalf("incomplete: %+v", d)
		}
		if (d.Status == store.Stored) != (len(d.Errors) == 0) || string(d.Original) != string(m.Payload) {
			t.Fatalf("%s with %v", d.Status, d.Errors)
		}
		if d.Data != nil && !json.Valid(d.Data) {
			t.Fatalf("data %q", d.Data)
		}
	})
}

// Unreadable messages have different ids, unless their bytes are equal.
func TestUnreadableMessagesAreIdentifiedByTheirBytes(t *testing.T) {
	set := outcometest.Samples(t, schema.DefaultPolicy())
	a, b := evaluate(message("x"), set, 5), evaluate(message("y"), set, 5)
	again := message("x")
	again.Seq, again.Time = 43, outcometest.ReceivedAt()
	if a.ID == b.ID || a.ID != evaluate(again, set, 5).ID || a.ContentHash == b.ContentHash {
		t.Errorf("ids %q, %q", a.ID, b.ID)
	}
	if uuid.Validate(a.EventID) != nil || !strings.HasPrefix(a.EventID, "00000000-0000-7") {
		t.Errorf("event_id %q", a.EventID)
	}
}

var _ outcome.Rules = (*schema.Set)(nil)
