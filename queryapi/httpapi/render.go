package httpapi

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
)

// writeJSON answers with v as JSON, under the ETag of a revision unless that
// is 0.
func writeJSON(w http.ResponseWriter, status int, revision uint64, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	if revision != 0 {
		w.Header().Set(api.HeaderETag, api.ETag(revision))
	}
	w.Header().Set("Content-Type", api.ContentTypeJSON)
	w.WriteHeader(status)
	// If the connection fails, the client is gone.
	_, _ = w.Write(b) //nolint:gosec // JSON, by its content type
	return nil
}

// writeVersion answers with a version of a declaration: its bytes are the body.
func writeVersion(w http.ResponseWriter, contentType string, v registry.Version) {
	h := w.Header()
	h.Set(api.HeaderETag, api.ETag(v.Revision))
	if !v.Time.IsZero() {
		h.Set("Last-Modified", v.Time.UTC().Format(http.TimeFormat))
	}
	h.Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(v.Value)
}

// flushSize is how much of an answer is buffered before it is sent.
const flushSize = 64 << 10

// eventWriter writes an answer of many events without holding all of it. Events
// are appended by hand: their data is spliced as the store keeps it, so that
// every number keeps every digit, which is also several times faster than to
// encode api.Event, whose encoder parses the data again.
type eventWriter struct {
	w   http.ResponseWriter
	buf []byte
	err error // the first error of the connection; nothing is written after it
}

// beginAnswer writes the header of an answer of events.
func beginAnswer(w http.ResponseWriter) *eventWriter {
	w.Header().Set("Content-Type", api.ContentTypeJSON)
	w.WriteHeader(http.StatusOK)
	return &eventWriter{w: w, buf: make([]byte, 0, 4<<10)}
}

// writeEvent answers with one event.
func writeEvent(w http.ResponseWriter, d *store.Document) {
	e := beginAnswer(w)
	e.buf = appendEvent(e.buf, d)
	e.flush()
}

// writePage answers with a page of events, an api.Page.
func writePage(w http.ResponseWriter, docs []*store.Document, next api.Cursor) {
	e := beginAnswer(w)
	e.buf = append(e.buf, '{')
	e.writePageMembers(docs, next)
}

// writeTimeline answers with an api.Timeline: the members of the session, then
// those of the page.
func writeTimeline(w http.ResponseWriter, s api.Session, docs []*store.Document, next api.Cursor) error {
	head, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the session: %w", err)
	}
	e := beginAnswer(w)
	e.buf = append(append(e.buf, head[:len(head)-1]...), ',')
	e.writePageMembers(docs, next)
	return nil
}

// writePageMembers writes the members of an api.Page and ends the object.
func (e *eventWriter) writePageMembers(docs []*store.Document, next api.Cursor) {
	e.buf = append(e.buf, `"events":[`...)
	for i, d := range docs {
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.buf = appendEvent(e.buf, d)
		if len(e.buf) >= flushSize {
			e.flush()
		}
	}
	e.buf = append(e.buf, `],"next_cursor":`...)
	if next == "" {
		e.buf = append(e.buf, "null"...)
	} else {
		e.buf = appendQuoted(e.buf, string(next))
	}
	e.buf = append(e.buf, '}')
	e.flush()
}

// flush sends the buffer.
func (e *eventWriter) flush() {
	if e.err == nil {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

// appendEvent appends a document as an api.Event.
func appendEvent(b []byte, d *store.Document) []byte {
	b = appendQuoted(append(b, `{"event_id":`...), d.EventID)
	b = appendString(b, "application", d.Application)
	b = appendOptional(b, "session_id", d.SessionID)
	b = appendOptional(b, "category", d.Category)
	b = appendOptional(b, "name", d.Name)
	if d.Data != nil {
		b = append(appendName(b, "data"), d.Data...)
	}
	b = appendTime(b, "timestamp", d.Timestamp)
	b = appendTime(b, "received_at", d.ReceivedAt)
	b = appendString(b, "status", string(d.Status))
	b = appendString(b, "content_hash", d.ContentHash)
	b = strconv.AppendInt(append(b, `,"origin":{"epoch":`...), d.Origin.Epoch, 10)
	b = strconv.AppendUint(append(b, `,"seq":`...), d.Origin.Seq, 10)
	b = strconv.AppendUint(append(b, `},"revision":`...), d.Revision, 10)
	if d.SchemaVersion != 0 {
		b = strconv.AppendInt(appendName(b, "schema_version"), d.SchemaVersion, 10)
	}
	if d.SentSchemaVersion != 0 {
		b = strconv.AppendInt(appendName(b, "sent_schema_version"), d.SentSchemaVersion, 10)
	}
	b = appendTime(b, "expires_at", d.ExpiresAt)
	if d.Status == store.Rejected {
		b = appendErrors(b, d.Errors)
		b = appendOriginal(b, d.Original)
	}
	return append(b, '}')
}

func appendErrors(b []byte, faults []event.Fault) []byte {
	b = append(b, `,"errors":[`...)
	for i, f := range faults {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"code":`...), f.Code)
		b = appendString(b, "path", f.Path)
		b = appendString(b, "message", f.Message)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendOriginal appends the bytes as received: as text if they are UTF-8,
// which JSON carries exactly, else in base64 with a member that says so. The
// policy keeps no original of some types.
func appendOriginal(b, raw []byte) []byte {
	switch {
	case len(raw) == 0:
		return b
	case utf8.Valid(raw):
		return appendString(b, "original", string(raw))
	}
	b = appendString(b, "original", base64.StdEncoding.EncodeToString(raw))
	return appendString(b, "original_encoding", api.EncodingBase64)
}

// appendName appends the name of a member that follows another one. Names are
// constants and need no escapes.
func appendName(b []byte, name string) []byte {
	return append(append(append(b, `,"`...), name...), `":`...)
}

// appendString appends a member with a string.
func appendString(b []byte, name, value string) []byte {
	return appendQuoted(appendName(b, name), value)
}

// appendOptional appends a member with a string unless that is empty.
func appendOptional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(b, name, value)
}

// appendTime appends a member with a time unless that is zero.
func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendString(b, name, event.FormatTime(t))
}

// appendQuoted appends a JSON string. Invalid UTF-8, which no store keeps, is
// replaced by U+FFFD.
func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // the error only reports the replacement
	return b
}
