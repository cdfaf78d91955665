// Package native reads events in The Eye's own shape: an object with the
// members event_id, session_id, category, name, data, timestamp and
// schema_version, sent alone, in an array, in an object with an array `events`,
// or one a line.
//
// A body is read in two steps: Split and Inspect in the collector, Decode in
// the processor. Inspect and Decode read the same tape, which scan writes, so
// they cannot understand the same bytes in two ways.
//
// Promises:
//
//   - Inspect and Decode are pure functions of the bytes: no clock, no network,
//     no state. The same bytes give the same answer in every process.
//   - Decode accepts exactly what Inspect accepts: an event that the collector
//     accepted is never unreadable later. Bytes that reached the stream by
//     another way are refused with the same *event.Refusal.
//   - Work and memory are bounded by the limits of package event, whatever the
//     bytes are.
//   - There is one parser (jsontext, strict): names are compared exactly, a
//     duplicate name or invalid UTF-8 is an error and never a silent choice.
//
// The content hash covers the canonical form of the whole event without the
// member event_id; no other member is for transport only.
package native

import (
	"mime"
	"net/http"

	"github.com/theeye/theeye/shared/event"
)

// Name is the value of the header Eye-Format for events of this format.
const Name = "native"

// Format implements format.Format by the functions of this package.
type Format struct{}

// Name returns the constant Name.
func (Format) Name() string { return Name }

// Split splits the body of r. The content type decides only whether each line
// is an event; see the function Split.
func (Format) Split(r *http.Request, body []byte, maxEvents int) (event.Batch, error) {
	return Split(body, isNDJSON(r.Header), maxEvents)
}

// Inspect calls the function Inspect.
func (Format) Inspect(raw []byte, _ event.Receipt) (event.Head, *event.Refusal) { return Inspect(raw) }

// Identify calls the function Identify.
func (Format) Identify(raw []byte, _ event.Receipt) (event.Head, string, *event.Refusal) {
	return Identify(raw)
}

// Decode calls the function Decode.
func (Format) Decode(raw []byte, r event.Receipt) (*event.Event, *event.Refusal) {
	e, refusal := Decode(raw)
	if e != nil {
		e.SentAt = r.SentAt
	}
	return e, refusal
}

// isNDJSON reports whether the content type says that each line is an event.
// Every other type is ignored: beacons send text/plain.
func isNDJSON(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return false
	}
	switch media {
	case "application/x-ndjson", "application/ndjson", "application/jsonl",
		"application/x-jsonlines", "application/jsonlines", "application/json-lines":
		return true
	}
	return false
}
