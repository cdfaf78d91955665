package native

import (
	"bytes"
	"errors"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// maxSentAt is the limit of event.Batch.SentAt, in bytes.
const maxSentAt = 64

// Split splits a request body: one event, an array of events, an object with an
// array `events` (and none of session_id, category and name), or NDJSON. A body
// that is one JSON value is never NDJSON. Any other body is NDJSON when ndjson is
// set, or when its first line alone is a complete object; then every line that is
// not blank is an item, and a broken line is refused alone.
//
// Split checks grammar only: duplicate keys and invalid UTF-8 inside an event are
// left to Inspect, which refuses that event alone. A byte order mark before the
// body is skipped. The work is linear in the
// body, the memory is one Item an event, at most maxEvents. The items alias body.
func Split(body []byte, ndjson bool, maxEvents int) (event.Batch, error) {
	if rest, marked := bytes.CutPrefix(body, byteOrderMark); marked {
		b, err := splitText(rest, ndjson, maxEvents)
		var syntax *event.SyntaxError
		if errors.As(err, &syntax) {
			syntax.Offset += int64(len(byteOrderMark))
		}
		return b, err
	}
	return splitText(body, ndjson, maxEvents)
}

// byteOrderMark is the mark with which some editors and libraries start UTF-8.
var byteOrderMark = []byte("\xEF\xBB\xBF")

// splitText is Split for a body without byte order mark.
func splitText(body []byte, ndjson bool, maxEvents int) (event.Batch, error) {
	if isBlank(body) {
		return event.Batch{}, event.ErrEmptyBody
	}
	if isUTF16(body) {
		return event.Batch{}, &event.SyntaxError{Reason: "the body is in UTF-16; JSON is sent in UTF-8"}
	}
	p := newSplitter(body, maxEvents)
	defer p.returnToPool()
	w, err := p.readFirstValue()
	if errors.Is(err, event.ErrTooManyEvents) {
		return event.Batch{}, err
	}
	rest := body[p.inputOffset():]
	if err == nil && isBlank(rest) {
		return w.toBatch(p)
	}
	if ndjson || err == nil && w.aloneOnLine(rest) {
		return p.splitLines()
	}
	if err == nil {
		rest = bytes.TrimLeft(rest, whitespace)
		err = &event.SyntaxError{Offset: int64(len(body) - len(rest)), Reason: "something follows the value"}
	}
	return event.Batch{}, bodyError(err, body)
}

// isBlank reports whether b holds only white space.
func isBlank(b []byte) bool { return len(bytes.TrimLeft(b, whitespace)) == 0 }

// isUTF16 reports whether a body is in UTF-16. It must not be empty.
func isUTF16(body []byte) bool {
	return bytes.HasPrefix(body, []byte("\xFE\xFF")) || bytes.HasPrefix(body, []byte("\xFF\xFE")) ||
		body[0] == 0 || len(body) > 1 && body[1] == 0
}

// splitter splits one body. One goroutine uses it at a time; it is reused
// through a pool.
type splitter struct {
	body   []byte
	source bytes.Buffer
	dec    jsontext.Decoder
	max    int
	items  []event.Item
}

var splitters = sync.Pool{New: func() any { return new(splitter) }}

// newSplitter returns a splitter for a body, from the pool where it has one. The
// caller must return it.
func newSplitter(body []byte, maxEvents int) *splitter {
	p, _ := splitters.Get().(*splitter)
	p.body, p.max, p.items = body, maxEvents, nil
	p.setInput(body)
	return p
}

// setInput makes the decoder read text from its beginning.
func (p *splitter) setInput(text []byte) {
	p.source = *bytes.NewBuffer(text)
	p.dec.Reset(&p.source, lenientOptions...)
}

// returnToPool drops the splitter's references to the body. The caller must not
// use it afterwards.
func (p *splitter) returnToPool() {
	p.body, p.items = nil, nil
	p.setInput(nil)
	splitters.Put(p)
}

// inputOffset is the number of bytes read of the input.
func (p *splitter) inputOffset() int { return int(p.dec.InputOffset()) }

// splitLines splits the body as NDJSON: every line that is not blank is an item.
func (p *splitter) splitLines() (event.Batch, error) {
	p.items = nil
	for rest := p.body; len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		line = bytes.Trim(line, whitespace)
		if len(line) == 0 {
			continue
		}
		if len(p.items) >= p.max {
			return event.Batch{}, event.ErrTooManyEvents
		}
		p.addLine(line)
	}
	return event.Batch{Items: p.items}, nil
}

// addLine adds the item of one line. A line that is not one complete JSON value
// is refused.
func (p *splitter) addLine(line []byte) {
	p.setInput(line)
	kind := p.dec.PeekKind()
	err := p.dec.SkipValue()
	if err == nil && p.inputOffset() == len(line) {
		p.addItem(line[:len(line):len(line)], kind)
		return
	}
	p.addItem(line[:len(line):len(line)], '{')
	p.items[len(p.items)-1].Refusal = refuseLine(checkSyntax(line), line)
}

// refuseLine returns the refusal of a line with a syntax fault.
func refuseLine(x syntaxReport, line []byte) *event.Refusal {
	if x.deep {
		return refuse(event.CodeTooDeep, "the line nests %s levels; %d are allowed", x.levelCount(), event.MaxDepth)
	}
	return refuse(event.CodeInvalidJSON, "%s", describeSyntax(x.err, line))
}
