package schema

import (
	"encoding/json"
	"fmt"

	"github.com/theeye/theeye/shared/event"
)

// indexBytes is the length of an array's index in a path.
const indexBytes = 6

// extent is how large data is.
type extent struct {
	values int // and members
	path   int // bytes of the longest path
}

// measure measures data and checks it against the limits of events: a number
// out of range would take the library seconds. What event.Decode made keeps
// them all.
func measure(data map[string]any) (extent, *event.Fault) {
	m := meter{}
	m.object(data, 0, 0)
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

func (m *meter) object(v map[string]any, depth, path int) {
	m.values += len(v)
	if !m.enter(depth) {
		return
	}
	for name, e := range v {
		m.value(e, depth+1, path+len(name)+1)
	}
}

func (m *meter) value(v any, depth, path int) {
	m.values++
	m.path = max(m.path, path)
	switch v := v.(type) {
	case map[string]any:
		m.object(v, depth, path)
	case []any:
		if !m.enter(depth) {
			return
		}
		for _, e := range v {
			m.value(e, depth+1, path+indexBytes)
		}
	case json.Number:
		if _, ok := event.ParseNumber([]byte(v)); !ok {
			m.outOfRange = true
		}
	}
}

// enter reports whether a container may be looked into.
func (m *meter) enter(depth int) bool {
	if depth >= event.MaxDepth {
		m.tooDeep = true
		return false
	}
	return m.values <= event.MaxValues+event.MaxKeys
}
