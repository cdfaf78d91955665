package native

import (
	"bytes"
	"errors"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// maxSentAt bounds Batch.SentAt, in bytes.
const maxSentAt = 64

// Split takes a request body apart: one event, an array of events, an object
// with an array `events` (and none of session_id, category and name), or
// NDJSON. A body that is one JSON value is never NDJSON. Else it is when ndjson
// says so, or when its first line alone is a complete object; every line that is
// not blank is then an item, and a broken one is refused alone.
//
// Split checks grammar only: duplicate keys and bad UTF-8 inside of an event are
// left to Inspect, which refuses that event and no other. Its work is linear in
// the body, its memory one Item an event, at most maxEvents.
func Split(body []byte, ndjson bool, maxEvents int) (event.Batch, error) {
	if isBlank(body) {
		return event.Batch{}, event.ErrEmptyBody
	}
	if name := notUTF8(body); name != "" {
		return event.Batch{}, &event.SyntaxError{Reason: "the body starts as " + name + "; JSON is UTF-8 without a mark"}
	}
	p := acquire(body, maxEvents)
	defer p.release()
	w, err := p.whole()
	if errors.Is(err, event.ErrTooManyEvents) {
		return event.Batch{}, err
	}
	rest := body[p.end():]
	if err == nil && isBlank(rest) {
		return w.batch(p)
	}
	if ndjson || err == nil && w.aloneOnLine(rest) {
		return p.lines()
	}
	if err == nil {
		rest = bytes.TrimLeft(rest, whitespace)
		err = &event.SyntaxError{Offset: int64(len(body) - len(rest)), Reason: "something follows the value"}
	}
	return event.Batch{}, asSyntaxError(err)
}

func isBlank(b []byte) bool { return len(bytes.TrimLeft(b, whitespace)) == 0 }

// notUTF8 names the byte order mark, or the encoding, that a body must not
// have.
func notUTF8(body []byte) string {
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return "UTF-8 with a byte order mark"
	case bytes.HasPrefix(body, []byte("\xFE\xFF")), bytes.HasPrefix(body, []byte("\xFF\xFE")),
		body[0] == 0, len(body) > 1 && body[1] == 0:
		return "UTF-16"
	}
	return ""
}

// parser takes one body apart.
type parser struct {
	body   []byte
	source bytes.Buffer
	dec    jsontext.Decoder
	max    int
	items  []event.Item
}

var parsers = sync.Pool{New: func() any { return new(parser) }}

func acquire(body []byte, maxEvents int) *parser {
	p, _ := parsers.Get().(*parser)
	p.body, p.max, p.items = body, maxEvents, nil
	p.reset(body)
	return p
}

func (p *parser) reset(text []byte) {
	p.source = *bytes.NewBuffer(text)
	p.dec.Reset(&p.source, lenientOptions...)
}

func (p *parser) release() {
	p.body, p.items = nil, nil
	p.reset(nil)
	parsers.Put(p)
}

// end is the offset after what was read.
func (p *parser) end() int { return int(p.dec.InputOffset()) }
