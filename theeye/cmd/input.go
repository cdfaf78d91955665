package cmd

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/encoding/unicode"
)

// openInput opens a file of events, or standard input for "-", decompresses gzip
// and decodes UTF-16. size is 0 if it is unknown. Closing standard input does
// nothing.
func openInput(name string) (in io.ReadCloser, size int64, err error) {
	f := os.Stdin
	if name != "-" {
		if f, err = openFile(name); err != nil {
			return nil, 0, err
		}
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, 0, usageError{errors.Join(err, f.Close())}
	case info.IsDir():
		return nil, 0, usageError{errors.Join(fmt.Errorf("%s is a folder", name), f.Close())}
	case info.Mode().IsRegular():
		size = info.Size()
	}
	text, same, err := decodeInput(f)
	if err != nil {
		return nil, 0, usageError{errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())}
	}
	if !same {
		size = 0
	}
	if name == "-" {
		return input{text, io.NopCloser(nil)}, size, nil
	}
	return input{text, f}, size, nil
}

// input is a file with the reader of its text.
type input struct {
	*bufio.Reader
	io.Closer
}

// decodeInput returns the UTF-8 text of an input that may be compressed by gzip
// and be in UTF-16, with or without a byte order mark. same reports whether it is
// the input itself.
func decodeInput(in io.Reader) (text *bufio.Reader, same bool, err error) {
	r, same := bufio.NewReaderSize(in, maxLineBytes), true
	// At the end of a short input Peek returns what there is.
	if start, _ := r.Peek(2); string(start) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return nil, false, fmt.Errorf("decompress: %w", err)
		}
		r, same = bufio.NewReaderSize(fillingReader{unzipped}, maxLineBytes), false
	}
	start, _ := r.Peek(2)
	order := unicode.LittleEndian
	switch {
	case len(start) < 2:
		return r, same, nil
	case string(start) == "\xff\xfe" || start[1] == 0 && start[0] != 0:
	case string(start) == "\xfe\xff" || start[0] == 0 && start[1] != 0:
		order = unicode.BigEndian
	default:
		return r, same, nil
	}
	decoded := fillingReader{unicode.UTF16(order, unicode.UseBOM).NewDecoder().Reader(r)}
	return bufio.NewReaderSize(decoded, maxLineBytes), false, nil
}

// fillingReader fills the whole buffer, as a file does: batches end where the
// input pauses, and a decoder has no pauses of its own.
type fillingReader struct{ in io.Reader }

func (r fillingReader) Read(p []byte) (int, error) {
	n, err := io.ReadFull(r.in, p)
	if errors.Is(err, io.ErrUnexpectedEOF) && n > 0 {
		// The end, or a cut input: the next read says which.
		err = nil
	}
	return n, err
}

// form is how events stand in an input.
type form int

const (
	// formLines is an event a line: NDJSON. A line that is no event is refused,
	// and the others are sent.
	formLines form = iota
	// formValues is any sequence of JSON values, over any number of lines: events,
	// arrays of events and {"events": […]}.
	formValues
)

// detectForm reads ahead, at most to the end of the second line, and decides.
func detectForm(in *bufio.Reader) form {
	first, second := peekLines(in)
	switch {
	case len(first) == 0:
		return formLines
	case first[0] == '[':
		// Of an array in one line the others can be lines: those are values, too.
		rest := bytes.TrimLeft(first[1:], " \t")
		if len(rest) == 0 || rest[0] == '{' || rest[0] == ']' {
			return formValues
		}
	case first[0] != '{':
	case jsontext.Value(first).IsValid():
		if isEnvelope(first) {
			return formValues
		}
	case isPrefixOfObject(first) && (len(second) == 0 || second[0] == '"' || second[0] == '}'):
		return formValues
	case isSeveralValues(first):
		return formValues
	}
	return formLines
}

// peekLines returns the first two lines that are not blank, trimmed, without
// consuming them. What does not fit into the buffer of in is cut.
func peekLines(in *bufio.Reader) (first, second []byte) {
	for {
		text, _ := in.Peek(in.Buffered())
		whole := bytes.TrimPrefix(text, []byte("\uFEFF"))
		lines := bytes.SplitAfter(whole, []byte("\n"))
		first, second = nil, nil
		for _, line := range lines {
			complete := bytes.HasSuffix(line, []byte("\n"))
			line = bytes.TrimSpace(line)
			switch {
			case len(line) == 0:
			case first == nil && complete:
				// A complete event needs no second line, which may not be there yet.
				if first = line; jsontext.Value(line).IsValid() {
					return first, nil
				}
			case first != nil:
				return first, line
			}
		}
		if _, err := in.Peek(in.Buffered() + 1); err != nil { // the end, or a full buffer
			if first == nil {
				first = bytes.TrimSpace(whole)
			}
			return first, second
		}
	}
}

// isPrefixOfObject reports whether text can be continued to a JSON object.
func isPrefixOfObject(text []byte) bool {
	_, err := lenientDecoder(bytes.NewReader(text)).ReadValue()
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// isSeveralValues reports whether text is a sequence of at least two JSON values.
func isSeveralValues(text []byte) bool {
	d := lenientDecoder(bytes.NewReader(text))
	for n := 0; ; n++ {
		if _, err := d.ReadValue(); err != nil {
			return n > 1 && errors.Is(err, io.EOF)
		}
	}
}

// isEnvelope reports whether text begins with an object whose member events is an
// array and that is no event itself.
func isEnvelope(text []byte) bool {
	d := lenientDecoder(bytes.NewReader(text))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return false
	}
	for {
		name, err := d.ReadToken()
		if err != nil || name.Kind() != '"' {
			return false
		}
		switch name.String() {
		case memberEvents:
			return d.PeekKind() == '['
		case "category", "name", "session_id", "data":
			return false
		}
		if d.SkipValue() != nil {
			return false
		}
	}
}

// memberEvents is the member of an envelope that holds the events.
const memberEvents = "events"

// lenientDecoder returns a decoder that leaves it to the rules of events whether
// names may repeat and text may be invalid.
func lenientDecoder(r io.Reader) *jsontext.Decoder {
	return jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// valueReader reads the events of formValues.
type valueReader struct {
	bound *boundedReader
	dec   *jsontext.Decoder
	// events counts the events that were read, taken the bytes.
	events, taken int64
	inArray       bool
	inEnvelope    bool
}

func newValueReader(in io.Reader) *valueReader {
	bound := &boundedReader{in: in}
	return &valueReader{bound: bound, dec: lenientDecoder(bound)}
}

// errLongValue is the error of a value that cannot be an event.
var errLongValue = fmt.Errorf("is longer than %d bytes", maxLineBytes)

// boundedReader bounds the bytes that are read for one value.
type boundedReader struct {
	in    io.Reader
	left  int
	total int64 // the bytes that were read
}

// Read reads at most as many bytes as are left.
func (r *boundedReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errLongValue
	}
	n, err := r.in.Read(p[:min(len(p), r.left)])
	r.left -= n
	r.total += int64(n)
	return n, err
}

// nextEvent returns the next event, valid until the next call, and how many bytes
// of the input it took; io.EOF after the last one.
func (r *valueReader) nextEvent() (value []byte, size int64, err error) {
	for {
		r.bound.left = maxLineBytes
		value, err = r.step()
		size = r.dec.InputOffset() - r.taken
		switch {
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !r.inArray && !r.inEnvelope:
			return nil, r.bound.total - r.taken, io.EOF
		case err != nil:
			return nil, 0, usageError{fmt.Errorf("event %d: %w", r.events+1, explainSyntax(err))}
		case value != nil:
			r.taken += size
			r.events++
			return value, size, nil
		}
	}
}

// explainSyntax returns an error of a decoder in the words of a refusal.
func explainSyntax(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errLongValue):
		return errLongValue
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("not valid JSON: the text ends too early")
	case errors.As(err, &syntax):
		return fmt.Errorf("not valid JSON at byte %d: %w", syntax.ByteOffset, syntax.Err)
	}
	return err
}

// step reads one event, or what stands around events: then value is nil.
func (r *valueReader) step() (value []byte, err error) {
	kind := r.dec.PeekKind()
	switch {
	case r.inArray && kind == ']':
		r.inArray = false
		_, err = r.dec.ReadToken()
	case r.inEnvelope && !r.inArray:
		r.inEnvelope = kind != '}'
		_, err = r.dec.ReadToken() // a name, or the end
		if err == nil && r.inEnvelope {
			r.inArray = false
			err = r.dec.SkipValue()
		}
	case !r.inArray && kind == '[':
		r.inArray = true
		_, err = r.dec.ReadToken()
	case !r.inArray && kind == '{' && isEnvelope(r.dec.UnreadBuffer()):
		r.inEnvelope = true
		err = r.enterEnvelope()
	default:
		value, err = r.dec.ReadValue()
	}
	return value, err
}

// enterEnvelope reads up to the first event of an envelope.
func (r *valueReader) enterEnvelope() error {
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	for {
		name, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		if name.String() == memberEvents {
			r.inArray = true
			_, err = r.dec.ReadToken()
			return err
		}
		if err := r.dec.SkipValue(); err != nil {
			return err
		}
	}
}

// hasBuffered reports whether a value begins in the bytes that were read ahead.
func (r *valueReader) hasBuffered() bool {
	return len(bytes.TrimLeft(r.dec.UnreadBuffer(), " \t\r\n,")) > 0
}
