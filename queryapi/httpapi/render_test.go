package httpapi

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

func rendered(t *testing.T, d *store.Document) string {
	t.Helper()
	rec := httptest.NewRecorder()
	writeEvent(rec, d)
	if !json.Valid(rec.Body.Bytes()) {
		t.Fatalf("not JSON: %s", rec.Body)
	}
	return rec.Body.String()
}

func TestRendersStoredEvent(t *testing.T) {
	at := time.Date(2021, 1, 1, 9, 15, 27, 243860000, time.UTC)
	got := rendered(t, &store.Document{
		ID: "demo/a", Status: store.Stored, Application: "demo", EventID: "a\r\n\u2028<script>\x00", SessionID: aSession,
		Category: "page interaction", Name: "pageview",
		Data:      []byte(`{"z":9223372036854775808,"a":-0.0,"":{"$where":1.0},"deep":[9007199254740993]}`),
		Timestamp: at, ClockOffsetMS: -600000, ReceivedAt: at.Truncate(time.Millisecond), ExpiresAt: at.Truncate(time.Second),
		ContentHash: strings.Repeat("0", 32), Origin: store.Origin{Epoch: 1700000000000001, Seq: 1<<63 + 1},
		Revision: 4, SchemaVersion: 3, SentSchemaVersion: 2, Original: []byte("not shown"),
	})
	want := `{"event_id":"a\r\n\u2028<script>\u0000","application":"demo","session_id":"` + aSession + `",` +
		`"category":"page interaction","name":"pageview",` +
		`"data":{"z":9223372036854775808,"a":-0.0,"":{"$where":1.0},"deep":[9007199254740993]},` +
		`"timestamp":"2021-01-01T09:15:27.243860Z","clock_offset_ms":-600000,"received_at":"2021-01-01T09:15:27.243000Z",` +
		`"status":"stored","content_hash":"00000000000000000000000000000000",` +
		`"origin":{"epoch":1700000000000001,"seq":9223372036854775809},` +
		`"revision":4,"schema_version":3,"sent_schema_version":2,"expires_at":"2021-01-01T09:15:27.000000Z"}`
	// A line separator may stand in JSON as it is or escaped.
	got = strings.ReplaceAll(got, "\u2028", `\u2028`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRendersRejectedEvent(t *testing.T) {
	d := &store.Document{
		Status: store.Rejected, Application: "demo", EventID: "a", ContentHash: "h",
		Errors:   []event.Fault{{Code: "invalid_data", Path: "/data", Message: `"`}},
		Original: []byte(`{"a": 1e2}`),
	}
	const head = `{"event_id":"a","application":"demo","status":"rejected","content_hash":"h","origin":{"epoch":0,"seq":0},` +
		`"revision":0,"errors":[{"code":"invalid_data","path":"/data","message":"\""}],`
	if diff := cmp.Diff(head+`"original":"{\"a\": 1e2}"}`, rendered(t, d)); diff != "" {
		t.Error(diff)
	}
	d.Original = []byte("\xff\x00")
	if diff := cmp.Diff(head+`"original":"/wA=","original_encoding":"base64"}`, rendered(t, d)); diff != "" {
		t.Error(diff)
	}
	d.Original = nil // the policy keeps none
	if diff := cmp.Diff(strings.TrimSuffix(head, ",")+"}", rendered(t, d)); diff != "" {
		t.Error(diff)
	}
}

// flushCounter records how large the pieces of an answer are.
type flushCounter struct {
	*httptest.ResponseRecorder
	largest int
}

func (f *flushCounter) Write(b []byte) (int, error) {
	f.largest = max(f.largest, len(b))
	return f.ResponseRecorder.Write(b)
}

// An answer is sent while it is made: a page of many megabytes is never held
// twice.
func TestAnswerIsSentInPieces(t *testing.T) {
	rec := &flushCounter{ResponseRecorder: httptest.NewRecorder()}
	docs := make([]*store.Document, 20)
	for i := range docs {
		docs[i] = &store.Document{Data: []byte(`{"a":"` + strings.Repeat("x", 100_000) + `"}`)}
	}
	writePage(rec, docs, "next")
	if rec.largest > flushSize+110_000 {
		t.Errorf("%d bytes are held", rec.largest)
	}
	var page api.Page[api.Event]
	if err := jsonv2.Unmarshal(rec.Body.Bytes(), &page); err != nil || len(page.Events) != len(docs) || page.NextCursor != "next" {
		t.Errorf("%d events, %q, %v", len(page.Events), page.NextCursor, err)
	}
}

// Events appended by hand equal the encoding of the types of the wire contract.
func TestEventsAreEncodedAsTheContractSays(t *testing.T) {
	at := time.Date(2021, 1, 1, 9, 15, 27, 243860000, time.UTC)
	d := &store.Document{
		Application: "demo", EventID: "a\r\n<\x00", SessionID: aSession, Category: "c", Name: "n", Data: []byte(`{"a":1.0}`),
		Timestamp: at, ClockOffsetMS: 1, ReceivedAt: at, ExpiresAt: at, ContentHash: "h", Origin: store.Origin{Epoch: 1, Seq: 2},
		Revision: 4, SchemaVersion: 3, SentSchemaVersion: 2, Status: store.Rejected,
		Errors: []event.Fault{{Code: "c", Path: "/p", Message: "m"}, {Code: "d"}}, Original: []byte("\xff"),
	}
	full := api.Event{
		Application: d.Application, EventID: d.EventID, SessionID: d.SessionID, Category: d.Category, Name: d.Name, Data: d.Data,
		Timestamp: api.TimeOf(at), ClockOffsetMS: 1, ReceivedAt: api.TimeOf(at), ExpiresAt: api.TimeOf(at), ContentHash: d.ContentHash,
		Origin: api.Origin(d.Origin), Revision: 4, SchemaVersion: 3, SentSchemaVersion: 2, Status: api.StatusRejected,
		Errors: d.Errors, Original: "/w==", OriginalEncoding: api.EncodingBase64,
	}
	sameJSON(t, full, rendered(t, d))
	bare := &store.Document{Application: "demo", EventID: "a", ReceivedAt: at, Status: store.Stored, ContentHash: "h"}
	sameJSON(t, api.Event{
		Application: "demo", EventID: "a", ReceivedAt: api.TimeOf(at), Status: api.StatusStored, ContentHash: "h",
	}, rendered(t, bare))

	rec := httptest.NewRecorder()
	session := api.Session{SessionID: aSession, First: api.TimeOf(at), Last: api.TimeOf(at), Count: 1, Entry: &api.EventSummary{EventID: "a"}}
	before := at.Add(-1500 * time.Millisecond)
	if err := writeTimeline(rec, session, []*store.Document{d, d}, &before, ""); err != nil {
		t.Fatal(err)
	}
	first, second := full, full
	first.GapSeconds, second.GapSeconds = new(1.5), new(0.0)
	sameJSON(t, api.Timeline[api.Event]{Session: session, Page: api.Page[api.Event]{Events: []api.Event{first, second}}}, rec.Body.String())
}

// sameJSON compares JSON text with the encoding of a value, member by member
// and in their order.
func sameJSON(t *testing.T, want any, got string) {
	t.Helper()
	b, err := jsonv2.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(b), got); diff != "" {
		t.Error(diff)
	}
}
