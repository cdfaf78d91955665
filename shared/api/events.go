package api

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// Event is an event with its outcome. Of a rejected event only the valid
// members are present. A client decodes a PendingEvent into an Event as well.
type Event struct {
	EventID     string `json:"event_id"`
	Application string `json:"application"`
	SessionID   string `json:"session_id,omitzero"`
	Category    string `json:"category,omitzero"`
	Name        string `json:"name,omitzero"`
	// Data keeps every digit of its numbers.
	Data      jsontext.Value `json:"data,omitzero"`
	Timestamp Time           `json:"timestamp,omitzero"`
	// ClockOffsetMS is by how many milliseconds Timestamp was moved, because the
	// clock of the client was wrong.
	ClockOffsetMS int64 `json:"clock_offset_ms,omitzero"`
	ReceivedAt    Time  `json:"received_at"`
	// Status is StatusStored or StatusRejected.
	Status      string `json:"status"`
	ContentHash string `json:"content_hash"`
	Origin      Origin `json:"origin"`
	// Revision is the registry revision that decided the outcome.
	Revision uint64 `json:"revision"`
	// SchemaVersion is the revision of the schema that validated the event,
	// SentSchemaVersion the one that the event names.
	SchemaVersion     int64 `json:"schema_version,omitzero"`
	SentSchemaVersion int64 `json:"sent_schema_version,omitzero"`
	ExpiresAt         Time  `json:"expires_at,omitzero"`
	// Errors and Original belong to a rejected event: the reasons, and the
	// bytes as received. OriginalEncoding is EncodingBase64 where they are not
	// UTF-8, else absent.
	Errors           []event.Fault `json:"errors,omitempty"`
	Original         string        `json:"original,omitzero"`
	OriginalEncoding string        `json:"original_encoding,omitzero"`
	// GapSeconds is the time since the event before, in a Timeline alone; null for its
	// first event.
	GapSeconds *float64 `json:"gap_seconds,omitzero"`
}

// PendingEvent is an accepted event without an outcome.
type PendingEvent struct {
	EventID     string `json:"event_id"`
	Application string `json:"application"`
	ReceivedAt  Time   `json:"received_at"`
	// Status is StatusPending.
	Status string `json:"status"`
	Origin Origin `json:"origin"`
}

// EncodingBase64 is the value of Event.OriginalEncoding.
const EncodingBase64 = "base64"

// Origin is the position of an event's message: the creation time of the
// stream in microseconds since 1970, and the sequence.
type Origin struct {
	Epoch int64  `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// Page is a page of events of GET PathEvents and GET PathRejected. E is Event,
// or jsontext.Value for a client that passes events on as they were answered.
type Page[E any] struct {
	Events     []E    `json:"events"`
	NextCursor Cursor `json:"next_cursor"`
}

// Session is the summary of one session.
type Session struct {
	SessionID  string `json:"session_id"`
	First      Time   `json:"first"`
	Last       Time   `json:"last"`
	DurationMS int64  `json:"duration_ms"`
	Count      int64  `json:"count"`
	// Entry and Exit are the first and the last event; null if it expired
	// while the session was read.
	Entry *EventSummary `json:"entry"`
	Exit  *EventSummary `json:"exit"`
}

// EventSummary names an event and its type.
type EventSummary struct {
	EventID     string `json:"event_id"`
	Application string `json:"application"`
	Category    string `json:"category"`
	Name        string `json:"name"`
	Timestamp   Time   `json:"timestamp"`
}

// Timeline is the answer to GET SessionPath: the summary of the whole session,
// and a page of its events in order of occurrence.
type Timeline[E any] struct {
	Session
	Page[E]
}

// SessionPage is a page of the answer to GET PathSessions.
type SessionPage struct {
	Sessions []SessionSummary `json:"sessions"`
	// From and To are the range that the answer covers, of event times, AsOf the
	// time from which on events may be missing. Times of days are in TZ.
	From       Time   `json:"from,omitzero"`
	To         Time   `json:"to,omitzero"`
	TZ         string `json:"tz"`
	AsOf       Time   `json:"as_of"`
	NextCursor Cursor `json:"next_cursor"`
}

// SessionSummary has the figures of one whole session of an application.
type SessionSummary struct {
	SessionID   string `json:"session_id"`
	Application string `json:"application"`
	First       Time   `json:"first"`
	Last        Time   `json:"last"`
	DurationMS  int64  `json:"duration_ms"`
	Count       int64  `json:"count"`
	// Entry and Exit are the types of the first and the last event.
	Entry EventType `json:"entry"`
	Exit  EventType `json:"exit"`
	// Types counts the events by type, the largest first. TypesOmitted is the
	// number of types beyond the 100 that are listed.
	Types        []TypeCount `json:"types"`
	TypesOmitted int         `json:"types_omitted,omitzero"`
	// Matched counts the events of the category and name that were asked for.
	Matched int64 `json:"matched"`
}

// EventType names a type.
type EventType struct {
	Category string `json:"category"`
	Name     string `json:"name"`
}

// TypeCount counts the events of one type.
type TypeCount struct {
	EventType
	Count int64 `json:"count"`
}

// RejectedSummary is the answer to GET PathRejectedSummary, the largest group
// first.
type RejectedSummary struct {
	// Total counts the rejected events, each once, whatever its reasons and the
	// limit.
	Total  int64           `json:"total"`
	Groups []RejectedGroup `json:"groups"`
}

// RejectedGroup counts the rejected events of one application and type with
// one reason. Category and Name are absent for events that had no valid ones. Grouped by
// code, it has no application and no type, and its path is empty.
type RejectedGroup struct {
	Application string `json:"application,omitzero"`
	Category    string `json:"category,omitzero"`
	Name        string `json:"name,omitzero"`
	Code        string `json:"code"`
	Path        string `json:"path"`
	Count       int64  `json:"count"`
	FirstSeen   Time   `json:"first_seen"`
	LastSeen    Time   `json:"last_seen"`
	// SampleID is the event_id of one of the events.
	SampleID string `json:"sample_id"`
	// Series counts the events in 24 equal parts of the range; absent unless it was
	// asked for.
	Series []int64 `json:"series,omitempty"`
}

// TypeList is the answer to GET PathTypes: the types that were received in a
// range of received time, or are registered.
type TypeList struct {
	From Time `json:"from"`
	To   Time `json:"to"`
	// AsOf is the moment that the counts show: every event whose outcome was durable
	// before it is among them.
	AsOf  Time          `json:"as_of"`
	Types []TypeSummary `json:"types"`
	// Truncated says that there are more types.
	Truncated bool `json:"truncated,omitzero"`
}

// TypeSummary counts the outcomes of one type. Category and Name are absent for
// rejected events that had no valid ones.
type TypeSummary struct {
	Category   string `json:"category,omitzero"`
	Name       string `json:"name,omitzero"`
	Registered bool   `json:"registered"`
	// SchemaVersion is the revision of the type's newest schema.
	SchemaVersion uint64 `json:"schema_version,omitzero"`
	Stored        int64  `json:"stored"`
	Rejected      int64  `json:"rejected"`
	// ShareRejected is between 0 and 1, 0 without events.
	ShareRejected float64 `json:"share_rejected"`
	// FirstSeen and LastSeen are the earliest and the latest received time.
	FirstSeen Time `json:"first_seen,omitzero"`
	LastSeen  Time `json:"last_seen,omitzero"`
	// Series counts the events of both outcomes in 24 equal parts of the range.
	Series []int64 `json:"series"`
}

// Trace is the answer to GET TracePath: the outcome of an event, and those that
// earlier revisions gave it.
type Trace struct {
	Application string `json:"application"`
	EventID     string `json:"event_id"`
	ReceivedAt  Time   `json:"received_at"`
	Origin      Origin `json:"origin"`
	// Message is MessageKept, MessagePurged or MessageLost.
	Message string `json:"message"`
	// Outcomes start with that of the store. There are none while the event is
	// pending.
	Outcomes []TracedOutcome `json:"outcomes"`
	// OutcomesOmitted counts the replays that were not evaluated.
	OutcomesOmitted int `json:"outcomes_omitted,omitzero"`
	// Copies are other contents that were sent under the same id.
	Copies []ConflictingCopy `json:"copies,omitempty"`
}

// Values of Trace.Message: whether the stream has the message of the event.
const (
	MessageKept   = "kept"
	MessagePurged = "purged"
	MessageLost   = "lost"
)

// TracedOutcome is an outcome of an event by one registry revision.
type TracedOutcome struct {
	// Basis is BasisStore or BasisRecomputed.
	Basis         string        `json:"basis"`
	Revision      uint64        `json:"revision"`
	Status        string        `json:"status"`
	Errors        []event.Fault `json:"errors,omitempty"`
	SchemaVersion int64         `json:"schema_version,omitzero"`
	// At is when the event was received or the replay ended; of a running
	// replay, when it started.
	At Time `json:"at,omitzero"`
	// Job is the replay that produced the outcome; it may have skipped the
	// event where MayHaveTouched is set.
	Job            string `json:"job,omitzero"`
	MayHaveTouched bool   `json:"may_have_touched,omitzero"`
}

// Values of TracedOutcome.Basis: what the store holds, or what the message and
// an earlier registry revision yield.
const (
	BasisStore      = "store"
	BasisRecomputed = "recomputed"
)

// ConflictingCopy is another content that was sent under the id of an event.
type ConflictingCopy struct {
	ReceivedAt  Time   `json:"received_at"`
	Origin      Origin `json:"origin"`
	ContentHash string `json:"content_hash"`
}
