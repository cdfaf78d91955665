package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// Limits of a declaration: a schema, a policy or the keys of an application.
const (
	// MaxBytes bounds the bytes of one declaration.
	MaxBytes = 64 << 10
	// MaxDepth bounds its nesting. A schema nests two levels for each level
	// of the data.
	MaxDepth = 128
	// MaxValues bounds its values, members and array elements together.
	MaxValues = 10_000
)

// CodeInvalidDeclaration is the code of a fault in a declaration whose text is
// readable. Faults of the text itself have codes of package event.
const CodeInvalidDeclaration = "invalid_declaration"

// Read parses one declaration: strict JSON within the limits. The tree is made
// of map[string]any, []any, string, bool, nil and json.Number, where a number
// is one that event.ParseNumber takes. Unreadable text is one fault; numbers
// out of range are one fault each.
func Read(raw []byte) (any, []event.Fault) {
	if len(raw) > MaxBytes {
		return nil, []event.Fault{{
			Code:    event.CodeTooLarge,
			Message: fmt.Sprintf("the document is %d bytes long; %d are allowed", len(raw), MaxBytes),
		}}
	}
	r := reader{dec: jsontext.NewDecoder(bytes.NewReader(raw))}
	tree, err := r.readValue()
	if err == nil {
		if _, err = r.dec.ReadToken(); errors.Is(err, io.EOF) {
			return tree, r.faults
		}
		err = &event.Refusal{Code: event.CodeInvalidJSON, Message: "something follows the document"}
	}
	return nil, []event.Fault{r.syntaxFault(err)}
}

type reader struct {
	dec    *jsontext.Decoder
	values int
	faults []event.Fault
}

func (r *reader) readValue() (any, error) {
	if r.values++; r.values > MaxValues {
		return nil, &event.Refusal{Code: event.CodeTooLarge, Message: fmt.Sprintf("the document has more than %d values", MaxValues)}
	}
	switch r.dec.PeekKind() {
	case '{', '[':
		return r.readContainer()
	case '0':
		return r.readNumber()
	}
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '"':
		return token.String(), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func (r *reader) readContainer() (any, error) {
	if r.dec.StackDepth() >= MaxDepth {
		return nil, &event.Refusal{Code: event.CodeTooDeep, Message: fmt.Sprintf("the document nests more than %d levels", MaxDepth)}
	}
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	if token.Kind() == '{' {
		return r.readObject()
	}
	list := []any{}
	for r.dec.PeekKind() != ']' {
		v, err := r.readValue()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err = r.dec.ReadToken()
	return list, err
}

func (r *reader) readObject() (any, error) {
	object := map[string]any{}
	for r.dec.PeekKind() != '}' {
		token, err := r.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		if object[name], err = r.readValue(); err != nil {
			return nil, err
		}
	}
	_, err := r.dec.ReadToken()
	return object, err
}

func (r *reader) readNumber() (any, error) {
	text, err := r.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	if _, ok := event.ParseNumber(text); ok {
		return json.Number(text), nil
	}
	r.faults = append(r.faults, event.Fault{
		Code:    event.CodeNumberOutOfRange,
		Path:    string(r.dec.StackPointer()),
		Message: "the number " + event.ExplainNumber(text),
	})
	return json.Number("1"), nil
}

// syntaxFault returns the reason why the text cannot be read.
func (r *reader) syntaxFault(err error) event.Fault {
	fault := event.Fault{Code: event.CodeInvalidJSON, Path: string(r.dec.StackPointer())}
	var refusal *event.Refusal
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &refusal):
		fault.Code, fault.Message = refusal.Code, refusal.Message
	case errors.Is(err, jsontext.ErrDuplicateName):
		fault.Code, fault.Message = event.CodeDuplicateKey, "an object has the same member twice"
	case errors.As(err, &syntactic):
		fault.Message = fmt.Sprintf("not JSON from byte %d on", syntactic.ByteOffset)
	default:
		fault.Message = "the document ends too early"
	}
	return fault
}

// Location is one node of a tree that Read returned, with the list that collects
// its faults, so that a declaration reports every fault at once.
type Location struct {
	// Path is the JSON pointer of the node; "" is the document.
	Path string
	// Faults collects the faults, of CodeInvalidDeclaration.
	Faults *[]event.Fault
}

// At returns the Location of a member, or of an array's element.
func (m Location) At(token string) Location {
	m.Path += event.Pointer(token)
	return m
}

// Faultf adds a fault at this location.
func (m Location) Faultf(format string, args ...any) {
	*m.Faults = append(*m.Faults, event.Fault{
		Code: CodeInvalidDeclaration, Path: m.Path, Message: fmt.Sprintf(format, args...),
	})
}

// Object calls the function of every member of v, an object, in the order of
// their names. An unknown member is a fault, and so is a v of another type.
func (m Location) Object(v any, known map[string]func(any)) {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("must be an object")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		read, ok := known[name]
		if !ok {
			m.At(name).Faultf("is not a known member")
			continue
		}
		read(object[name])
	}
}
