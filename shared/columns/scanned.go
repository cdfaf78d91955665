package columns

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"sort"

	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/store"
)

// maxScannedBytes bounds the distinct values of one column that is read from the store.
const maxScannedBytes = 16 << 20

// ScanFunc returns the documents of an application with from <= effective slot < to, as
// store.Marks.Scan does.
type ScanFunc func(ctx context.Context, application string, from, to int64) iter.Seq2[*store.Document, error]

// UseStore makes ScanColumn read documents by scan. It must not be called once the part
// is in use.
func (p *Part) UseStore(scan ScanFunc) { p.scan = scan }

// ScanColumn returns a field of the data that Column does not hold, from the documents
// of the store. A row whose document is no longer there, or has other times or another
// session by now, is missing: such a row is replaced, or past its expiry, soon. The error
// is ErrNotHeld where the part has no store, and for values that are over MaxValues or
// together over a bound of memory.
func (p *Part) ScanColumn(ctx context.Context, f filter.Field) (*Column, error) {
	if p.scan == nil || f.Name != filter.Data {
		return nil, fmt.Errorf("%w: %s of %s", ErrNotHeld, f, p.key)
	}
	return loadDerived(ctx, p, "scanned "+f.String(), func() (*Column, error) {
		c, err := p.scanColumn(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("field %s of %s from the store: %w", f, p.key, err)
		}
		return c, nil
	})
}

func (p *Part) scanColumn(ctx context.Context, f filter.Field) (*Column, error) {
	finder, err := p.newRowFinder(ctx)
	if err != nil || p.slots.countSlots() == 0 {
		return newResolver(f.Path.Many(), p.rows).column(), err
	}
	r := newResolver(f.Path.Many(), p.rows)
	r.codes = make([]uint32, p.rows)
	known, size := len(r.values), 0
	offsets, day := p.slots.offsets, p.key.FirstSlot()
	for d, err := range p.scan(ctx, p.key.Application, day+int64(offsets[0]), day+int64(offsets[len(offsets)-1])+1) {
		if err != nil {
			return nil, err
		}
		row, ok := finder.findRow(d)
		if !ok {
			continue
		}
		e := filter.Event{Data: d.Data}
		if r.codes[row], err = r.codeOf(e.Values(f)); err != nil {
			return nil, err
		}
		for ; known < len(r.values); known++ {
			if r.values[known], err = spellCanonically(r.values[known]); err != nil {
				return nil, err
			}
			// A value stands in the column, and spelled as a key beside it.
			size += 2 * valueSize(r.values[known])
		}
		if size > maxScannedBytes {
			return nil, fmt.Errorf("%w: the distinct values take more than %d bytes", ErrNotHeld, maxScannedBytes)
		}
	}
	return r.column(), ctx.Err()
}

// spellCanonically returns an equal value in the spelling of columns, which shares no
// memory with the document.
func spellCanonically(v filter.Value) (filter.Value, error) {
	if text, ok := v.TextValue(); ok {
		return filter.Text(string([]byte(text))), nil
	}
	return filter.ParseValue([]byte(v.Key()))
}

// rowFinder finds the rows of stored documents.
type rowFinder struct {
	part       *Part
	sessions   *Sessions
	timestamps *Times
	eventIDs   *Texts
}

func (p *Part) newRowFinder(ctx context.Context) (*rowFinder, error) {
	f := &rowFinder{part: p}
	var err error
	if f.sessions, err = p.Sessions(ctx); err != nil {
		return nil, err
	}
	if f.timestamps, err = p.Timestamps(ctx); err != nil {
		return nil, err
	}
	f.eventIDs, err = p.EventIDs(ctx)
	return f, err
}

// findRow returns the row of a stored document in a slot of the part.
func (f *rowFinder) findRow(d *store.Document) (int, bool) {
	if d.Status != store.Stored || !f.part.slots.hasOffset(d.EffectiveSlot()-f.part.key.FirstSlot()) {
		return 0, false
	}
	session, err := parseSession(d)
	if err != nil {
		return 0, false
	}
	i, ok := slices.BinarySearchFunc(f.sessions.IDs, session, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	if !ok {
		return 0, false
	}
	// Rows of a session are in the order of timestamps and ids.
	first, n := int(f.sessions.First[i]), int(f.sessions.First[i+1]-f.sessions.First[i])
	timestamp, id := timestampOf(d), []byte(d.EventID)
	at, ok := sort.Find(n, func(j int) int {
		switch row := first + j; {
		case timestamp < f.timestamps.TimeAt(row):
			return -1
		case timestamp > f.timestamps.TimeAt(row):
			return 1
		default:
			return bytes.Compare(id, f.eventIDs.At(row))
		}
	})
	return first + at, ok
}
