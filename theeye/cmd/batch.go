package cmd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// Bounds of one request. The collector accepts as many events, and twice the
// bytes.
const (
	maxBatchLines = 1000
	maxBatchBytes = 4 << 20
	// maxLineBytes bounds the memory for one line. A longer line cannot be an
	// event.
	maxLineBytes = event.MaxBytes + 64<<10
)

// batch is the content of one request.
type batch struct {
	// seq numbers the batches from 0.
	seq int64
	// body is a JSON array of the events, lines has the line number of each.
	body  []byte
	lines []int64
	// refused are the lines that the collector would refuse.
	refused []refusal
	// last is the last line that was read, size the bytes of all lines.
	last, size int64
}

func (b *batch) isEmpty() bool { return b.size == 0 }

func (b *batch) isFull() bool {
	return len(b.lines)+len(b.refused) >= maxBatchLines ||
		len(b.body)+event.MaxBytes+len(",]") > maxBatchBytes || b.size >= maxBatchBytes
}

// addLine adds a line to the events, or to the refused lines.
func (b *batch) addLine(number int64, line []byte) {
	if _, r := native.Inspect(line); r != nil {
		b.refuseLine(number, r.Code, r.Message)
		return
	}
	separator := byte(',')
	if len(b.lines) == 0 {
		separator = '['
	}
	b.body = append(append(b.body, separator), line...)
	b.lines = append(b.lines, number)
}

func (b *batch) refuseLine(number int64, code, message string) {
	b.refused = append(b.refused, refusal{number, code, message})
}

// batcher groups lines into batches. It applies the collector's rules and keeps
// back the lines that are not events; so every request is an array whose
// elements correspond to the results of its answer. Where the input is not
// NDJSON, the events of its values are counted as lines.
type batcher struct {
	in     *bufio.Reader
	values *valueReader // nil for NDJSON
	begun  bool         // the form is known
	skip   int64
	line   int64 // the number of the last line that was read
	seq    int64
	err    error // the end of the input; returned after the last batch
}

func newBatcher(in io.Reader, skip int64) *batcher {
	if open, ok := in.(input); ok {
		in = open.Reader
	}
	return &batcher{in: bufio.NewReaderSize(in, maxLineBytes), skip: skip}
}

// begin skips the mark of UTF-8, and detects how events stand in the input.
func (r *batcher) begin() {
	r.begun = true
	if detectForm(r.in) != formValues {
		return
	}
	r.values = newValueReader(r.in)
	if start, _ := r.in.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
		n, _ := r.in.Discard(len(byteOrderMark)) // it was peeked
		r.values.bound.total = int64(n)
	}
}

// unit names what the numbers of lines count.
func (r *batcher) unit() string {
	if r.values != nil {
		return "event"
	}
	return "line"
}

// byteOrderMark is that of UTF-8.
const byteOrderMark = "\uFEFF"

// nextBatch returns the next batch, or io.EOF after the last one. It does not
// wait for a full batch: when the input pauses, the lines that were read are a
// batch.
func (r *batcher) nextBatch() (*batch, error) {
	if !r.begun {
		r.begin()
	}
	b := &batch{seq: r.seq}
	for r.err == nil && !b.isFull() && (b.isEmpty() || r.hasBufferedLine()) {
		if r.values != nil {
			r.readValue(b)
		} else {
			r.readLine(b)
		}
	}
	if b.isEmpty() {
		return nil, r.err
	}
	r.seq++
	b.last = r.line
	if len(b.lines) > 0 {
		b.body = append(b.body, ']')
	}
	return b, nil
}

// hasBufferedLine reports whether a complete line can be read without waiting.
// An incomplete last line of the input becomes a batch of its own.
func (r *batcher) hasBufferedLine() bool {
	if r.values != nil {
		return r.values.hasBuffered()
	}
	buffered, _ := r.in.Peek(r.in.Buffered()) // never more than is buffered
	return bytes.IndexByte(buffered, '\n') >= 0
}

// readLine reads one line into b.
func (r *batcher) readLine(b *batch) {
	text, err := r.in.ReadSlice('\n')
	b.size += int64(len(text))
	long := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		text, err = r.in.ReadSlice('\n')
		b.size += int64(len(text))
	}
	if err != nil {
		r.err = err
		if !errors.Is(err, io.EOF) {
			r.err = usageError{fmt.Errorf("read line %d: %w", r.line+1, err)}
			return // an incomplete line is not sent
		}
		if len(text) == 0 && !long {
			return
		}
	}
	r.line++
	if r.line == 1 {
		text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	}
	text = bytes.Trim(text, " \t\r\n")
	switch {
	case r.line <= r.skip:
	case long:
		b.refuseLine(r.line, event.CodeTooLarge, fmt.Sprintf("the line has more than %d bytes; an event has at most %d", maxLineBytes, event.MaxBytes))
	case len(text) > 0:
		b.addLine(r.line, text)
	}
}

// readValue reads one event of a JSON text into b.
func (r *batcher) readValue(b *batch) {
	value, size, err := r.values.nextEvent()
	b.size += size
	if err != nil {
		r.err = err
		return
	}
	if r.line++; r.line > r.skip {
		b.addLine(r.line, value)
	}
}

// refusal is a refused line.
type refusal struct {
	Line    int64  `json:"line"`
	Code    string `json:"code"`
	Message string `json:"message"`
}
