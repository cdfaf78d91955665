package schema

import (
	"fmt"
	"maps"
	"slices"

	"github.com/theeye/theeye/shared/event"
)

// Members reads one place of a tree that Read returned, and notes what is wrong
// there. It is how declarations report every fault at once.
type Members struct {
	// Path is the JSON pointer of the place; "" is the document.
	Path string
	// Faults gets one fault, of CodeInvalidDeclaration, for each thing wrong.
	Faults *[]event.Fault
}

// At is the place of a member, or of an array's element.
func (m Members) At(token string) Members {
	m.Path += event.Pointer(token)
	return m
}

// Faultf notes a fault of this place.
func (m Members) Faultf(format string, args ...any) {
	*m.Faults = append(*m.Faults, event.Fault{
		Code: CodeInvalidDeclaration, Path: m.Path, Message: fmt.Sprintf(format, args...),
	})
}

// Object calls the function of every member that v, an object, has, in the
// order of their names. Another member, and a v that is no object, is a fault.
func (m Members) Object(v any, known map[string]func(any)) {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("wants an object")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		read, ok := known[name]
		if !ok {
			m.At(name).Faultf("is no member that is known here")
			continue
		}
		read(object[name])
	}
}
