package export

import (
	"io"
	"strconv"

	"github.com/theeye/theeye/queryapi/eventjson"
	"github.com/theeye/theeye/shared/store"
)

// writeSize is from how many bytes on an encoder writes.
const writeSize = 64 << 10

// ndjson writes an event a line.
type ndjson struct {
	w      io.Writer
	buf    []byte
	events int64
}

// NewNDJSON returns an encoder of one event a line, each as GET /v1/events has it.
func NewNDJSON(w io.Writer) Encoder { return &ndjson{w: w, buf: make([]byte, 0, 2*writeSize)} }

// Encode implements Encoder.
func (e *ndjson) Encode(docs []*store.Document) error {
	for _, d := range docs {
		e.buf = append(eventjson.Append(e.buf, d), '\n')
		e.events++
		if len(e.buf) >= writeSize {
			if err := e.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Flush implements Encoder.
func (e *ndjson) Flush() error {
	if len(e.buf) == 0 {
		return nil
	}
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}

// End writes the line that says how many events came before it, and where the
// export continues unless it is whole: api.ExportEnd.
func (e *ndjson) End(next string) error {
	e.buf = strconv.AppendInt(append(e.buf, `{"_end":true,"events":`...), e.events, 10)
	e.buf = append(e.buf, `,"next_cursor":`...)
	if next == "" {
		e.buf = append(e.buf, "null"...)
	} else {
		e.buf = eventjson.AppendQuoted(e.buf, next)
	}
	e.buf = append(e.buf, "}\n"...)
	return e.Flush()
}
