package columns

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// maxNesting bounds the depth of objects and arrays that are read. Events nest less.
const maxNesting = 128

var (
	errSyntax = errors.New("data is no JSON object")
	errNested = errors.New("data is nested too deep")
)

// scanner reads the JSON of a document's data. The stores keep only valid JSON; the
// scanner refuses text that it cannot follow, and leaves finer checks to filter.ParseValue,
// which sees every distinct value but text.
type scanner struct {
	text []byte
	at   int
	// buffer holds the last text that had escapes.
	buffer []byte
}

// skipSpace moves to the next character that is no space and returns it, 0 at the end.
func (s *scanner) skipSpace() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// skipByte reads one character behind spaces.
func (s *scanner) skipByte(c byte) error {
	if s.skipSpace() != c {
		return errSyntax
	}
	s.at++
	return nil
}

// readText reads a string. The result is valid until the next call.
func (s *scanner) readText() ([]byte, error) {
	if s.skipSpace() != '"' {
		return nil, errSyntax
	}
	start := s.at
	// Most texts are short and have no escapes.
	for i := start + 1; i < len(s.text); i++ {
		if c := s.text[i]; c == '"' {
			s.at = i + 1
			return s.text[start+1 : i], nil
		} else if c == '\\' {
			break
		}
	}
	if err := s.skipText(); err != nil {
		return nil, err
	}
	var err error
	s.buffer, err = jsontext.AppendUnquote(s.buffer[:0], s.text[start:s.at])
	return s.buffer, err
}

// skipText moves behind a string that begins here.
func (s *scanner) skipText() error {
	for i := s.at + 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '"':
			s.at = i + 1
			return nil
		case '\\':
			i++
		}
	}
	return errSyntax
}

// readRaw reads any value but text and returns its JSON.
func (s *scanner) readRaw() ([]byte, error) {
	c := s.skipSpace()
	start := s.at
	var err error
	if c == '[' || c == '{' {
		err = s.skipNested()
	} else {
		err = s.skipLiteral()
	}
	return s.text[start:s.at], err
}

// skipNested moves behind an array or an object.
func (s *scanner) skipNested() error {
	depth := 0
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case '[', '{':
			if depth++; depth > maxNesting {
				return errNested
			}
		case ']', '}':
			if depth--; depth == 0 {
				s.at++
				return nil
			}
		case '"':
			if err := s.skipText(); err != nil {
				return err
			}
			continue
		}
		s.at++
	}
	return errSyntax
}

// skipLiteral moves behind a number, true, false or null.
func (s *scanner) skipLiteral() error {
	start := s.at
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			if s.at == start {
				return errSyntax
			}
			return nil
		}
		s.at++
	}
	return errSyntax
}
