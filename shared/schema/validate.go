package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// workMemory is how many bytes the errors of one evaluation may hold while they
// are collected.
const workMemory = 32 << 20

// errorMemory is what one error holds beside its path, of which there are three
// copies, and the allowed values.
const errorMemory = 600

// Validate judges the member data of an event: the tree that event.Decode
// makes. The faults have paths that start with /data, a fixed order, and are
// within event.BoundFaults; none is a match. It never panics: a panic of the
// library is one fault, event.CodeValidatorFailed.
//
// Data over the limits of events is one fault. So are errors without measure:
// where an event could make the library hold more than some megabytes of them,
// they are counted, and past the limit only their number is told.
func (s *Schema) Validate(data map[string]any) []event.Fault {
	return event.BoundFaults(s.violations(data))
}

// violations is Validate with every fault.
func (s *Schema) violations(data map[string]any) (faults []event.Fault) {
	defer func() {
		if p := recover(); p != nil {
			faults = []event.Fault{{
				Code: event.CodeValidatorFailed, Path: event.Pointer("data"),
				Message: "the validator failed on this event",
			}}
		}
	}()
	size, fault := measure(data)
	if fault != nil {
		return []event.Fault{*fault}
	}
	limit := s.limit(size)
	faults, err := s.engine.faults(data, limit)
	switch {
	case errors.Is(err, errTooMany):
		return []event.Fault{{
			Code: event.CodeSchemaViolation, Path: event.Pointer("data"),
			Message: fmt.Sprintf("breaks the schema in more than %d places; they are not listed", limit),
		}}
	case err != nil:
		panic(err) // the library has no error for data in memory
	}
	slices.SortFunc(faults, compareFaults)
	return slices.Compact(faults)
}

// limit is the number of errors at which an evaluation ends, 0 where so many
// errors cannot come that they need to be counted.
func (s *Schema) limit(size extent) int {
	each := errorMemory + 3*size.path + s.allowed
	if size.values*s.cost*each <= workMemory {
		return 0
	}
	return max(workMemory/each, event.MaxFaults)
}

// compareFaults orders by path, numbers by their value, then by message.
func compareFaults(a, b event.Fault) int {
	if a.Path == b.Path {
		return strings.Compare(a.Message, b.Message)
	}
	x, y := strings.Split(a.Path, "/"), strings.Split(b.Path, "/")
	return slices.CompareFunc(x, y, func(s, t string) int {
		if len(s) != len(t) && isIndex(s) && isIndex(t) {
			return len(s) - len(t)
		}
		return strings.Compare(s, t)
	})
}

func isIndex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}
