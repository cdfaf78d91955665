package native

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// whole is the first value of a body.
type whole struct {
	kind jsontext.Kind
	raw  []byte
	// typed says that an object has a member that only an event has; events
	// counts its arrays of that name. Both decide whether it is a batch.
	typed  bool
	events int
	// over says that such an array holds too many events.
	over   bool
	sentAt string
}

// whole reads the first value of the body. The items of an array, or of what
// may be a batch, are gathered on the way, so that nothing is read twice.
func (p *parser) whole() (whole, error) {
	w := whole{kind: p.dec.PeekKind()}
	var err error
	switch w.kind {
	case '[':
		_, err = p.elements()
	case '{':
		err = p.object(&w)
	default:
		err = p.dec.SkipValue()
	}
	if err != nil {
		return w, err
	}
	w.raw = p.since(0)
	return w, nil
}

// since returns what was read from offset on, without what stands before the
// value.
func (p *parser) since(offset int) []byte {
	raw := p.body[offset:p.end()]
	for raw[0] == ' ' || raw[0] == '\n' || raw[0] == '\r' || raw[0] == '\t' || raw[0] == ',' {
		raw = raw[1:]
	}
	return raw[:len(raw):len(raw)] // nobody appends into the next event
}

// object reads an object that is either an event or a batch.
func (p *parser) object(w *whole) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	for p.dec.PeekKind() != '}' {
		name, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		if err := p.member(w, memberName(name)); err != nil {
			return err
		}
	}
	_, err := p.dec.ReadToken()
	return err
}

// memberName returns a name without quotes and escapes.
func memberName(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		name, _ := jsontext.AppendUnquote(nil, quoted) // bad text matches no name
		return string(name)
	}
	switch name := quoted[1 : len(quoted)-1]; string(name) {
	case "session_id", "category", "name":
		return "name"
	case "events":
		return "events"
	case "sent_at":
		return "sent_at"
	}
	return ""
}

// member reads one member's value. SkipValue walks tokens where ReadValue
// recurses: nesting then costs no stack.
func (p *parser) member(w *whole, name string) error {
	switch name {
	case "session_id", "category", "name":
		w.typed = true
	case "events":
		if !w.typed && p.dec.PeekKind() == '[' {
			w.events++
			over, err := p.elements()
			w.over = w.over || over
			return err
		}
	case "sent_at":
		if p.dec.PeekKind() == '"' {
			text, err := p.dec.ReadValue()
			if err == nil {
				w.sentAt = sentAt(text)
			}
			return err
		}
	}
	return p.dec.SkipValue()
}

// sentAt returns the content of a string that is fit for a header, else "".
func sentAt(quoted []byte) string {
	if len(quoted) > maxSentAt+2 || bytes.IndexByte(quoted, '\\') >= 0 || !printable(quoted) {
		return ""
	}
	return string(quoted[1 : len(quoted)-1])
}

// elements reads an array of events into items. With too many it stops where
// the array is the body; inside of an object, which may still turn out to be
// one event, it skips the rest.
func (p *parser) elements() (over bool, err error) {
	if _, err := p.dec.ReadToken(); err != nil {
		return false, err
	}
	isBody := p.dec.StackDepth() == 1
	for {
		kind := p.dec.PeekKind()
		if kind == ']' {
			_, err := p.dec.ReadToken()
			return over, err
		}
		if len(p.items) >= p.max {
			if over = true; isBody && kind != jsontext.KindInvalid {
				return true, event.ErrTooManyEvents
			}
		}
		start := p.end()
		if err := p.dec.SkipValue(); err != nil {
			return over, err
		}
		if !over {
			p.add(p.since(start), kind)
		}
	}
}

// add appends an item of the given kind. The first one allocates for all that
// the body is likely to hold.
func (p *parser) add(raw []byte, kind jsontext.Kind) {
	if p.items == nil {
		const usual = 256 // bytes of an event
		p.items = make([]event.Item, 0, min(p.max, len(p.body)/usual+1))
	}
	item := event.Item{Raw: raw}
	if kind != '{' {
		item.Refusal = refuseKind(kind)
	}
	p.items = append(p.items, item)
}

// batch returns the batch of a body that is this value alone.
func (w whole) batch(p *parser) (event.Batch, error) {
	switch {
	case w.kind == '{' && (w.typed || w.events == 0):
		return event.Batch{Items: []event.Item{{Raw: w.raw}}}, nil
	case w.kind != '{' && w.kind != '[':
		return event.Batch{}, event.ErrNotEvents
	case w.over:
		return event.Batch{}, event.ErrTooManyEvents
	case w.events > 1:
		return event.Batch{}, &event.SyntaxError{Reason: `the key "events" stands twice in the batch`}
	case len(p.items) == 0:
		return event.Batch{}, event.ErrEmptyBatch
	}
	return event.Batch{Items: p.items, SentAt: w.sentAt}, nil
}

// aloneOnLine reports whether the value is an object on a line of its own, with
// rest after it.
func (w whole) aloneOnLine(rest []byte) bool {
	line, _, found := bytes.Cut(rest, []byte{'\n'})
	return w.kind == '{' && found && isBlank(line) && bytes.IndexByte(w.raw, '\n') < 0
}
