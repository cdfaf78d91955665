package foreign

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// lenient are the options by which a body is read around its events: the faults
// inside an event are found when it is inspected.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// EachMember visits the members of an object: the name as text and as it is quoted, and
// the value as JSON, which aliases text. The quoted name is valid during the visit. Anything but one object is an *event.SyntaxError, as
// are the errors that visit does not return.
func EachMember(text []byte, visit func(name string, quoted, value []byte) error) error {
	return walk(text, '{', func(dec *jsontext.Decoder) error {
		quoted, err := dec.ReadValue()
		if err != nil {
			return syntaxError(dec, err)
		}
		quoted = bytes.Clone(quoted)
		name, _ := jsontext.AppendUnquote(nil, quoted) // a name with bad text is no known one
		value, err := readValue(dec, text)
		if err != nil {
			return err
		}
		return visit(string(name), quoted, value)
	})
}

// EachElement visits the elements of an array as JSON, which aliases text. Errors are
// those of EachMember.
func EachElement(text []byte, visit func(value []byte) error) error {
	return walk(text, '[', func(dec *jsontext.Decoder) error {
		value, err := readValue(dec, text)
		if err != nil {
			return err
		}
		return visit(value)
	})
}

func walk(text []byte, open jsontext.Kind, next func(*jsontext.Decoder) error) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text), lenient...)
	if kind := dec.PeekKind(); kind != open && kind != jsontext.KindInvalid {
		return &event.SyntaxError{Reason: "an object or an array is expected here, and there is another value"}
	}
	if _, err := dec.ReadToken(); err != nil {
		return syntaxError(dec, err)
	}
	for kind := dec.PeekKind(); kind != '}' && kind != ']'; kind = dec.PeekKind() {
		if err := next(dec); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return syntaxError(dec, err)
	}
	if rest := bytes.TrimLeft(text[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return &event.SyntaxError{Offset: int64(len(text) - len(rest)), Reason: "something follows the value"}
	}
	return nil
}

// readValue reads a value. SkipValue reads tokens; ReadValue would need stack for
// each level.
func readValue(dec *jsontext.Decoder, text []byte) ([]byte, error) {
	start := dec.InputOffset()
	if err := dec.SkipValue(); err != nil {
		return nil, syntaxError(dec, err)
	}
	value := bytes.TrimLeft(text[start:dec.InputOffset()], " \t\r\n,:")
	return value[:len(value):len(value)], nil
}

func syntaxError(dec *jsontext.Decoder, _ error) error {
	return &event.SyntaxError{Offset: dec.InputOffset(), Reason: "the text is broken here, or ends too early"}
}

// HeaderText returns the content of a JSON string that fits into a header of a message
// as the time of sending, or is short enough for a write key; "" for any other value.
func HeaderText(value []byte) string {
	const most = 64 // of event.Batch.SentAt
	if len(value) < 2 || len(value) > len(`\u0000`)*most || value[0] != '"' {
		return ""
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil || len(text) > most {
		return ""
	}
	for _, c := range text {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return string(text)
}
