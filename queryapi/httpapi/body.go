package httpapi

import (
	"bytes"
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
	"github.com/theeye/theeye/shared/when"
)

// Bounds of a body.
const (
	maxDeclaration = schema.MaxBytes
	maxApplication = 256 << 10
	// maxJobBody bounds the body that starts a job: it may contain schemas.
	maxJobBody = 1 << 20
	// maxReceived is more than any of them.
	maxReceived = maxJobBody + 1
)

// receiveBody returns the request with its body in memory, which counts for the
// answer. Of a body that is too large for every route it has the beginning.
func receiveBody(r *http.Request, a *answer) (*http.Request, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.ContentLength == 0 {
		return r, nil
	}
	size := int64(maxReceived)
	if r.ContentLength > 0 {
		size = min(size, r.ContentLength)
	}
	a.claim.SetTransfer(httpserver.BodyTransfer(r))
	if err := a.Reserve(int(size)); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxReceived))
	if err != nil {
		return nil, bodyFailure(err)
	}
	received := *r
	received.Body = io.NopCloser(bytes.NewReader(raw))
	return &received, a.Reserve(len(raw))
}

// bodyFailure returns why a body could not be read. An unknown error is the
// client's: a broken connection or a broken chunk.
func bodyFailure(err error) error {
	switch {
	case errors.Is(err, httpserver.ErrGaveWay):
		return errAnswerMemory
	case errors.Is(err, os.ErrDeadlineExceeded):
		return httpserver.NewFailure(http.StatusRequestTimeout, api.CodeBodyTimeout, "the body did not arrive in time")
	}
	return httpserver.BadRequest(api.CodeBodyIncomplete, "the body ends too early, or its chunks are broken")
}

// readBody reads a body of at most limit bytes.
func readBody(r *http.Request, limit int) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, httpserver.NewFailure(http.StatusUnsupportedMediaType, api.CodeUnsupportedEncoding,
			"a declaration is sent without content encoding")
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	switch {
	case err != nil:
		return nil, bodyFailure(err)
	case len(raw) > limit:
		return nil, httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeBodyTooLarge,
			"the body has at most "+strconv.Itoa(limit)+" bytes here")
	}
	return raw, nil
}

// memberReader reads the value of one member of a body. It adds the faults of
// the value at m.
type memberReader func(m schema.Location, v any)

// readObject reads a body that is one object with known members. The error
// lists every fault.
func readObject(r *http.Request, known map[string]memberReader, required ...string) error {
	raw, err := readBody(r, maxDeclaration)
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

// readExpiry reads a time that does not depend on the present one.
func readExpiry(dst *time.Time) memberReader {
	return func(m schema.Location, v any) {
		s, _ := v.(string)
		if when.Relative(s) {
			m.Faultf("must be a time as RFC 3339 (2026-11-19T10:00:00Z), or a date in UTC (2026-11-19)")
			return
		}
		readTime(dst)(m, v)
	}
}

// readTime reads a time as query parameters have it.
func readTime(dst *time.Time) memberReader {
	return func(m schema.Location, v any) {
		s, ok := v.(string)
		if !ok {
			m.Faultf("must be a string: %s", when.TimeForms)
			return
		}
		t, err := when.UTC().Parse(s)
		if err != nil {
			m.Faultf("%v", err)
			return
		}
		*dst = t
	}
}

func readDuration(dst *time.Duration) memberReader {
	return func(m schema.Location, v any) {
		s, ok := v.(string)
		if !ok {
			m.Faultf("must be a string: %s", when.DurationForms)
			return
		}
		d, err := when.ParseDuration(s)
		if err != nil {
			m.Faultf("%v", err)
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
func readJobBody(r *http.Request, known map[string]rawReader) ([]event.Fault, error) {
	raw, err := readBody(r, maxJobBody)
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
