package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// WriteResult says what the write rule did with a document.
type WriteResult uint8

// What can become of a document.
const (
	// Inserted: nobody held the id.
	Inserted WriteResult = iota + 1
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

// String returns the outcome's name as metrics and logs use it.
func (o WriteResult) String() string {
	names := [...]string{"pending", "inserted", "replaced", "unchanged", "conflict", "unstorable", "expired"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// WriterConfig says what a Writer writes to.
type WriterConfig struct {
	// Backend is the database. Required.
	Backend Backend
	// Now tells which documents are past their retention; nil is time.Now.
	Now func() time.Time
	// Alarm is called, if set, with every failure that nobody has classified
	// and every refusal of the database that cannot be believed. It must not
	// block and may be called concurrently.
	Alarm func(error)
}

// Writer applies the write rule. It is safe for concurrent use.
type Writer struct {
	backend Backend
	now     func() time.Time
	alarm   func(error)
	// mostlyHeld says that most ids of the last bulk were held, as in a
	// replay. It decides only what is asked first, never an outcome.
	mostlyHeld atomic.Bool
}

// NewWriter returns a Writer. It panics without a Backend.
func NewWriter(cfg WriterConfig) *Writer {
	if cfg.Backend == nil {
		panic("store.NewWriter: no Backend")
	}
	w := &Writer{backend: cfg.Backend, now: cfg.Now, alarm: cfg.Alarm}
	if w.now == nil {
		w.now = time.Now
	}
	if w.alarm == nil {
		w.alarm = func(error) {}
	}
	return w
}

// Write brings every document to its outcome. It returns one Outcome a
// document, in the order given, or an error of class ErrUnavailable or
// ErrConfiguration; then any part may have been written, and writing the same
// documents again is safe and completes them.
//
// Documents with the same id and the same content count once: the one that
// Supersedes the others is written, the others are Unchanged. Bulks are sorted
// and bounded (1,000 documents, 16 MiB), whatever the number of docs.
func (w *Writer) Write(ctx context.Context, docs []*Document) ([]WriteResult, error) {
	outcomes := make([]WriteResult, len(docs))
	pending := w.pend(docs, outcomes)
	for len(pending) > 0 {
		n := bulkLen(pending)
		if err := w.settle(ctx, pending[:n]); err != nil {
			return nil, w.classify(ctx, err)
		}
		for _, e := range pending[:n] {
			outcomes[e.index] = e.outcome
		}
		pending = pending[n:]
	}
	return outcomes, nil
}

// classify makes sure that a caller sees one of the two classes, and that
// nothing unknown stays silent.
func (w *Writer) classify(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("write documents: %w: %w", ErrUnavailable, cause)
	}
	switch {
	case errors.Is(err, ErrUnknown):
		w.alarm(err)
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrConfiguration):
	default:
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
		w.alarm(err)
	}
	return fmt.Errorf("write documents: %w", err)
}
