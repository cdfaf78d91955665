package export

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/queryapi/eventjson"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query/filter"
	"github.com/theeye/theeye/shared/spreadsheet"
	"github.com/theeye/theeye/shared/store"
)

// csv writes an event a row, by RFC 4180. A text that a spreadsheet would take for a
// formula gets an apostrophe in front.
type csv struct {
	w    io.Writer
	data *splitter
	buf  []byte
	// rest is the object of column data_rest, text one unquoted text.
	rest, text []byte
}

// NewCSV returns an encoder of a header and a row an event: the columns
// api.ExportColumns, those of data, and data_rest with an object of the values that
// have none. A text stands as it is, any other value as JSON, nothing for a missing
// one.
func NewCSV(w io.Writer, columns *Columns) Encoder {
	e := &csv{w: w, buf: make([]byte, 0, 2*writeSize)}
	e.data = newSplitter(columns, e.addRest)
	for _, name := range slices.Concat(api.ExportColumns(), columns.names) {
		e.buf = append(appendCell(e.buf, name), ',')
	}
	e.buf = append(e.buf, api.ColumnDataRest+"\r\n"...)
	return e
}

// Encode implements Encoder.
func (e *csv) Encode(docs []*store.Document) error {
	for _, d := range docs {
		e.appendRow(d)
		if len(e.buf) >= writeSize {
			if err := e.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *csv) appendRow(d *store.Document) {
	for _, text := range []string{d.EventID, d.Application, d.SessionID, d.Category, d.Name} {
		e.buf = append(appendText(e.buf, text), ',')
	}
	e.buf = append(appendInstant(e.buf, d.Timestamp), ',')
	e.buf = append(appendInstant(e.buf, d.ReceivedAt), ',')
	if d.SchemaVersion != 0 {
		e.buf = strconv.AppendInt(e.buf, d.SchemaVersion, 10)
	}
	e.buf = append(e.buf, ',')
	e.rest = e.rest[:0]
	e.data.split(d.Data)
	for _, v := range e.data.cells {
		e.buf = append(e.appendValue(e.buf, v), ',')
	}
	if len(e.rest) > 0 {
		e.rest = append(e.rest, '}')
		e.buf = appendCell(e.buf, string(e.rest))
	}
	e.buf = append(e.buf, "\r\n"...)
}

// addRest adds a value to the object of column data_rest.
func (e *csv) addRest(path filter.Path, v jsontext.Value) {
	separator := byte(',')
	if len(e.rest) == 0 {
		separator = '{'
	}
	e.rest = append(e.rest, separator)
	e.rest = eventjson.AppendQuoted(e.rest, filter.Field{Name: filter.Data, Path: path}.String())
	e.rest = append(append(e.rest, ':'), v...)
}

// appendValue appends the cell of a value of data.
func (e *csv) appendValue(b []byte, v jsontext.Value) []byte {
	if v.Kind() != '"' {
		return appendCell(b, string(v))
	}
	e.text, _ = jsontext.AppendUnquote(e.text[:0], v) // valid, as the store returned it
	return appendText(b, string(e.text))
}

// Flush implements Encoder.
func (e *csv) Flush() error {
	if len(e.buf) == 0 {
		return nil
	}
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}

// End implements Encoder. An export that is not whole ends with a row of three
// fields, with which no reader that counts fields takes it for whole.
func (e *csv) End(next string) error {
	if next != "" {
		e.buf = append(e.buf, api.ExportIncomplete+",next_cursor,"+next+"\r\n"...)
	}
	return e.Flush()
}

// appendText appends the cell of a text.
func appendText(b []byte, text string) []byte { return appendCell(b, spreadsheet.GuardText(text)) }

// appendCell appends a cell, in quotes where it needs them. An empty text is an
// empty cell, as a missing one.
func appendCell(b []byte, cell string) []byte {
	if !strings.ContainsAny(cell, ",\"\r\n") && cell != "" && cell[0] != ' ' && cell[len(cell)-1] != ' ' || cell == "" {
		return append(b, cell...)
	}
	b = append(b, '"')
	for {
		before, after, found := strings.Cut(cell, `"`)
		b = append(b, before...)
		if !found {
			return append(b, '"')
		}
		b = append(b, `""`...)
		cell = after
	}
}

func appendInstant(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return append(b, event.FormatTime(t)...)
}
