package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
)

// Bounds of one request. The collector takes as many events, and twice the
// bytes.
const (
	maxBatchLines = 1000
	maxBatchBytes = 4 << 20
	// maxLine is what is held of a line, in bytes. No longer one is an event.
	maxLine = event.MaxBytes + 64<<10
)

// batch is what one request carries.
type batch struct {
	// seq counts the batches, from 0.
	seq int64
	// body is a JSON array of the events, and lines the line of each.
	body  []byte
	lines []int64
	// refused are the lines that the collector would refuse.
	refused []refusal
	// last is the last line that was read for it, and size the bytes of all.
	last, size int64
}

func (b *batch) empty() bool { return b.size == 0 }

func (b *batch) full() bool {
	return len(b.lines)+len(b.refused) >= maxBatchLines ||
		len(b.body)+event.MaxBytes+len(",]") > maxBatchBytes || b.size >= maxBatchBytes
}

// add puts a line into the batch, as an event or as refused.
func (b *batch) add(number int64, line []byte) {
	if _, r := native.Inspect(line); r != nil {
		b.refuse(number, r.Code, r.Message)
		return
	}
	separator := byte(',')
	if len(b.lines) == 0 {
		separator = '['
	}
	b.body = append(append(b.body, separator), line...)
	b.lines = append(b.lines, number)
}

func (b *batch) refuse(number int64, code, message string) {
	b.refused = append(b.refused, refusal{number, code, message})
}

// batcher makes batches of lines. Lines that are no events stay here, by the
// rules of the collector: so what is sent is an array whose elements the answer
// counts as they are counted here.
type batcher struct {
	in   *bufio.Reader
	skip int64
	line int64 // that was read last
	seq  int64
	err  error // that ended the input; it is told after the last batch
}

func newBatcher(in io.Reader, skip int64) *batcher {
	return &batcher{in: bufio.NewReaderSize(in, maxLine), skip: skip}
}

// next returns the next batch, or io.EOF behind the last one. It does not wait
// for a batch to be full: what is there when the input pauses is a batch.
func (r *batcher) next() (*batch, error) {
	b := &batch{seq: r.seq}
	for r.err == nil && !b.full() && (b.empty() || r.ready()) {
		r.read(b)
	}
	if b.empty() {
		return nil, r.err
	}
	r.seq++
	b.last = r.line
	if len(b.lines) > 0 {
		b.body = append(b.body, ']')
	}
	return b, nil
}

// ready reports whether a whole line is at hand. At the end of the input there
// is none, and the rest is a batch.
func (r *batcher) ready() bool {
	held, _ := r.in.Peek(r.in.Buffered()) // never more than there is
	return bytes.IndexByte(held, '\n') >= 0
}

// read puts one line into b. The text is valid until the next read.
func (r *batcher) read(b *batch) {
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
			r.err = invalid{fmt.Errorf("read line %d: %w", r.line+1, err)}
			return // half a line is none
		}
		if len(text) == 0 && !long {
			return
		}
	}
	r.line++
	if r.line == 1 {
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	}
	text = bytes.Trim(text, " \t\r\n")
	switch {
	case r.line <= r.skip:
	case long:
		b.refuse(r.line, event.CodeTooLarge, fmt.Sprintf("the line has more than %d bytes; an event has at most %d", maxLine, event.MaxBytes))
	case len(text) > 0:
		b.add(r.line, text)
	}
}
