package event

import (
	"errors"
	"fmt"
	"time"
)

// Limits of one event. The collector refuses an event over one of them.
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
	// MaxExponent bounds the absolute decimal exponent written in a number. With
	// MaxNumberBytes it leaves every double many spellings.
	MaxExponent = 400
	// MaxIDLength bounds event_id, category and name, in characters (Unicode
	// code points).
	MaxIDLength = 200
)

// Head is the identity and the type of an event: the collector needs no more of
// it.
type Head struct {
	// EventID is the client's event_id if that is valid, else a derived one.
	EventID string
	// Derived is set when EventID was derived from the event's content, and
	// from the invalid id, where one was sent.
	Derived bool
	// Category and Name are the members as sent if they are strings of 1 to
	// MaxIDLength characters, else "".
	Category, Name string
}

// Event is a decoded event. Only valid members are set; Faults holds one fault
// for each of the others.
type Event struct {
	Head

	// SessionID is in the 36-character form, lower case; "" when invalid.
	SessionID string
	// Timestamp is in UTC, truncated to the microsecond; the zero time when
	// invalid. It is the one that was sent; the policy may correct it by SentAt.
	Timestamp time.Time
	// SentAt is when the client says it sent the event, by its own clock: as a rule
	// Receipt.SentAt. "" where it is unknown, or where Timestamp is by another clock.
	SentAt string
	// SchemaVersion is the optional member schema_version, 0 when absent.
	SchemaVersion int64
	// Data is the member data as JSON: members in the order sent, numbers in
	// the form that both stores keep (see AppendNumber). nil when the member
	// is not an object, or has text that no store keeps.
	Data []byte
	// Tree is the data for a schema validator: map[string]any, []any, string,
	// bool, nil and json.Number (the number's text as received). nil when the
	// member is not an object. Half a surrogate pair is U+FFFD in it.
	Tree map[string]any
	// ContentHash identifies the content: the Hash of the event's canonical
	// form, as text.
	ContentHash string
	// Faults are the faults of the envelope, in the order of the members in
	// the list event_id, session_id, category, name, data, timestamp.
	Faults []Fault
	// UnknownMembers are the faults of members that no event has, in the order
	// sent. The policy decides whether they reject the event.
	UnknownMembers []Fault
}

// Receipt describes an accepted event beside its bytes. The headers of its message
// carry it.
type Receipt struct {
	// Application is that of the write key.
	Application string
	// ReceivedAt is when the collector received the event, in UTC. It is the
	// timestamp of an event of a format whose events need none.
	ReceivedAt time.Time
	// SentAt is Batch.SentAt of the event's request.
	SentAt string
	// MissingSession is the setting of the application at that moment: one of the
	// constants, or "", which is SessionFromSender. A format whose events have a
	// session_id of their own ignores it.
	MissingSession string
}

// What becomes of an event without a session, in the formats of other products.
const (
	// SessionFromSender derives the session from the id of who sent the event.
	SessionFromSender = "anonymous"
	// SessionRequired rejects the event.
	SessionRequired = "reject"
)

// Fault is one reason why an event is rejected. Documents keep it unchanged.
type Fault struct {
	// Code is stable, one of the Code constants.
	Code string `json:"code"`
	// Path is a JSON pointer (RFC 6901) into the event; "" is the event
	// itself.
	Path string `json:"path"`
	// Message is one sentence for people.
	Message string `json:"message"`
}

// Refusal is the reason why an event cannot be accepted at all. It is an error.
type Refusal struct {
	// Code is stable, one of the Code constants.
	Code string
	// Message is one sentence for people.
	Message string
}

// Error returns the code and the message.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Batch is a request body split into events.
type Batch struct {
	// Items are the events in the order sent, at least one.
	Items []Item
	// SentAt is when the client says it sent the batch: at most 64 visible
	// ASCII characters, so that it fits into a header; "" when the batch does
	// not say it.
	SentAt string
}

// Item is one event of a batch. It has not been inspected yet.
type Item struct {
	// Raw is the event's exact bytes. It may alias the request body.
	Raw []byte
	// Refusal is set when the item is known not to be an event: a broken line
	// of NDJSON, or a value that is not an object.
	Refusal *Refusal
}

// Errors of a request body that cannot be split into events. The others are
// *SyntaxError and *WrapperError.
var (
	// ErrEmptyBody is returned for a body that holds only white space.
	ErrEmptyBody = errors.New("the body is empty")
	// ErrEmptyBatch is returned for an array, or a batch, without events.
	ErrEmptyBatch = errors.New("the batch holds no events")
	// ErrTooManyEvents is returned as soon as one event more than allowed is
	// found.
	ErrTooManyEvents = errors.New("the body holds too many events")
	// ErrTooManyBytes is returned for a small body whose events are large, as each of
	// them has a copy of what the body has once.
	ErrTooManyBytes = errors.New("the events of the body are too large together")
	// ErrNotEvents is returned for JSON that is neither an object nor an array.
	ErrNotEvents = errors.New("the body is neither an event nor a list of events; " + BodyForms)
)

// BodyForms names the forms of a body, for messages.
const BodyForms = `send one event, an array of events, {"events": [...], "sent_at": "..."}, or one event a line (NDJSON)`

// WrapperError describes an object that is not an event but holds some, in a form
// that is not read.
type WrapperError struct {
	// Member is the name of the member that holds them, as quoted text.
	Member string
	// Kind is what that member is, such as "an array".
	Kind string
}

// Error returns one sentence.
func (e *WrapperError) Error() string {
	return fmt.Sprintf("not an event: it has none of session_id, category and name, and its member %s is %s; %s", e.Member, e.Kind, BodyForms)
}

// SyntaxError describes text that is not JSON.
type SyntaxError struct {
	// Offset is the number of bytes before the fault.
	Offset int64
	// Place is where the fault is, such as " in element 2 at /data/x"; "" when
	// that is unknown, or the whole text.
	Place string
	// Reason is short and bounded.
	Reason string
}

// Error returns one sentence.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not valid JSON at byte %d%s: %s", e.Offset, e.Place, e.Reason)
}
