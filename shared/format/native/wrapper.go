package native

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
)

// Clients of other products put events into objects of their own: {"batch": […]},
// {"event": {…}}, {"events": "[…]"}. Such an object has none of session_id, category
// and name, so as an event it would be accepted and rejected later, with faults that
// name nothing of it. It is refused instead.

// isWrapper reports whether a member of an object without session_id, category and
// name holds events: it is named like one, or it is an object, a list of objects, or
// text in JSON, that looks like them. value is the text of the member's value.
func isWrapper(name []byte, kind jsontext.Kind, value []byte) bool {
	for _, known := range wrapperNames {
		if bytes.EqualFold(name, known) {
			return true
		}
	}
	switch kind {
	case '"':
		return isJSONText(value)
	case '[':
		first := bytes.TrimLeft(value[1:], whitespace)
		return first[0] == '{' || isJSONText(first) || bytes.Contains(value, deepName)
	case '{':
		return holdsEvent(value)
	}
	return false
}

// wrapperNames are names of members that hold events, whatever they are.
var wrapperNames = [][]byte{[]byte("events"), []byte("event"), []byte("batch")}

// insideNames are names in an object that holds an event, or a batch.
var insideNames = [][]byte{[]byte("category"), []byte("events"), []byte("event"), []byte("batch")}

// deepName is a name that only an event has, at any depth.
var deepName = []byte(`"session_id"`)

// isJSONText reports whether a value is a string whose content starts as an object
// or a list.
func isJSONText(value []byte) bool {
	content, ok := bytes.CutPrefix(value, []byte{'"'})
	content = bytes.TrimLeft(content, whitespace)
	return ok && len(content) > 0 && (content[0] == '{' || content[0] == '[')
}

// holdsEvent reports whether the text of an object has a member that only an event,
// or a batch, has.
func holdsEvent(object []byte) bool {
	if bytes.Contains(object, deepName) {
		return true
	}
	named := func(name []byte) bool { return bytes.Contains(object, name) }
	if !slices.ContainsFunc(insideNames, named) {
		return false // without reading it
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(object), lenientOptions...)
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadValue()
		if err != nil {
			return false
		}
		inside := func(known []byte) bool { return bytes.Equal(name[1:len(name)-1], known) }
		if slices.ContainsFunc(insideNames, inside) {
			return true
		}
		if dec.SkipValue() != nil {
			return false
		}
	}
	return false
}

// findWrapper returns the first member that makes an object a wrapper of events, nil
// for an event.
func (s *scanner) findWrapper(m members) *event.WrapperError {
	if m.sessionID != 0 || m.category != 0 || m.name != 0 {
		return nil
	}
	for i := int32(1); i < s.nodes[0].next; i = s.nodes[i+1].next {
		value := &s.nodes[i+1]
		text := s.tokenText(i + 1)
		if value.kind == '"' {
			text = append([]byte{'"'}, text...)
		}
		if isWrapper(s.tokenText(i), value.kind, text) {
			return newWrapperError(s.boundedText(i), value.kind)
		}
	}
	return nil
}

func newWrapperError(name string, kind jsontext.Kind) *event.WrapperError {
	return &event.WrapperError{Member: quoteName(name), Kind: kindName(kind)}
}
