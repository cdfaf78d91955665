package store

import "context"

// Outcome says what the write rule did with a document.
type Outcome uint8

// What can become of a document.
const (
	// Inserted: nobody held the id.
	Inserted Outcome = iota + 1
	// Replaced: the document took the place of an older judgement or a later
	// copy of the same content.
	Replaced
	// Unchanged: the same content is held, and mine is no improvement.
	Unchanged
	// Conflict: another content holds the id; mine is kept as rejected.
	Conflict
	// Unstorable: the database will never take the document; the event is
	// kept as rejected with its original bytes.
	Unstorable
	// Expired: past its retention already, not written.
	Expired
)

// Writer applies the write rule. It is safe for concurrent use.
type Writer struct{ backend Backend }

// Write brings every document to its outcome. It returns one Outcome a
// document, in the order given, or an error of class ErrUnavailable or
// ErrConfiguration; then any part may have been written, and writing the same
// documents again is safe and completes them.
func (w *Writer) Write(ctx context.Context, docs []*Document) ([]Outcome, error) {
	panic("see the task")
}
