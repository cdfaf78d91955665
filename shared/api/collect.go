package api

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// SentEvent is an event as a site sends it to PathEvents or PathValidate.
type SentEvent struct {
	// EventID identifies the event within its application; it is derived from
	// the content if absent.
	EventID   string         `json:"event_id,omitzero"`
	SessionID string         `json:"session_id"`
	Category  string         `json:"category"`
	Name      string         `json:"name"`
	Data      jsontext.Value `json:"data"`
	// Timestamp is RFC 3339 or YYYY-MM-DD HH:MM:SS[.ffffff] in UTC.
	Timestamp string `json:"timestamp"`
	// SchemaVersion is the revision of the schema that the site was built for.
	SchemaVersion int64 `json:"schema_version,omitzero"`
}

// AcceptResponse is the answer to POST PathEvents: every event that is not
// refused is on disk.
type AcceptResponse struct {
	Accepted int           `json:"accepted"`
	Refused  int           `json:"refused"`
	Results  []EventResult `json:"results"`
}

// ValidateResponse is the answer to POST PathValidate: the outcome that each
// event would have.
type ValidateResponse struct {
	Results []EventResult `json:"results"`
}

// EventResult is the result of one event of a request.
type EventResult struct {
	// Index is the position of the event in the request, from 0.
	Index int `json:"index"`
	// EventID is absent if the event is refused.
	EventID string `json:"event_id,omitzero"`
	// Status is StatusAccepted or StatusRefused, and of a validation
	// StatusStored, StatusRejected or StatusRefused.
	Status string `json:"status"`
	// ClockOffsetMS is by how many milliseconds a validation moves the timestamp.
	ClockOffsetMS int64 `json:"clock_offset_ms,omitzero"`
	// Code and Message say why the event is refused.
	Code    string `json:"code,omitzero"`
	Message string `json:"message,omitzero"`
	// Errors say why the event would be rejected.
	Errors []event.Fault `json:"errors,omitempty"`
	// Event is the native event that a validated event of another format became.
	Event *TranslatedEvent `json:"event,omitempty"`
}

// TranslatedEvent is what an event of another format became. Members that are invalid are
// absent.
type TranslatedEvent struct {
	SessionID string         `json:"session_id,omitzero"`
	Category  string         `json:"category,omitzero"`
	Name      string         `json:"name,omitzero"`
	Data      jsontext.Value `json:"data,omitempty"`
	// Timestamp is in RFC 3339, to the microsecond, before a correction of the clock.
	Timestamp string `json:"timestamp,omitzero"`
}

// Statuses of events: of a result, and of an event that is looked up.
const (
	StatusAccepted = "accepted"
	StatusRefused  = "refused"
	StatusStored   = "stored"
	StatusRejected = "rejected"
	// StatusPending is that of an accepted event without an outcome.
	StatusPending = "pending"
)
