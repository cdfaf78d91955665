package native

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// whitespace is what JSON allows between tokens.
const whitespace = " \t\r\n"

// Limits that the walk met. They stay inside: whyNot words them.
var (
	errTooDeep = errors.New("too deep")
	errNumber  = errors.New("number out of range")
	errKeys    = errors.New("too many keys")
	errValues  = errors.New("too many values")
)

func refuse(code, format string, args ...any) *event.Refusal {
	return &event.Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// whyNot words the refusal of the event whose walk ended with err. Text that is
// not JSON at all is told first, whatever was met before: the second, lenient
// reading says so. It runs for refused events alone.
func (s *scanner) whyNot(err error) *event.Refusal {
	syntax := checkSyntax(s.raw)
	switch {
	case syntax.err != nil:
		return refuse(event.CodeInvalidJSON, "%s", describe(syntax.err))
	case syntax.kind != '{':
		return refuseKind(syntax.kind)
	case errors.Is(err, errTooDeep):
		return refuse(event.CodeTooDeep, "%s nests %s levels; %d are allowed", s.member(), syntax.levels(), event.MaxDepth)
	case errors.Is(err, errKeys):
		return refuse(event.CodeTooLarge, "the event has more than %d keys", event.MaxKeys)
	case errors.Is(err, errValues):
		return refuse(event.CodeTooLarge, "the event has more than %d values", event.MaxValues)
	case errors.Is(err, errNumber):
		return refuse(event.CodeNumberOutOfRange, "the number that ends at byte %d is out of range: at most %d bytes, an exponent within %d, a value that a double can hold",
			s.dec.InputOffset(), event.MaxNumberBytes, event.MaxExponent)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return refuse(event.CodeDuplicateKey, "%s stands twice in one object", duplicate(err))
	}
	return refuse(event.CodeInvalidText, "the text%s is not valid UTF-8, or escapes half of a surrogate pair", after(err))
}

// member names the member of the event that is being read, where its name is
// fit to be shown.
func (s *scanner) member() string {
	for i, last := int32(1), int32(len(s.nodes)); i < last; {
		value := &s.nodes[i+1]
		if value.next == 0 { // still open
			if name := s.text(i); len(name) <= 40 && printable(name) {
				return string(name)
			}
			break
		}
		i = value.next
	}
	return "a member"
}

// printable reports whether b is visible ASCII alone.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

// syntax is what a lenient reading of a text finds.
type syntax struct {
	kind  jsontext.Kind // of the value
	depth int           // of nesting below the value's own level
	deep  bool          // nests more than the parser follows; depth is what it did
	err   error         // why it is not one JSON value
}

func (x syntax) levels() string {
	if x.deep {
		return fmt.Sprintf("more than %d", x.depth)
	}
	return fmt.Sprint(x.depth)
}

// maxParserDepth is the nesting that jsontext follows; one level more is an
// error there.
const maxParserDepth = 10_000

// checkSyntax reads text for its grammar alone: duplicate names and bad UTF-8
// pass. It walks tokens, so memory does not grow with the nesting.
func checkSyntax(text []byte) syntax {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text), lenientOptions...)
	x := syntax{kind: dec.PeekKind()}
	for {
		_, err := dec.ReadToken()
		depth := dec.StackDepth()
		if err != nil {
			if x.deep = depth == maxParserDepth && isOpening(dec.UnreadBuffer()); !x.deep {
				x.err = noEOF(err)
			}
			return x
		}
		x.depth = max(x.depth, depth-1)
		if depth == 0 {
			break
		}
	}
	if rest := bytes.TrimLeft(dec.UnreadBuffer(), whitespace); len(rest) > 0 {
		x.err = &event.SyntaxError{Offset: int64(len(text) - len(rest)), Reason: "something follows the value"}
	}
	return x
}

// isOpening reports whether the next token of an unread buffer opens a
// container, which at the parser's deepest level is the one thing it refuses.
func isOpening(unread []byte) bool {
	unread = bytes.TrimLeft(unread, whitespace+",:")
	return len(unread) > 0 && (unread[0] == '[' || unread[0] == '{')
}

// noEOF turns the end of the text, which is no error to a decoder of streams,
// into one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// describe words a parser's error in one bounded sentence.
func describe(err error) string {
	return asSyntaxError(err).Error()
}

// duplicate quotes the name that stands twice, bounded.
func duplicate(err error) string {
	var e *jsontext.SyntacticError
	if errors.As(err, &e) {
		if name := e.JSONPointer.LastToken(); len(name) <= 40 {
			return fmt.Sprintf("the key %q", name)
		}
	}
	return "a key"
}

// after says where err happened.
func after(err error) string {
	var e *jsontext.SyntacticError
	if errors.As(err, &e) {
		return fmt.Sprintf(" after byte %d", e.ByteOffset)
	}
	return ""
}

// refuseKind refuses a value that is no object.
func refuseKind(kind jsontext.Kind) *event.Refusal {
	return refuse(event.CodeNotObject, "an event is an object, not %s", kindName(kind))
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 'n':
		return "null"
	}
	return "a boolean"
}

// maxReason bounds what a parser's error may echo of the text.
const maxReason = 160

func asSyntaxError(err error) *event.SyntaxError {
	var own *event.SyntaxError
	if errors.As(err, &own) {
		return own
	}
	var e *jsontext.SyntacticError
	if !errors.As(err, &e) {
		return &event.SyntaxError{Reason: "the text ends too early"}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &event.SyntaxError{Offset: e.ByteOffset, Reason: "the text ends too early"}
	}
	reason := strings.ToValidUTF8(e.Err.Error(), "?")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	return &event.SyntaxError{Offset: e.ByteOffset, Reason: reason}
}
