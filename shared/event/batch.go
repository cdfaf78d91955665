package event

import (
	"errors"
	"fmt"
)

// Errors of a request body that cannot be split into events. The fourth is
// *SyntaxError.
var (
	// ErrEmptyBody is returned for a body that holds only white space.
	ErrEmptyBody = errors.New("the body is empty")
	// ErrEmptyBatch is returned for an array, or a batch, without events.
	ErrEmptyBatch = errors.New("the batch holds no events")
	// ErrTooManyEvents is returned as soon as one event more than allowed is
	// found.
	ErrTooManyEvents = errors.New("the body holds too many events")
	// ErrNotEvents is returned for JSON that is neither an object nor an array.
	ErrNotEvents = errors.New("the body is neither an event nor a list of events")
)

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

// SyntaxError describes text that is not JSON.
type SyntaxError struct {
	// Offset is the number of bytes before the fault.
	Offset int64
	// Reason is short and bounded.
	Reason string
}

// Error returns one sentence.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not valid JSON at byte %d: %s", e.Offset, e.Reason)
}
