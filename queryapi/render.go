package queryapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/store"
)

// flushBytes is how much of an answer is gathered before it is sent on.
const flushBytes = 64 << 10

// body writes one JSON answer, member by member, without holding all of it.
type body struct {
	w   http.ResponseWriter
	buf []byte
	// comma says that the next member or element follows another one.
	comma bool
	// err is the first error of the connection; nothing is written after it.
	err error
}

func newBody(w http.ResponseWriter) *body {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	return &body{w: w, buf: make([]byte, 0, 4<<10)}
}

func (b *body) open(c byte)  { b.next(); b.buf = append(b.buf, c); b.comma = false }
func (b *body) close(c byte) { b.buf = append(b.buf, c); b.comma = true }

func (b *body) next() {
	if b.comma {
		b.buf = append(b.buf, ',')
	}
	b.comma = true
}

// member starts a member; its value follows.
func (b *body) member(name string) {
	b.next()
	b.buf = append(b.buf, '"')
	b.buf = append(b.buf, name...) // names are ours and need no escapes
	b.buf = append(b.buf, '"', ':')
	b.comma = false
}

// text writes a string; what is not UTF-8 in it, which no store keeps, becomes
// U+FFFD.
func (b *body) text(name, value string) {
	b.member(name)
	b.buf, _ = jsontext.AppendQuote(b.buf, value)
	b.comma = true
}

// optional writes a string unless it is empty.
func (b *body) optional(name, value string) {
	if value != "" {
		b.text(name, value)
	}
}

func (b *body) number(name string, value int64) {
	b.member(name)
	b.buf = strconv.AppendInt(b.buf, value, 10)
	b.comma = true
}

func (b *body) unsigned(name string, value uint64) {
	b.member(name)
	b.buf = strconv.AppendUint(b.buf, value, 10)
	b.comma = true
}

// time writes a time unless it is zero.
func (b *body) time(name string, value time.Time) {
	if !value.IsZero() {
		b.text(name, event.FormatTime(value))
	}
}

// raw splices JSON as it is; numbers keep every digit.
func (b *body) raw(name string, json []byte) {
	b.member(name)
	b.buf = append(b.buf, json...)
	b.comma = true
}

// flush sends on what was gathered once that is much.
func (b *body) flush() {
	if len(b.buf) >= flushBytes {
		b.send()
	}
}

// send sends on everything gathered.
func (b *body) send() {
	if b.err == nil {
		_, b.err = b.w.Write(b.buf)
	}
	b.buf = b.buf[:0]
}

// document writes one event with its outcome: the fields of store.Document in their
// order, absent ones left out.
func (b *body) document(d *store.Document) {
	b.open('{')
	b.text("event_id", d.EventID)
	b.text("application", d.Application)
	b.optional("session_id", d.SessionID)
	b.optional("category", d.Category)
	b.optional("name", d.Name)
	if d.Data != nil {
		b.raw("data", d.Data)
	}
	b.time("timestamp", d.Timestamp)
	b.time("received_at", d.ReceivedAt)
	b.text("status", string(d.Status))
	b.text("content_hash", d.ContentHash)
	b.origin(d.Origin)
	b.unsigned("revision", d.Revision)
	if d.SchemaVersion != 0 {
		b.number("schema_version", d.SchemaVersion)
	}
	if d.SentSchemaVersion != 0 {
		b.number("sent_schema_version", d.SentSchemaVersion)
	}
	b.time("expires_at", d.ExpiresAt)
	if d.Status == store.Rejected {
		b.faults(d.Errors)
		if len(d.Original) > 0 { // the policy keeps none of some types
			b.original(d.Original)
		}
	}
	b.close('}')
	b.flush()
}

func (b *body) origin(o store.Origin) {
	b.member("origin")
	b.open('{')
	b.number("epoch", o.Epoch)
	b.unsigned("seq", o.Seq)
	b.close('}')
}

func (b *body) faults(faults []event.Fault) {
	b.member("errors")
	b.open('[')
	for _, f := range faults {
		b.open('{')
		b.text("code", f.Code)
		b.text("path", f.Path)
		b.text("message", f.Message)
		b.close('}')
	}
	b.close(']')
}

// original writes the bytes as received: as text where they are UTF-8, which
// is what JSON can carry exactly, else in base64, and says so.
func (b *body) original(raw []byte) {
	if utf8.Valid(raw) {
		b.text("original", string(raw))
		return
	}
	b.text("original", base64.StdEncoding.EncodeToString(raw))
	b.text("original_encoding", "base64")
}

// documents writes a page: the documents and where the next page starts.
func (b *body) documents(p page) {
	b.member("events")
	b.open('[')
	for _, d := range p.docs {
		b.document(d)
	}
	b.close(']')
	if p.next == "" {
		b.raw("next_cursor", []byte("null"))
		return
	}
	b.text("next_cursor", p.next)
}
