package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// effectiveSlot is store.Document.EffectiveSlot.
const effectiveSlot = `coalesce(slot, max(received_at, 0) / 10000)`

// The statements of marks.
const (
	slotMarkStatement = `INSERT INTO slot_marks (application, slot, generation) VALUES (?1, ?2, 1)
		ON CONFLICT (application, slot) DO UPDATE SET generation = generation + 1`
	dayMarkStatement = `INSERT INTO day_marks (application, day, generation, spanned, first_us, last_us) VALUES (?1, ?2, 1, 1, ?3, ?4)
		ON CONFLICT (application, day) DO UPDATE SET generation = generation + 1, spanned = spanned + 1,
			first_us = min(coalesce(first_us, ?3), coalesce(?3, first_us)), last_us = max(coalesce(last_us, ?4), coalesce(?4, last_us))`

	dayMarkColumns    = `application, day, generation, spanned = generation, first_us, last_us`
	dayMarksStatement = `SELECT ` + dayMarkColumns + ` FROM day_marks
		WHERE application = ?1 AND day >= ?2 AND day < ?3 ORDER BY day`
	allDayMarksStatement = `SELECT ` + dayMarkColumns + ` FROM day_marks
		WHERE day >= ?1 AND day < ?2 ORDER BY application, day`
	slotMarksStatement = `SELECT slot, generation FROM slot_marks WHERE application = ?1 AND slot >= ?2 AND slot < ?3`
)

// addMark adds the mark of a document to that before it where both are of one slot: the
// documents of a bulk are nearly in the order of their received times.
func addMark(marks []store.SlotMark, d *store.Document) []store.SlotMark {
	m := store.MarkOf(d)
	if n := len(marks); n > 0 && marks[n-1].Slot == m.Slot {
		marks[n-1].Timestamps = marks[n-1].Timestamps.Join(m.Timestamps)
		return marks
	}
	return append(marks, m)
}

// Mark implements store.Backend.
func (s *Store) Mark(ctx context.Context, marks []store.SlotMark) error {
	if len(marks) == 0 {
		return nil
	}
	err := s.writer.inTransaction(ctx, func(w *writer) error { return w.markSlots(slices.Clone(marks)) })
	if err != nil {
		return fmt.Errorf("mark slots: %w", err)
	}
	return nil
}

// markSlots marks each slot, and each of their days, once. It changes marks.
func (w *writer) markSlots(marks []store.SlotMark) error {
	marks = store.JoinMarks(marks)
	for _, m := range marks {
		if _, err := w.runPrepared(slotMarkStatement, []any{m.Application, m.Number}); err != nil {
			return fmt.Errorf("mark slot: %w", err)
		}
	}
	for _, m := range store.JoinDays(marks) {
		args := []any{m.Application, m.Day(), nil, nil}
		if m.Timestamps.Some {
			args[2], args[3] = m.Timestamps.First, m.Timestamps.Last
		}
		if _, err := w.runPrepared(dayMarkStatement, args); err != nil {
			return fmt.Errorf("mark day: %w", err)
		}
	}
	return nil
}

// DayMarks implements store.Marks.
func (s *Store) DayMarks(ctx context.Context, applications []string, from, to int64) ([]store.DayMark, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	var marks []store.DayMark
	read := func(statement string, args ...any) error {
		return s.eachRow(ctx, statement, args, func(rows *sql.Rows) error {
			var m store.DayMark
			var first, last sql.NullInt64
			err := rows.Scan(&m.Application, &m.Day, &m.Generation, &m.Bounded, &first, &last)
			m.Timestamps = spanOf(first, last)
			marks = append(marks, m)
			return classify(err)
		})
	}
	var err error
	if applications == nil {
		err = read(allDayMarksStatement, from, to)
	}
	for _, a := range slices.Compact(slices.Sorted(slices.Values(applications))) {
		if err == nil {
			err = read(dayMarksStatement, a, from, to)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the marks of days: %w", err)
	}
	return marks, nil
}

// SlotMarks implements store.Marks.
func (s *Store) SlotMarks(ctx context.Context, application string, day int64) (map[int64]uint64, error) {
	ctx, cancel := s.withDeadline(ctx)
	defer cancel()
	from, to := store.SlotsOf(day)
	marks := make(map[int64]uint64)
	err := s.eachRow(ctx, slotMarksStatement, []any{application, from, to}, func(rows *sql.Rows) error {
		var slot int64
		var generation uint64
		err := rows.Scan(&slot, &generation)
		marks[slot] = generation
		return classify(err)
	})
	if err != nil {
		return nil, fmt.Errorf("read the marks of slots: %w", err)
	}
	return marks, nil
}

// scanStatement reads documents by their received time, and those by their slot that
// have one: in one statement, so from one snapshot.
var scanStatement = `SELECT ` + qualifiedColumns + ` FROM events e INDEXED BY received_v1
		WHERE e.received_at >= ?1 AND e.received_at < ?2 AND e.application = ?3 AND e.slot IS NULL
		AND (e.expires_at IS NULL OR e.expires_at > ?6)
	UNION ALL
	SELECT ` + qualifiedColumns + ` FROM events e INDEXED BY slot_v1
		WHERE e.application = ?3 AND e.slot >= ?4 AND e.slot < ?5
		AND (e.expires_at IS NULL OR e.expires_at > ?6)`

// Scan implements store.Marks.
func (s *Store) Scan(ctx context.Context, application string, from, to int64) iter.Seq2[*store.Document, error] {
	fromMS, toMS := store.ReceivedRange(from, to)
	return s.eachDocument(ctx, "scan slots", scanStatement, []any{fromMS, toMS, application, from, to, s.now().UnixMilli()})
}

// atStatement reads the stored events of one timestamp.
var atStatement = `SELECT ` + qualifiedColumns + ` FROM events e INDEXED BY application_time_v1
	WHERE e.status = 'stored' AND e.application = ?1 AND e.timestamp_us = ?2
	AND (e.expires_at IS NULL OR e.expires_at > ?3) ORDER BY e.id`

// At implements store.Marks.
func (s *Store) At(ctx context.Context, application string, timestamps []time.Time) iter.Seq2[*store.Document, error] {
	return func(yield func(*store.Document, error) bool) {
		sorted, err := store.SortTimestamps(timestamps)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, us := range sorted {
			args := []any{application, us, s.now().UnixMilli()}
			for d, err := range s.eachDocument(ctx, "read events", atStatement, args) {
				if !yield(d, err) || err != nil {
					return
				}
			}
		}
	}
}

// eachDocument runs a statement that returns whole documents, and yields them one by
// one. It ends with the first error.
func (s *Store) eachDocument(ctx context.Context, what, statement string, args []any) iter.Seq2[*store.Document, error] {
	return func(yield func(*store.Document, error) bool) {
		stopped := false
		err := s.eachRow(ctx, statement, args, func(rows *sql.Rows) error {
			d, err := scanDocument(rows)
			if err == nil && !yield(d, nil) {
				stopped, err = true, errStopped
			}
			return err
		})
		if err != nil && !stopped {
			yield(nil, fmt.Errorf("%s: %w", what, err))
		}
	}
}

// errStopped ends the reading of rows that the caller does not want any more.
var errStopped = errors.New("stopped")
