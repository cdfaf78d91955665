package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/queryapi/eventjson"
	"github.com/theeye/theeye/shared/api"
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
	e.buf = eventjson.Append(e.buf, d)
	e.flush()
}

// writePage answers with a page of events, an api.Page.
func writePage(w http.ResponseWriter, docs []*store.Document, next api.Cursor) {
	e := beginAnswer(w)
	e.buf = append(e.buf, '{')
	e.writePageMembers(docs, next, eventjson.Append)
}

// writeTimeline answers with an api.Timeline: the members of the session, then
// those of the page. before is the time of the event before the page, nil on the
// first one.
func writeTimeline(w http.ResponseWriter, s api.Session, docs []*store.Document, before *time.Time, next api.Cursor) error {
	head, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the session: %w", err)
	}
	e := beginAnswer(w)
	e.buf = append(append(e.buf, head[:len(head)-1]...), ',')
	e.writePageMembers(docs, next, func(b []byte, d *store.Document) []byte {
		b = appendGap(eventjson.Append(b, d), before, d.Timestamp)
		before = &d.Timestamp
		return b
	})
	return nil
}

// appendGap adds member gap_seconds to an event: null for the first of a session.
func appendGap(b []byte, before *time.Time, at time.Time) []byte {
	b = append(b[:len(b)-1], `,"gap_seconds":`...)
	if before == nil {
		return append(b, "null}"...)
	}
	return append(strconv.AppendFloat(b, float64(at.UnixMicro()-before.UnixMicro())/1e6, 'f', -1, 64), '}')
}

// writePageMembers writes the members of an api.Page and ends the object.
func (e *eventWriter) writePageMembers(docs []*store.Document, next api.Cursor, appendEvent func([]byte, *store.Document) []byte) {
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
		e.buf = eventjson.AppendQuoted(e.buf, string(next))
	}
	e.buf = append(e.buf, '}')
	e.flush()
}

// flush sends the buffer.
func (e *eventWriter) flush() {
	if e.err == nil {
		_, e.err = e.w.Write(e.buf) //nolint:gosec // JSON, by its content type
	}
	e.buf = e.buf[:0]
}
