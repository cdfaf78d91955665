package queryapi

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
)

// maxJobBody bounds the body that starts a job, in bytes: it may hold schemas.
const maxJobBody = 1 << 20

// rawMember reads the text of one member of a body, and notes at m what is wrong
// with it.
type rawMember func(m schema.Location, raw jsontext.Value)

// parsed reads a member as a tree, within the limits of a declaration.
func parsed(read member) rawMember {
	return func(m schema.Location, raw jsontext.Value) {
		tree, faults := schema.Read(raw)
		if len(faults) > 0 {
			addFaults(m, faults)
			return
		}
		read(m, tree)
	}
}

// addFaults notes faults of a document that stands at m.
func addFaults(m schema.Location, faults []event.Fault) {
	for _, f := range faults {
		f.Path = m.Path + f.Path
		*m.Faults = append(*m.Faults, f)
	}
}

// readJob reads the body that starts a job: an object of known members, each of
// which is optional. The error names every fault at once; a body that is no JSON
// at all is a bad request.
func readJob(w http.ResponseWriter, r *http.Request, known map[string]rawMember) ([]event.Fault, error) {
	raw, err := readBody(w, r, maxJobBody)
	if err != nil {
		return nil, err
	}
	object, err := splitObject(raw)
	if err != nil {
		return nil, err
	}
	var faults []event.Fault
	for _, name := range slices.Sorted(maps.Keys(object)) {
		m := schema.Location{Faults: &faults}.At(name)
		if read, ok := known[name]; ok {
			read(m, object[name])
		} else {
			m.Faultf("is no member that is known here")
		}
	}
	return faults, nil
}

// splitObject returns the members of an object, as they are written.
func splitObject(raw jsontext.Value) (map[string]jsontext.Value, error) {
	var object map[string]jsontext.Value
	err := jsonv2.Unmarshal(raw, &object)
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nil, badRequest(event.CodeInvalidJSON, "an object in the body has the same member twice")
	case errors.As(err, &syntactic):
		return nil, badRequest(event.CodeInvalidJSON, "the body is not JSON from byte %d on", syntactic.ByteOffset)
	case err != nil || object == nil: // null is no object
		return nil, invalidMember("an object is wanted")
	}
	return object, nil
}

// boundedMember reads a text of 1 to event.MaxIDLength characters.
func boundedMember(dst *string) member {
	return func(m schema.Location, v any) {
		textMember(dst)(m, v)
		if utf8.RuneCountInString(*dst) > event.MaxIDLength {
			m.Faultf("has at most %d characters", event.MaxIDLength)
		}
	}
}

// sequenceMember reads a sequence of the stream.
func sequenceMember(dst *uint64) member {
	return func(m schema.Location, v any) {
		number, _ := v.(json.Number)
		n, err := strconv.ParseUint(number.String(), 10, 63)
		if err != nil || n == 0 {
			m.Faultf("wants a sequence of the stream, a whole number from 1")
			return
		}
		*dst = n
	}
}

// rateMember reads a bound of events a second.
func rateMember(dst *int64) member {
	return func(m schema.Location, v any) {
		number, _ := v.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || n < 1 {
			m.Faultf("wants events a second, a whole number from 1")
			return
		}
		*dst = n
	}
}

// instantMember reads a time as parameters of queries have it.
func instantMember(dst *time.Time) member {
	return func(m schema.Location, v any) {
		s, _ := v.(string)
		t, err := event.ParseTime(s)
		if err != nil {
			m.Faultf("wants a time as RFC 3339 or YYYY-MM-DD HH:MM:SS")
			return
		}
		*dst = t
	}
}
