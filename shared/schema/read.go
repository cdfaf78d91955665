package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
// readable; what is wrong with the text itself has a code of the event package.
const CodeInvalidDeclaration = "invalid_declaration"

// Read reads one declaration: strict JSON within the limits. The tree is made
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
	tree, err := r.value()
	if err == nil {
		if _, err = r.dec.ReadToken(); errors.Is(err, io.EOF) {
			return tree, r.faults
		}
		err = &event.Refusal{Code: event.CodeInvalidJSON, Message: "something follows the document"}
	}
	return nil, []event.Fault{r.unreadable(err)}
}

type reader struct {
	dec    *jsontext.Decoder
	values int
	faults []event.Fault
}

func (r *reader) value() (any, error) {
	if r.values++; r.values > MaxValues {
		return nil, &event.Refusal{Code: event.CodeTooLarge, Message: fmt.Sprintf("the document has more than %d values", MaxValues)}
	}
	switch r.dec.PeekKind() {
	case '{', '[':
		return r.container()
	case '0':
		return r.number()
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

func (r *reader) container() (any, error) {
	if r.dec.StackDepth() >= MaxDepth {
		return nil, &event.Refusal{Code: event.CodeTooDeep, Message: fmt.Sprintf("the document nests more than %d levels", MaxDepth)}
	}
	token, err := r.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	if token.Kind() == '{' {
		return r.object()
	}
	list := []any{}
	for r.dec.PeekKind() != ']' {
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err = r.dec.ReadToken()
	return list, err
}

func (r *reader) object() (any, error) {
	object := map[string]any{}
	for r.dec.PeekKind() != '}' {
		token, err := r.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		if object[name], err = r.value(); err != nil {
			return nil, err
		}
	}
	_, err := r.dec.ReadToken()
	return object, err
}

func (r *reader) number() (any, error) {
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
		Message: fmt.Sprintf("the number is over %d bytes long, or its exponent is over %d", event.MaxNumberBytes, event.MaxExponent),
	})
	return json.Number("1"), nil
}

// unreadable says why the text cannot be read.
func (r *reader) unreadable(err error) event.Fault {
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
