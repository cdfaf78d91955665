package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/schema"
)

// Bounds of a body.
const (
	maxDeclaration = schema.MaxBytes
	maxApplication = 256 << 10
	// maxJobBody bounds the body that starts a job: it may contain schemas.
	maxJobBody = 1 << 20
	// bodyTimeout leaves a part of the request's time to the registry.
	bodyTimeout = 10 * time.Second
)

// readBody reads a body of at most limit bytes, within bodyTimeout.
func readBody(w http.ResponseWriter, r *http.Request, limit int) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, httpserver.NewFailure(http.StatusUnsupportedMediaType, api.CodeUnsupportedEncoding,
			"a declaration is sent without content encoding")
	}
	deadline := http.NewResponseController(w)
	// A writer without deadlines, as in tests, is bounded by its caller.
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTimeout))
	raw, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, httpserver.NewFailure(http.StatusRequestTimeout, api.CodeBodyTimeout, "the body did not arrive in time")
	case err != nil:
		return nil, httpserver.BadRequest(api.CodeBodyIncomplete, "the body ends too early, or its chunks are broken")
	case len(raw) > limit:
		return nil, httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeBodyTooLarge,
			"the body has at most "+strconv.Itoa(limit)+" bytes here")
	}
	// After a failure the deadline stays: the server must not wait for the rest.
	_ = deadline.SetReadDeadline(time.Time{})
	return raw, nil
}

// memberReader reads the value of one member of a body. It adds the faults of
// the value at m.
type memberReader func(m schema.Location, v any)

// readObject reads a body that is one object with known members. The error
// lists every fault.
func readObject(w http.ResponseWriter, r *http.Request, known map[string]memberReader, required ...string) error {
	raw, err := readBody(w, r, maxDeclaration)
	if err != nil {
		return err
	}
	tree, faults := schema.Read(raw)
	if len(faults) == 0 {
		m := schema.Location{Faults: &faults}
		readers := make(map[string]func(any), len(known))
		for name, read := range known {
			readers[name] = func(v any) { read(m.At(name), v) }
		}
		m.Object(tree, readers)
		object, _ := tree.(map[string]any)
		for _, name := range required {
			if _, ok := object[name]; !ok && object != nil {
				m.Faultf("the member %s is missing", name)
			}
		}
	}
	if len(faults) > 0 {
		return invalidDeclaration(faults)
	}
	return nil
}

// invalidBody is the answer to a body with one fault as a whole.
func invalidBody(message string) *httpserver.Failure {
	return invalidDeclaration([]event.Fault{{Code: schema.CodeInvalidDeclaration, Message: message}})
}

func readString[T ~string](dst *T) memberReader {
	return func(m schema.Location, v any) {
		s, ok := v.(string)
		if !ok || s == "" {
			m.Faultf("must be a string that is not empty")
		}
		*dst = T(s)
	}
}

// readName reads a string of 1 to event.MaxIDLength characters.
func readName(dst *string) memberReader {
	return func(m schema.Location, v any) {
		readString(dst)(m, v)
		if utf8.RuneCountInString(*dst) > event.MaxIDLength {
			m.Faultf("must have at most %d characters", event.MaxIDLength)
		}
	}
}

func readStrings(dst *[]string) memberReader {
	return func(m schema.Location, v any) {
		list, ok := v.([]any)
		if !ok {
			m.Faultf("must be an array of strings")
			return
		}
		*dst = make([]string, len(list))
		for i, v := range list {
			readString(&(*dst)[i])(m.At(strconv.Itoa(i)), v)
		}
	}
}

func readBool(dst *bool) memberReader {
	return func(m schema.Location, v any) {
		b, ok := v.(bool)
		if !ok {
			m.Faultf("must be true or false")
		}
		*dst = b
	}
}

// readLimit reads an integer; the registry checks its range.
func readLimit(dst *int64) memberReader {
	return func(m schema.Location, v any) {
		number, _ := v.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil {
			m.Faultf("must be an integer, 0 for no limit")
			return
		}
		*dst = n
	}
}

// readSequence reads a sequence of the stream.
func readSequence(dst *uint64) memberReader {
	return func(m schema.Location, v any) {
		number, _ := v.(json.Number)
		n, err := strconv.ParseUint(number.String(), 10, 63)
		if err != nil || n == 0 {
			m.Faultf("must be a sequence of the stream, an integer from 1")
			return
		}
		*dst = n
	}
}

// readRate reads a limit of events a second.
func readRate(dst *int64) memberReader {
	return func(m schema.Location, v any) {
		number, _ := v.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || n < 1 {
			m.Faultf("must be events a second, an integer from 1")
			return
		}
		*dst = n
	}
}

// readExpiry reads a time as RFC 3339.
func readExpiry(dst *time.Time) memberReader {
	return func(m schema.Location, v any) {
		s, _ := v.(string)
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			m.Faultf("must be a time as RFC 3339")
			return
		}
		*dst = t.UTC()
	}
}

// readTime reads a time as query parameters have it.
func readTime(dst *time.Time) memberReader {
	return func(m schema.Location, v any) {
		s, _ := v.(string)
		t, err := event.ParseTime(s)
		if err != nil {
			m.Faultf("must be a time as RFC 3339 or YYYY-MM-DD HH:MM:SS")
			return
		}
		*dst = t
	}
}

func readDuration(dst *time.Duration) memberReader {
	return func(m schema.Location, v any) {
		s, _ := v.(string)
		d, err := time.ParseDuration(s)
		if err != nil {
			m.Faultf(`must be a duration such as "24h"`)
			return
		}
		*dst = d
	}
}

// rawReader reads one member of a body from its JSON text. It adds the faults
// of the value at m.
type rawReader func(m schema.Location, raw jsontext.Value)

// parsed reads a member as a tree, within the limits of a declaration.
func parsed(read memberReader) rawReader {
	return func(m schema.Location, raw jsontext.Value) {
		tree, faults := schema.Read(raw)
		if len(faults) > 0 {
			addFaults(m, faults)
			return
		}
		read(m, tree)
	}
}

// addFaults adds the faults of a document that stands at m.
func addFaults(m schema.Location, faults []event.Fault) {
	for _, f := range faults {
		f.Path = m.Path + f.Path
		*m.Faults = append(*m.Faults, f)
	}
}

// readJobBody reads the body that starts a job: an object with known members,
// all optional. It returns every fault; a body that is not JSON is an error
// instead.
func readJobBody(w http.ResponseWriter, r *http.Request, known map[string]rawReader) ([]event.Fault, error) {
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

// splitObject returns the members of an object as JSON text.
func splitObject(raw jsontext.Value) (map[string]jsontext.Value, error) {
	var object map[string]jsontext.Value
	err := jsonv2.Unmarshal(raw, &object)
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nil, httpserver.BadRequest(event.CodeInvalidJSON, "an object in the body has the same member twice")
	case errors.As(err, &syntactic):
		return nil, httpserver.BadRequest(event.CodeInvalidJSON, "the body is not JSON from byte %d on", syntactic.ByteOffset)
	case err != nil || object == nil: // null is not an object
		return nil, invalidBody("must be an object")
	}
	return object, nil
}
