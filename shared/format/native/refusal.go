package native

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// whitespace is what JSON allows between tokens.
const whitespace = " \t\r\n"

// Limits that an event exceeds. They are not returned to callers:
// explainRefusal words them.
var (
	errTooDeep = errors.New("too deep")
	errNumber  = errors.New("number out of range")
	errKeys    = errors.New("too many keys")
	errValues  = errors.New("too many values")
)

// refuse formats a refusal.
func refuse(code, format string, args ...any) *event.Refusal {
	return &event.Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// explainRefusal returns the refusal of an event whose reading ended with err.
// It reads the text again, leniently: text that is not JSON at all is reported
// as such, whichever fault was met first. It runs for refused events only.
func (s *scanner) explainRefusal(err error) *event.Refusal {
	syntax := checkSyntax(s.raw)
	switch {
	case syntax.err != nil:
		return refuse(event.CodeInvalidJSON, "%s", describeSyntax(syntax.err, s.raw))
	case syntax.kind != '{':
		return refuseKind(syntax.kind)
	case errors.Is(err, errTooDeep):
		return refuse(event.CodeTooDeep, "%s nests %s levels; %d are allowed", s.openMemberName(), syntax.levelCount(), event.MaxDepth)
	case errors.Is(err, errKeys):
		return refuse(event.CodeTooLarge, "the event has more than %d keys", event.MaxKeys)
	case errors.Is(err, errValues):
		return refuse(event.CodeTooLarge, "the event has more than %d values", event.MaxValues)
	case errors.Is(err, errNumber):
		return refuse(event.CodeNumberOutOfRange, "the number at %s %s", boundPlace(s.dec.StackPointer()), event.ExplainNumber(s.number))
	case errors.Is(err, jsontext.ErrDuplicateName):
		pointer := pointerOf(err)
		return refuseDuplicate(pointer.LastToken(), boundPlace(pointer.Parent()))
	}
	return refuse(event.CodeInvalidText, "the text%s is not valid UTF-8", s.describeInvalid(err))
}

// refuseDuplicate returns the refusal of an object that has a name twice.
func refuseDuplicate(name, object string) *event.Refusal {
	if object == "" {
		object = "the event"
	}
	return refuse(event.CodeDuplicateKey, "the key %s stands twice in %s", quoteName(name), object)
}

// maxQuoted bounds a quoted name, in bytes.
const maxQuoted = 40

// quoteName quotes a name for a message, cut if it is long.
func quoteName(name string) string {
	if len(name) > maxQuoted {
		return strconv.Quote(strings.ToValidUTF8(name[:maxQuoted], "")) + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(name, "\uFFFD"))
}

// maxPlace bounds a JSON pointer in a message, in bytes.
const maxPlace = 120

// boundPlace returns a JSON pointer for a message, cut if it is long.
func boundPlace(pointer jsontext.Pointer) string {
	if len(pointer) > maxPlace {
		pointer = jsontext.Pointer(strings.ToValidUTF8(string(pointer[:maxPlace]), "")) + "…"
	}
	return string(pointer)
}

// pointerOf returns the place of a parser's error, "" for other errors.
func pointerOf(err error) jsontext.Pointer {
	var e *jsontext.SyntacticError
	if errors.As(err, &e) {
		return e.JSONPointer
	}
	return ""
}

// openMemberName returns the name of the event's member that is being read, or
// "a member" if its name is long or not printable.
func (s *scanner) openMemberName() string {
	for i, last := int32(1), int32(len(s.nodes)); i < last; {
		value := &s.nodes[i+1]
		if value.next == 0 { // still open
			if name := s.tokenText(i); len(name) <= 40 && printable(name) {
				return string(name)
			}
			break
		}
		i = value.next
	}
	return "a member"
}

// printable reports whether b is not empty and holds only printable ASCII.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

// syntaxReport is the result of a lenient reading of a text.
type syntaxReport struct {
	kind  jsontext.Kind // of the value
	depth int           // of the nesting below the value's own level
	deep  bool          // the nesting exceeds the parser's limit, depth is that limit
	err   error         // why the text is not one JSON value
}

// levelCount returns depth as text.
func (x syntaxReport) levelCount() string {
	if x.deep {
		return fmt.Sprintf("more than %d", x.depth)
	}
	return fmt.Sprint(x.depth)
}

// maxParserDepth is the nesting limit of jsontext: one level more is an error.
const maxParserDepth = 10_000

// checkSyntax checks the grammar of text, but neither duplicate names nor UTF-8.
// It reads tokens, so memory does not grow with the nesting.
func checkSyntax(text []byte) syntaxReport {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text), lenientOptions...)
	x := syntaxReport{kind: dec.PeekKind()}
	for {
		_, err := dec.ReadToken()
		depth := dec.StackDepth()
		if err != nil {
			if x.deep = depth == maxParserDepth && isOpening(dec.UnreadBuffer()); !x.deep {
				x.err = asUnexpectedEOF(err)
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

// isOpening reports whether the next token of an unread buffer opens a container.
// At the nesting limit of the parser every other token is allowed.
func isOpening(unread []byte) bool {
	unread = bytes.TrimLeft(unread, whitespace+",:")
	return len(unread) > 0 && (unread[0] == '[' || unread[0] == '{')
}

// asUnexpectedEOF replaces io.EOF, with which a decoder of streams reports a
// regular end, by io.ErrUnexpectedEOF.
func asUnexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// describeSyntax describes a parser's error in text in one bounded sentence.
func describeSyntax(err error, text []byte) string {
	e := asSyntaxError(err, text)
	if pointer := pointerOf(err); pointer != "" {
		e.Place = " at " + boundPlace(pointer)
	}
	return e.Error()
}

// describeInvalid says where the bytes stop to be UTF-8. err is the decoder's, which
// may have stopped earlier, at half of a surrogate pair.
func (s *scanner) describeInvalid(err error) string {
	valid := 0
	for valid < len(s.raw) {
		r, size := utf8.DecodeRune(s.raw[valid:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		valid += size
	}
	var e *jsontext.SyntacticError
	if !errors.As(err, &e) || e.JSONPointer == "" || e.ByteOffset != int64(valid) {
		return fmt.Sprintf(" after byte %d", valid)
	}
	return fmt.Sprintf(" after byte %d, at %s,", valid, boundPlace(e.JSONPointer))
}

// refuseKind returns the refusal of a value that is not an object.
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
	case '{':
		return "an object"
	}
	return "a boolean"
}
