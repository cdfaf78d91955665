package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
)

// rowWriter takes an export apart into whole rows, so that it can go on behind the
// last one. Its parts follow each other as one export.
type rowWriter interface {
	io.Writer
	// begin begins a part: the rest of the one before is dropped.
	begin() error
	// resume prepares the query of the next part, which begins behind the last whole
	// row, or behind next, the cursor of a server that has ended the part, unless
	// that is "".
	resume(query url.Values, next string) error
	// finish ends the export.
	finish() error
	// count returns the number of events, if it is known.
	count() (events int64, known bool)
	// position changes with every row.
	position() int64
}

// newRowWriter returns the rowWriter of a format.
func newRowWriter(format string, out *exportFile) rowWriter {
	switch format {
	case api.FormatCSV:
		return &csvRows{out: out}
	case api.FormatParquet:
		return &parquetRows{out: out}
	}
	return &jsonRows{out: out}
}

// rowCursor is the cursor behind an event: see GET /v1/export.
func rowCursor(timestamp, application, eventID string) string {
	return timestamp + "/" + application + "/" + eventID
}

// jsonRows writes lines.
type jsonRows struct {
	out    *exportFile
	buf    []byte
	last   []byte // the last line with an event
	events int64
}

var endOfLines = []byte(`{"_end":`)

// Write implements io.Writer.
func (r *jsonRows) Write(p []byte) (int, error) {
	r.buf = append(r.buf, p...)
	whole := r.buf[:bytes.LastIndexByte(r.buf, '\n')+1]
	if len(whole) == 0 {
		return len(p), nil
	}
	lines := whole
	start := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	if bytes.HasPrefix(whole[start:], endOfLines) {
		lines = whole[:start] // the end of all parts is written at last
	}
	if len(lines) > 0 {
		if _, err := r.out.Write(lines); err != nil {
			return 0, err
		}
		r.events += int64(bytes.Count(lines, []byte{'\n'}))
		r.last = append(r.last[:0], lines[bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1:]...)
	}
	r.buf = r.buf[:copy(r.buf, r.buf[len(whole):])]
	return len(p), nil
}

func (r *jsonRows) begin() error {
	r.buf = r.buf[:0]
	return nil
}

func (r *jsonRows) resume(query url.Values, next string) error {
	if next == "" && r.events > 0 {
		var e api.Event
		if err := json.Unmarshal(r.last, &e); err != nil {
			return fmt.Errorf("read the last event: %w", err)
		}
		next = rowCursor(e.Timestamp.String(), e.Application, e.EventID)
	}
	setParameter(query, "cursor", next)
	return nil
}

func (r *jsonRows) finish() error {
	line, err := json.Marshal(api.ExportEnd{End: true, Events: r.events})
	if err == nil {
		_, err = r.out.Write(append(line, '\n'))
	}
	return err
}

func (r *jsonRows) count() (int64, bool) { return r.events, true }
func (r *jsonRows) position() int64      { return r.events }

// csvRows writes records.
type csvRows struct {
	out *exportFile
	buf []byte
	// scanned is how much of buf is looked at, and quoted that it ends within a
	// quoted cell.
	scanned      int
	quoted       bool
	header, last []byte
	// skipHeader is set at the beginning of a later part.
	skipHeader bool
	events     int64
}

// Write implements io.Writer.
func (r *csvRows) Write(p []byte) (int, error) {
	r.buf = append(r.buf, p...)
	start := 0
	for ; r.scanned < len(r.buf); r.scanned++ {
		switch c := r.buf[r.scanned]; {
		case c == '"':
			r.quoted = !r.quoted
		case c == '\n' && !r.quoted:
			end := r.scanned + 1
			if err := r.takeRecord(r.buf[start:end]); err != nil {
				return 0, err
			}
			start = end
		}
	}
	r.buf = r.buf[:copy(r.buf, r.buf[start:])]
	r.scanned = len(r.buf)
	return len(p), nil
}

// takeRecord writes one record, unless it is a header that is there already or says
// that the part is not whole.
func (r *csvRows) takeRecord(record []byte) error {
	switch {
	case r.header == nil:
		r.header = slices.Clone(record)
	case r.skipHeader:
		r.skipHeader = false
		if !bytes.Equal(record, r.header) {
			return &writeError{errors.New("a later part has other columns")}
		}
		return nil
	case bytes.HasPrefix(record, []byte(api.ExportIncomplete+",next_cursor,")):
		return nil
	default:
		r.events++
		r.last = append(r.last[:0], record...)
	}
	_, err := r.out.Write(record)
	return err
}

func (r *csvRows) begin() error {
	r.buf, r.scanned, r.quoted = r.buf[:0], 0, false
	r.skipHeader = r.header != nil
	return nil
}

// resume asks for the columns of the header, since those of the first events of the
// next part may be others.
func (r *csvRows) resume(query url.Values, next string) error {
	fixed := len(api.ExportColumns())
	names := splitRecord(string(r.header))
	if len(names) > fixed+1 {
		query.Set("columns", strings.Join(names[fixed:len(names)-1], ","))
	}
	if cells := splitRecord(string(r.last)); next == "" && len(cells) > fixed {
		next = rowCursor(cells[5], cells[1], strings.TrimPrefix(cells[0], "'"))
	}
	setParameter(query, "cursor", next)
	return nil
}

// splitRecord returns the cells of a record. Package encoding/csv would take a CR LF
// within a cell for a line break, and an id may have one.
func splitRecord(record string) (cells []string) {
	record = strings.TrimSuffix(record, "\r\n")
	for record != "" {
		var cell string
		if !strings.HasPrefix(record, `"`) {
			cell, record, _ = strings.Cut(record, ",")
			cells = append(cells, cell)
			continue
		}
		for strings.HasPrefix(record, `"`) {
			var piece string
			piece, record, _ = strings.Cut(record[1:], `"`)
			cell += piece
			if strings.HasPrefix(record, `"`) {
				cell += `"` // a doubled one
			}
		}
		cells = append(cells, cell)
		record = strings.TrimPrefix(record, ",")
	}
	return cells
}

func (*csvRows) finish() error          { return nil }
func (r *csvRows) count() (int64, bool) { return r.events, true }
func (r *csvRows) position() int64      { return r.events }

// parquetRows writes a file, which has its index at its end: it cannot go on, and
// begins again.
type parquetRows struct{ out *exportFile }

func (r *parquetRows) Write(p []byte) (int, error)   { return r.out.Write(p) }
func (r *parquetRows) begin() error                  { return r.out.truncate() }
func (*parquetRows) resume(url.Values, string) error { return nil }
func (*parquetRows) finish() error                   { return nil }
func (*parquetRows) count() (int64, bool)            { return 0, false }
func (*parquetRows) position() int64                 { return 0 }
