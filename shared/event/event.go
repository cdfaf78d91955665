package event

import (
	"time"
)

// Limits of one event. An event over one of them is refused at the door.
const (
	// MaxBytes bounds the bytes of one event as received.
	MaxBytes = 1 << 20
	// MaxDepth bounds the nesting of arrays and objects inside a member of
	// the event; `"data": {}` nests one level.
	MaxDepth = 32
	// MaxKeys bounds the members of all objects of an event together.
	MaxKeys = 1000
	// MaxValues bounds the values of an event together, array elements
	// included.
	MaxValues = 10_000
	// MaxNumberBytes bounds the text of one number.
	MaxNumberBytes = 64
	// MaxExponent bounds the absolute decimal exponent written in a number.
	MaxExponent = 308
	// MaxIDLength bounds event_id, category and name, in characters (Unicode
	// code points).
	MaxIDLength = 200
)

// Head is what the door needs of an event: its identity and its type.
type Head struct {
	// EventID is the client's event_id where that is valid, else derived.
	EventID string
	// Derived says that EventID was made from the event's content.
	Derived bool
	// Category and Name are the members as sent where they are strings of 1
	// to MaxIDLength characters, else "".
	Category, Name string
}

// Event is a decoded event. Only valid members are filled; what is wrong with
// the others stands in Faults, one fault for each.
type Event struct {
	Head

	// SessionID is in the 36-character form, lower case; "" when invalid.
	SessionID string
	// Timestamp is in UTC, truncated to the microsecond; zero when invalid.
	Timestamp time.Time
	// SchemaVersion is the optional member schema_version, 0 when absent.
	SchemaVersion int64
	// Data is the member data as JSON: members in the order sent, numbers in
	// the form that both stores keep (see AppendNumber). nil when it is not
	// an object.
	Data []byte
	// Tree is Data for a schema validator: map[string]any, []any, string,
	// bool, nil and json.Number (the number's text as received). nil when
	// Data is.
	Tree map[string]any
	// ContentHash identifies the content: 32 hexadecimal digits, the first
	// half of the SHA-256 of the canonical form of the whole event without
	// event_id.
	ContentHash string
	// Faults are the faults of the envelope, in the order of the members in
	// the list event_id, session_id, category, name, data, timestamp.
	Faults []Fault
}

// Fault is one reason why an event is rejected. A document keeps it as it is.
type Fault struct {
	// Code is stable, one of the Code constants.
	Code string `json:"code"`
	// Path is a JSON pointer (RFC 6901) into the event; "" is the event
	// itself.
	Path string `json:"path"`
	// Message is one sentence for people.
	Message string `json:"message"`
}

// Refusal says why an event cannot be carried at all. It is an error.
type Refusal struct {
	Code    string
	Message string
}

// Error returns the code and the message.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }
