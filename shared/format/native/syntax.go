package native

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// maxReason is the limit of a parser's error text, which quotes its input, in
// bytes.
const maxReason = 160

// asSyntaxError converts a parser's error in text to the error of a body.
func asSyntaxError(err error, text []byte) *event.SyntaxError {
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
	if reason := explainSyntax(text, int(e.ByteOffset)); reason != "" {
		return &event.SyntaxError{Offset: e.ByteOffset, Reason: reason}
	}
	reason := strings.ToValidUTF8(e.Err.Error(), "?")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	return &event.SyntaxError{Offset: e.ByteOffset, Reason: reason}
}

// bodyError returns the error of a body that is not JSON. The place of a fault in a
// list is the index of its element and the place in there.
func bodyError(err error, body []byte) *event.SyntaxError {
	e := asSyntaxError(err, body)
	if reason := explainBody(body); reason != "" && e.Offset <= 1 {
		e.Reason = reason
	}
	pointer := pointerOf(err)
	if pointer == "" {
		return e
	}
	list := bytes.HasPrefix(bytes.TrimLeft(body, whitespace), []byte{'['})
	if rest, ok := strings.CutPrefix(string(pointer), "/events/"); ok {
		pointer, list = jsontext.Pointer("/"+rest), true
	}
	if !list {
		e.Place = " at " + boundPlace(pointer)
		return e
	}
	index, inside, found := strings.Cut(string(pointer[1:]), "/")
	e.Place = fmt.Sprintf(" in element %s (counted from 0)", index)
	if found {
		e.Place = fmt.Sprintf(" in element %s (counted from 0) at %s", index, boundPlace(jsontext.Pointer("/"+inside)))
	}
	return e
}

// foreignBodies are the beginnings of bodies in other formats.
var foreignBodies = []struct {
	start  *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`^(eyJ|eyA|ewo|W3s|Wwo|WyB)[A-Za-z0-9+/_-]+=*\s*$`), "the body is in base64; send JSON as it is"},
	{regexp.MustCompile(`^--[^\r\n]{1,70}\r?\n`), "the body is a multipart form; send JSON"},
	{regexp.MustCompile(`^[A-Za-z0-9_.~%+\[\]-]{1,200}=`), "the body is a form; send JSON"},
	{regexp.MustCompile(`^x[\x01^\x{FFFD}]`), "the body is compressed with zlib (deflate); send it as it is, or compressed with gzip"},
	{regexp.MustCompile(`^<`), "the body is XML or HTML; send JSON"},
	{regexp.MustCompile(`^\[object [A-Za-z]+\]`), "the body is the text that JavaScript makes of an object; send JSON.stringify(event)"},
	{regexp.MustCompile(`^(undefined|NaN)\s*$`), "the body is a value of JavaScript that JSON does not have; send an event"},
	{regexp.MustCompile(`^[A-Za-z$_][A-Za-z0-9$_.]*\s*\(`), "the body is a call of a function (JSONP); send JSON alone"},
}

// explainBody names the format of a body that does not start as JSON, "" when it is
// unknown.
func explainBody(body []byte) string {
	start := bytes.TrimLeft(body, whitespace)
	start = start[:min(len(start), 256)]
	for _, f := range foreignBodies {
		if f.start.Match(start) {
			return f.reason
		}
	}
	if r, size := utf8.DecodeRune(start); r < ' ' || r == utf8.RuneError && size == 1 {
		return "the body is binary; send JSON, plain or compressed with gzip"
	}
	return ""
}

// foreignValues are texts where JSON has a value or a name, each with its cure.
var foreignValues = []struct {
	start  *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`^\x{FEFF}`), "a byte order mark stands at the beginning of the body alone"},
	{regexp.MustCompile(`^[+-]?(NaN|nan|Infinity|inf)\b`), "NaN and Infinity are not JSON; send null or a string"},
	{regexp.MustCompile(`^undefined\b`), "undefined is not JSON; leave the member out or send null"},
	{regexp.MustCompile(`^(None|nil|NULL|Null)\b`), "null is written in lower case"},
	{regexp.MustCompile(`^(True|False|TRUE|FALSE)\b`), "true and false are written in lower case"},
	{regexp.MustCompile("^['`‘’“”]"), messageQuotes},
	{regexp.MustCompile(`^(//|/\*|#)`), "JSON has no comments"},
	{regexp.MustCompile(`^\+[0-9]`), "a number has no plus sign"},
	{regexp.MustCompile(`^-?\.[0-9]`), "a number starts with a digit, as in 0.5"},
	{regexp.MustCompile(`^,\s*[\]}]`), "a comma stands before the closing bracket"},
	{regexp.MustCompile(`^,`), "a value is missing between two commas"},
}

const messageQuotes = `strings and names stand in double quotes (")`

// bareName is a name of a member without quotes.
var bareName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*\s*:`)

// explainSyntax names the mistake in the text at an offset, "" when it is unknown
// and the parser's own words must do.
func explainSyntax(text []byte, offset int) string {
	if offset >= len(text) {
		return ""
	}
	rest := text[offset:]
	if offset > 0 && (text[offset-1] == '-' || text[offset-1] == '+') {
		rest = text[offset-1:]
	}
	rest = rest[:min(len(rest), 64)]
	for _, f := range foreignValues {
		if f.start.Match(rest) {
			return f.reason
		}
	}
	before := bytes.TrimRight(text[:offset], whitespace)
	switch {
	case len(before) == 0:
		return ""
	case before[len(before)-1] == ',' && (rest[0] == ']' || rest[0] == '}'):
		return "a comma stands before the closing bracket"
	case strings.IndexByte("{,", before[len(before)-1]) >= 0 && bareName.Match(rest):
		return messageQuotes
	case before[len(before)-1] == '0' && rest[0] >= '0' && rest[0] <= '9' && len(before) == offset:
		return "a number has no leading zeros; send such text as a string"
	case rest[0] < ' ' && rest[0] != 0:
		return fmt.Sprintf("a control character in a string is escaped, as in \\u%04x", rest[0])
	}
	return ""
}
