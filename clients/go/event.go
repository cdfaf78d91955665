package eye

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Event is what happened.
type Event struct {
	// SessionID is a UUID that the site makes for a visit and sends with all events of it.
	SessionID string
	// Category and Name are the type, 1 to 200 characters each.
	Category, Name string
	// Data is anything that encodes as a JSON object; nil is an empty one. Maps with text
	// keys of texts, numbers, booleans, times, lists and such maps are encoded
	// without reflection, everything else as by encoding/json.
	Data any
	// Timestamp is when it happened; zero is the time of the call.
	Timestamp time.Time
	// EventID identifies the event within the application, 1 to 200 characters; "" is
	// a new UUID of version 7.
	EventID string
	// SchemaVersion is the revision of the schema that the event is written for; 0 names
	// none.
	SchemaVersion int64
}

// Errors of Enqueue. The event is dropped, and counted.
var (
	// ErrClosed means that Close was called before.
	ErrClosed = errors.New("eye: the client is closed")
	// ErrNotStarted means that the Client was not made by New.
	ErrNotStarted = errors.New("eye: the client was not made by New")
	// ErrTooLarge means that the event has more than 1 MiB.
	ErrTooLarge = fmt.Errorf("eye: an event has at most %d bytes", maxEventBytes)
	// ErrUnserialisable means that the data cannot be written as JSON.
	ErrUnserialisable = errors.New("eye: the data cannot be written as JSON")
)

// appendEvent appends the event as JSON. now is the time of the call.
func appendEvent(b []byte, e *Event, now time.Time) (_ []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // of a method of the data
			err = fmt.Errorf("%w: it panics: %v", ErrUnserialisable, r)
		}
	}()
	b = append(b, `{"event_id":"`...)
	if e.EventID == "" {
		b = appendUUID(b, now)
		b = append(b, '"')
	} else {
		b = appendText(b[:len(b)-1], e.EventID)
	}
	b = appendText(append(b, `,"session_id":`...), e.SessionID)
	b = appendText(append(b, `,"category":`...), e.Category)
	b = appendText(append(b, `,"name":`...), e.Name)
	b = append(b, `,"data":`...)
	if e.Data == nil {
		b = append(b, "{}"...)
	} else {
		limit := len(b) + maxEventBytes
		if b, err = (&encoder{limit: limit}).appendValue(b, e.Data, 1); err != nil {
			return b, err
		}
	}
	at := e.Timestamp
	if at.IsZero() {
		at = now
	}
	b = append(b, `,"timestamp":"`...)
	b = append(appendTime(b, at), '"')
	if e.SchemaVersion != 0 {
		b = appendInt(append(b, `,"schema_version":`...), e.SchemaVersion)
	}
	return append(b, '}'), nil
}

// eventID returns the id of an encoded event.
func eventID(event []byte) (id string) {
	text, _, _ := bytes.Cut(event, []byte(`,"session_id":`))
	text, _ = bytes.CutPrefix(text, []byte(`{"event_id":`))
	_ = json.Unmarshal(text, &id) // appendEvent wrote it, unless a spool was tampered with
	return id
}

// timeFormat keeps the microseconds, as The Eye does.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// appendTime appends a time in timeFormat.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, timeFormat)
	}
	hour, minute, second := t.Clock()
	micros := t.Nanosecond() / 1000
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, 'T'), hour)
	b = appendTwo(append(b, ':'), minute)
	b = appendTwo(append(b, ':'), second)
	b = appendTwo(append(b, '.'), micros/10_000)
	b = appendTwo(appendTwo(b, micros/100%100), micros%100)
	return append(b, 'Z')
}

// appendTwo appends a number of at most two digits as two.
func appendTwo(b []byte, n int) []byte {
	return append(b, byte('0'+n/10), byte('0'+n%10))
}

// faultOf returns the fault of an event that can be sent, and will be rejected; ""
// if the client sees nothing wrong. encoded is the event as JSON.
func faultOf(e *Event, encoded []byte) string {
	switch {
	case !isUUID(e.SessionID):
		return "SessionID is not a UUID of 36 characters"
	case !isName(e.Category):
		return "Category has not 1 to 200 characters"
	case !isName(e.Name):
		return "Name has not 1 to 200 characters"
	case e.EventID != "" && !isName(e.EventID):
		return "EventID has more than 200 characters"
	case e.Data != nil && !hasObject(encoded, e):
		return "Data does not encode as a JSON object"
	}
	return ""
}

// isName reports whether a text has 1 to 200 characters.
func isName(s string) bool {
	return s != "" && (len(s) <= 200 || utf8.RuneCountInString(s) <= 200)
}

func isUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	digits := 0
	for i := range 36 {
		if isHex[s[i]] {
			digits++
		}
	}
	return digits == 32
}

// hasObject reports whether the data of an encoded event is an object.
func hasObject(encoded []byte, e *Event) bool {
	switch e.Data.(type) {
	case map[string]any, map[string]string:
		return true
	}
	// The type, whose texts are escaped, cannot hold this.
	_, data, _ := bytes.Cut(encoded, []byte(`,"data":`))
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
}
