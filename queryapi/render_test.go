package queryapi

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

func rendered(t *testing.T, d *store.Document) string {
	t.Helper()
	rec := httptest.NewRecorder()
	b := newBody(rec)
	b.document(d)
	b.send()
	if !json.Valid(rec.Body.Bytes()) {
		t.Fatalf("not JSON: %s", rec.Body)
	}
	return rec.Body.String()
}

func TestDocumentOfAStoredEvent(t *testing.T) {
	at := time.Date(2021, 1, 1, 9, 15, 27, 243860000, time.UTC)
	got := rendered(t, &store.Document{
		ID: "demo/a", Status: store.Stored, Application: "demo", EventID: "a\r\n\u2028<script>\x00", SessionID: aSession,
		Category: "page interaction", Name: "pageview",
		Data:      []byte(`{"z":9223372036854775808,"a":-0.0,"":{"$where":1.0},"deep":[9007199254740993]}`),
		Timestamp: at, ReceivedAt: at.Truncate(time.Millisecond), ExpiresAt: at.Truncate(time.Second),
		ContentHash: strings.Repeat("0", 32), Origin: store.Origin{Epoch: 1700000000000001, Seq: 1<<63 + 1},
		Revision: 4, SchemaVersion: 3, SentSchemaVersion: 2, Original: []byte("not shown"),
	})
	want := `{"event_id":"a\r\n\u2028<script>\u0000","application":"demo","session_id":"` + aSession + `",` +
		`"category":"page interaction","name":"pageview",` +
		`"data":{"z":9223372036854775808,"a":-0.0,"":{"$where":1.0},"deep":[9007199254740993]},` +
		`"timestamp":"2021-01-01T09:15:27.243860Z","received_at":"2021-01-01T09:15:27.243000Z",` +
		`"status":"stored","content_hash":"00000000000000000000000000000000",` +
		`"origin":{"epoch":1700000000000001,"seq":9223372036854775809},` +
		`"revision":4,"schema_version":3,"sent_schema_version":2,"expires_at":"2021-01-01T09:15:27.000000Z"}`
	// A line separator may stand in JSON as it is or escaped.
	got = strings.ReplaceAll(got, "\u2028", `\u2028`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentOfARejectedEvent(t *testing.T) {
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

// An answer is sent on while it is made: a page of many megabytes is never
// held twice.
func TestAnswerIsSentInPieces(t *testing.T) {
	rec := httptest.NewRecorder()
	b := newBody(rec)
	b.open('[')
	large := &store.Document{Data: []byte(`{"a":"` + strings.Repeat("x", 100_000) + `"}`)}
	for range 20 {
		b.document(large)
		if len(b.buf) >= flushBytes {
			t.Fatalf("%d bytes are held", len(b.buf))
		}
	}
	b.close(']')
	b.send()
	if !json.Valid(rec.Body.Bytes()) {
		t.Error("not JSON")
	}
}
