package native

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// firstValue is the first JSON value of a body.
type firstValue struct {
	kind jsontext.Kind
	raw  []byte
	// typed is set for an object with a member that only an event has. events
	// is the number of its arrays named `events`. Both decide whether the
	// object is a batch.
	typed  bool
	events int
	// over is set when such an array holds too many events.
	over   bool
	sentAt string
	// wrapper is set for an object with a member that holds events in a form that
	// is not read.
	wrapper *event.WrapperError
}

// readFirstValue reads the first value of the body. The items of an array, or of
// an object that may be a batch, are collected in the same pass.
func (p *splitter) readFirstValue() (firstValue, error) {
	w := firstValue{kind: p.dec.PeekKind()}
	var err error
	switch w.kind {
	case '[':
		_, err = p.readElements()
	case '{':
		err = p.readObject(&w)
	default:
		err = p.dec.SkipValue()
	}
	if err != nil {
		return w, err
	}
	w.raw = p.rawSince(0)
	return w, nil
}

// rawSince returns the bytes of the value that was read from offset on, without
// the white space and the comma before it.
func (p *splitter) rawSince(offset int) []byte {
	raw := p.body[offset:p.inputOffset()]
	for raw[0] == ' ' || raw[0] == '\n' || raw[0] == '\r' || raw[0] == '\t' || raw[0] == ',' {
		raw = raw[1:]
	}
	return raw[:len(raw):len(raw)] // append must not write into the next event
}

// readObject reads an object that is either an event or a batch.
func (p *splitter) readObject(w *firstValue) error {
	if _, err := p.dec.ReadToken(); err != nil {
		return err
	}
	for p.dec.PeekKind() != '}' {
		name, err := p.dec.ReadValue()
		if err != nil {
			return err
		}
		end := p.inputOffset()
		if err := p.readMember(w, p.body[end-len(name):end]); err != nil {
			return err
		}
	}
	_, err := p.dec.ReadToken()
	return err
}

// memberName returns a name without quotes and escapes. Of names without
// escapes it returns only those that readMember needs, so that no other name is
// allocated: "name" stands for all three members that only an event has, "event_id"
// for those that never hold events.
func memberName(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		name, _ := jsontext.AppendUnquote(nil, quoted) // bad text matches no name
		quoted = append(append([]byte{'"'}, name...), '"')
	}
	switch name := quoted[1 : len(quoted)-1]; string(name) {
	case "session_id", "category", "name":
		return "name"
	case "events":
		return "events"
	case "sent_at":
		return "sent_at"
	case "event_id", "timestamp", "schema_version":
		return "event_id"
	}
	return ""
}

// readMember reads the value of one member. It uses SkipValue, which reads
// tokens, because ReadValue recurses and needs stack for each level.
func (p *splitter) readMember(w *firstValue, quoted []byte) error {
	name := memberName(quoted)
	switch name {
	case "name":
		w.typed = true
	case "events":
		if !w.typed && p.dec.PeekKind() == '[' {
			w.events++
			over, err := p.readElements()
			w.over = w.over || over
			return err
		}
	case "sent_at":
		if kind := p.dec.PeekKind(); kind == '"' || kind == '0' {
			text, err := p.dec.ReadValue()
			if err == nil {
				w.sentAt = headerText(text)
			}
			return err
		}
	}
	if w.typed || w.wrapper != nil || name == "event_id" {
		return p.dec.SkipValue()
	}
	return p.noteWrapper(w, quoted)
}

// noteWrapper skips the value of a member that may hold events, and notes it if it
// does.
func (p *splitter) noteWrapper(w *firstValue, quoted []byte) error {
	kind, start := p.dec.PeekKind(), p.inputOffset()
	if err := p.dec.SkipValue(); err != nil {
		return err
	}
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name, _ = jsontext.AppendUnquote(nil, quoted)
	}
	value := bytes.TrimLeft(p.body[start:p.inputOffset()], whitespace+":")
	if isWrapper(name, kind, value) {
		w.wrapper = newWrapperError(string(name), kind)
	}
	return nil
}

// headerText returns a number, or the content of a string, that fits into a header,
// "" for any other. A number is no time, but the outcome of an event can say so.
func headerText(text []byte) string {
	text = bytes.Trim(text, `"`)
	if len(text) > maxSentAt || bytes.IndexByte(text, '\\') >= 0 || !printable(text) {
		return ""
	}
	return string(text)
}

// readElements reads an array of events into items. When there are too many it
// stops if the array is the body. Inside an object, which may still be one event,
// it skips the rest.
func (p *splitter) readElements() (over bool, err error) {
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
		start := p.inputOffset()
		if err := p.dec.SkipValue(); err != nil {
			return over, err
		}
		if !over {
			p.addItem(p.rawSince(start), kind)
		}
	}
}

// addItem appends an item of the given kind. The first item allocates for the
// number of events that the body is likely to hold.
func (p *splitter) addItem(raw []byte, kind jsontext.Kind) {
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

// toBatch returns the batch of a body that consists of this value.
func (w firstValue) toBatch(p *splitter) (event.Batch, error) {
	switch {
	case w.kind == '{' && !w.typed && w.events == 0 && w.wrapper != nil:
		return event.Batch{}, w.wrapper
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

// aloneOnLine reports whether the value is an object on a line of its own,
// followed by rest.
func (w firstValue) aloneOnLine(rest []byte) bool {
	line, _, found := bytes.Cut(rest, []byte{'\n'})
	return w.kind == '{' && found && isBlank(line) && bytes.IndexByte(w.raw, '\n') < 0
}
