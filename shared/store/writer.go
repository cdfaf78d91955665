package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// WriteResult is the effect of the write rule on a document.
type WriteResult uint8

// The effects of the write rule.
const (
	// Inserted: the id was free.
	Inserted WriteResult = iota + 1
	// Replaced: the document replaced an older outcome or a later copy of the
	// same content.
	Replaced
	// Unchanged: the same content is held, and the document is no improvement.
	Unchanged
	// Conflict: another content holds the id; the document is kept as rejected.
	Conflict
	// Unstorable: the database will never take the document; the event is
	// kept as rejected with its original bytes.
	Unstorable
	// Expired: past its retention already, not written.
	Expired
)

// String returns the name that metrics and logs use.
func (r WriteResult) String() string {
	names := [...]string{"pending", "inserted", "replaced", "unchanged", "conflict", "unstorable", "expired"}
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("WriteResult(%d)", uint8(r))
}

// WriterConfig configures a Writer.
type WriterConfig struct {
	// Backend is the database. Required.
	Backend Backend
	// Now is the clock by which documents expire; nil is time.Now.
	Now func() time.Time
	// Alarm is called, if set, with every failure that is not classified and
	// every refusal of the database that cannot be believed. It must not block
	// and may be called concurrently.
	Alarm func(error)
}

// Writer applies the write rule. It is safe for concurrent use.
type Writer struct {
	backend Backend
	now     func() time.Time
	alarm   func(error)
	// mostlyHeld says that most ids of the last bulk were held, as in a replay.
	// It decides only whether holders are read before the insertion, never a
	// result.
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

// Write applies the write rule to every document. It returns one result a
// document, in the order given, or an error of class ErrUnavailable or
// ErrConfiguration; then any part may have been written, and writing the same
// documents again is safe and completes them.
//
// Documents with the same id and the same content count once: the one that
// Supersedes the others is written, the others are Unchanged. Bulks are sorted
// and bounded (1,000 documents, 16 MiB), whatever the number of docs.
func (w *Writer) Write(ctx context.Context, docs []*Document) ([]WriteResult, error) {
	results := make([]WriteResult, len(docs))
	pending := w.collectPending(docs, results)
	for len(pending) > 0 {
		n := bulkLen(pending)
		if err := w.writeBulk(ctx, pending[:n]); err != nil {
			return nil, w.classifyFailure(ctx, err)
		}
		for _, e := range pending[:n] {
			results[e.index] = e.result
		}
		pending = pending[n:]
	}
	return results, nil
}

// classifyFailure ensures that a caller sees one of the two classes, and that
// every unknown failure raises an alarm.
func (w *Writer) classifyFailure(ctx context.Context, err error) error {
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
