package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// workMemory bounds the memory of the errors of one evaluation while they are
// collected, in bytes.
const workMemory = 32 << 20

// errorMemory is the memory of one error in bytes, without its path, of which
// there are three copies, and without the allowed values.
const errorMemory = 600

// Validate checks the member data of an event: the tree that decoding makes. The
// faults have paths that start with /data, a fixed order, and are within
// event.BoundFaults; data without faults matches. It never panics: a panic of the
// library is one fault, event.CodeValidatorFailed.
//
// Data over the limits of events is one fault. So is an excess of errors: where an
// event could make the library retain more than some megabytes of them, they are
// counted, and past the limit only their number is reported.
//
// Data whose evaluation needs more than MaxWork is one fault, too: its work is
// estimated before, by the schema and the data alone.
func (s *Schema) Validate(data map[string]any) []event.Fault {
	return event.BoundFaults(s.allFaults(data))
}

// allFaults is Validate without the bound on faults.
func (s *Schema) allFaults(data map[string]any) []event.Fault {
	faults, _, _ := s.findFaults(data, MaxWork)
	return faults
}

// findFaults is Validate without the bound on faults. It evaluates nothing and
// returns false if the work is over limit and not over MaxWork.
func (s *Schema) findFaults(data map[string]any, limit Work) (faults []event.Fault, work Work, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			ok = true
			faults = []event.Fault{{
				Code: event.CodeValidatorFailed, Path: event.Pointer("data"),
				Message: "the validator failed on this event",
			}}
		}
	}()
	size, fault := measure(data)
	if fault != nil {
		return []event.Fault{*fault}, 0, true
	}
	switch work = s.work.estimate(data, size, MaxWork); {
	case work > MaxWork:
		return []event.Fault{{
			Code: event.CodeTooCostly, Path: event.Pointer("data"), Message: messageTooCostly,
		}}, 0, true
	case work > limit && work > NegligibleWork:
		return nil, work, false
	}
	return s.evaluate(data, size), work, true
}

// messageTooCostly is the message of event.CodeTooCostly.
const messageTooCostly = "this much data takes too long to validate by the schema of its type; send it in several events, " +
	"or simplify the schema: patterns without a start or an end, multipleOf and alternatives cost the most"

// evaluate returns the faults of data in their order.
func (s *Schema) evaluate(data map[string]any, size extent) []event.Fault {
	limit := s.errorLimit(size)
	faults, err := s.engine.findFaults(data, limit)
	switch {
	case errors.Is(err, errTooMany):
		return []event.Fault{{
			Code: event.CodeSchemaViolation, Path: event.Pointer("data"),
			Message: fmt.Sprintf("breaks the schema in more than %d places; they are not listed", limit),
		}}
	case err != nil:
		panic(err) // the library has no error for data in memory
	}
	sortFaults(faults)
	return slices.Compact(faults)
}

func sortFaults(faults []event.Fault) { slices.SortFunc(faults, compareFaults) }

// errorLimit returns the number of errors at which an evaluation is aborted, 0
// where the data is too small for that many errors.
func (s *Schema) errorLimit(size extent) int {
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

// indexBytes is the length of an array's index in a path.
const indexBytes = 6

// extent is the size of data.
type extent struct {
	values int // and members
	path   int // bytes of the longest path
	bytes  int // of all strings and names
	digits int // of all numbers, written out without exponent
	depth  int // of the deepest value
}

// measure returns the size of data and checks the limits of events: a number out
// of range would take the library seconds. Decoded events keep all limits.
func measure(data map[string]any) (extent, *event.Fault) {
	m := meter{}
	m.measureObject(data, 0, 0)
	fault := event.Fault{Path: event.Pointer("data")}
	switch {
	case m.values > event.MaxValues+event.MaxKeys:
		fault.Code = event.CodeTooLarge
		fault.Message = fmt.Sprintf("data has more than %d values", event.MaxValues)
	case m.tooDeep:
		fault.Code = event.CodeTooDeep
		fault.Message = fmt.Sprintf("data nests more than %d levels", event.MaxDepth)
	case m.outOfRange:
		fault.Code = event.CodeNumberOutOfRange
		fault.Message = "a number is out of range"
	default:
		return m.extent, nil
	}
	return m.extent, &fault
}

type meter struct {
	extent
	tooDeep, outOfRange bool
}

func (m *meter) measureObject(v map[string]any, depth, path int) {
	m.values += len(v)
	if !m.mayDescend(depth) {
		return
	}
	for name, e := range v {
		m.bytes += len(name)
		m.measureValue(e, depth+1, path+len(name)+1)
	}
}

func (m *meter) measureValue(v any, depth, path int) {
	m.values++
	m.path = max(m.path, path)
	m.depth = max(m.depth, depth)
	switch v := v.(type) {
	case string:
		m.bytes += len(v)
	case map[string]any:
		m.measureObject(v, depth, path)
	case []any:
		if !m.mayDescend(depth) {
			return
		}
		for _, e := range v {
			m.measureValue(e, depth+1, path+indexBytes)
		}
	case json.Number:
		if _, ok := event.ParseNumber([]byte(v)); !ok {
			m.outOfRange = true
			return
		}
		m.digits += int(digitsOf(string(v)))
	}
}

// mayDescend reports whether the limits allow reading a container.
func (m *meter) mayDescend(depth int) bool {
	if depth >= event.MaxDepth {
		m.tooDeep = true
		return false
	}
	return m.values <= event.MaxValues+event.MaxKeys
}
