package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// maxRounds bounds how often an entry is inserted. Two rounds are usual (the
// document, then its conflict form), one more strips an unstorable document; the
// rest are for holders that expire between the insertion and the read.
const maxRounds = 8

// WriterConfig configures a Writer.
type WriterConfig struct {
	// Backend is the database. Required.
	Backend Backend
	// Now is the clock by which documents expire; nil is time.Now.
	Now func() time.Time
	// WriteExpired also writes documents that have expired, which no read shows and
	// which are removed soon: for a caller that may have written them with a later
	// expiry.
	WriteExpired bool
	// Alarm is called, if set, with every failure that is not classified and
	// every refusal of the database that cannot be believed. It must not block
	// and may be called concurrently.
	Alarm func(error)
}

// Writer applies the write rule. It is safe for concurrent use.
type Writer struct {
	backend      Backend
	now          func() time.Time
	writeExpired bool
	alarm        func(error)
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
	w := &Writer{backend: cfg.Backend, now: cfg.Now, writeExpired: cfg.WriteExpired, alarm: cfg.Alarm}
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
// The slots of all documents are marked when it returns, whatever the result: an
// earlier delivery may have written a document and died before its mark. Of an
// Expired one only the conflict form has a mark, if there is one.
//
// Documents with the same id and the same content count once: the one that
// Supersedes the others is written, the others are Unchanged. Bulks are sorted
// and bounded (1,000 documents, 16 MiB), whatever the number of docs.
func (w *Writer) Write(ctx context.Context, docs []*Document) ([]WriteResult, error) {
	return w.WriteOver(ctx, docs, nil)
}

// WriteOver is Write for a caller that has read the holders of the ids of the documents,
// by Reader.Held. A document that supersedes its holder in read is replaced without
// another look; the guard of the replacement decides by the holder that is there then.
// So read may be out of date, and incomplete: it decides about the work, never about a
// result. WriteOver does not change it.
func (w *Writer) WriteOver(ctx context.Context, docs []*Document, read map[string]Held) ([]WriteResult, error) {
	results := make([]WriteResult, len(docs))
	pending := w.collectPending(docs, results)
	for len(pending) > 0 {
		n := bulkLen(pending)
		err := w.writeBulk(ctx, pending[:n], read)
		if err == nil {
			err = w.markSlots(ctx, pending[:n])
		}
		if err != nil {
			return nil, w.classifyFailure(ctx, err)
		}
		for _, e := range pending[:n] {
			results[e.index] = e.result
		}
		pending = pending[n:]
	}
	if err := w.markExpired(ctx, docs, results); err != nil {
		return nil, w.classifyFailure(ctx, err)
	}
	return results, nil
}

// collectPending returns the documents to write, sorted by id. It sets the
// results of the others: expired documents, and copies of a better document of
// this call, which need no step of their own.
func (w *Writer) collectPending(docs []*Document, results []WriteResult) []*entry {
	now := w.now()
	all := make([]entry, 0, len(docs))
	pending := make([]*entry, 0, len(docs))
	for i, d := range docs {
		if !w.writeExpired && !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now) {
			results[i] = Expired
			continue
		}
		all = append(all, entry{doc: d, index: i, faults: d.Errors})
		pending = append(pending, &all[len(all)-1])
	}
	slices.SortStableFunc(pending, byID)

	kept := pending[:0]
	first := 0 // the first entry in kept with the current id
	for _, e := range pending {
		if first < len(kept) && kept[first].doc.ID != e.doc.ID {
			first = len(kept)
		}
		same := func(k *entry) bool { return k.doc.ContentHash == e.doc.ContentHash }
		if slices.ContainsFunc(kept[first:], same) {
			results[e.index] = Unchanged
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

// writeBulk applies the write rule to one bulk of entries, sorted by id and with
// distinct contents under one id. read is what the caller has read of their holders.
func (w *Writer) writeBulk(ctx context.Context, entries []*entry, read map[string]Held) error {
	b := &bulk{backend: w.backend, next: entries}
	if len(read) > 0 {
		if err := b.replaceRead(ctx, read); err != nil || len(b.next) == 0 {
			return err
		}
	}
	if w.mostlyHeld.Load() {
		if err := b.readHoldersFirst(ctx); err != nil {
			return err
		}
	}
	defer func() { w.mostlyHeld.Store(2*b.held > len(entries)) }()
	for range maxRounds {
		if len(b.next) == 0 {
			return nil
		}
		if err := b.runRound(ctx); err != nil {
			return err
		}
	}
	if len(b.next) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d ids were alternately taken and free", ErrUnavailable, len(b.next))
}

// markSlots marks the slot of every entry that was not marked with its write.
func (w *Writer) markSlots(ctx context.Context, entries []*entry) error {
	var marks []SlotMark
	for _, e := range entries {
		if !e.marked {
			// The holder may be a copy whose delivery died before its mark.
			marks = append(marks, SlotMark{Slot{e.doc.Application, e.slot}, e.doc.Span().Join(e.held)})
		}
	}
	return w.writeMarks(ctx, marks)
}

// markExpired marks the conflict forms of expired documents that have not expired: an
// earlier delivery may have written one and died before its mark.
func (w *Writer) markExpired(ctx context.Context, docs []*Document, results []WriteResult) error {
	now := w.now()
	var ids []string
	application := make(map[string]string)
	for i, d := range docs {
		if results[i] == Expired && (d.RejectedExpiresAt.IsZero() || d.RejectedExpiresAt.After(now)) {
			id := ConflictID(d.Application, d.ContentHash, d.EventID)
			ids, application[id] = append(ids, id), d.Application
		}
	}
	slices.Sort(ids)
	for part := range slices.Chunk(slices.Compact(ids), maxBulkDocs) {
		holders, err := w.backend.Holders(ctx, part)
		if err != nil {
			return fmt.Errorf("read holders: %w", err)
		}
		var marks []SlotMark
		for id, h := range holders {
			marks = append(marks, SlotMark{Slot{application[id], h.Slot}, h.Timestamps})
		}
		if err := w.writeMarks(ctx, marks); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) writeMarks(ctx context.Context, marks []SlotMark) error {
	if len(marks) == 0 {
		return nil
	}
	if err := w.backend.Mark(ctx, JoinMarks(marks)); err != nil {
		return fmt.Errorf("mark slots: %w", err)
	}
	return nil
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
