package queryapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
)

// Bounds of a body.
const (
	maxDeclaration = schema.MaxBytes
	maxApplication = 256 << 10
	// bodyWithin leaves the registry a part of the request's time.
	bodyWithin = 10 * time.Second
)

// readBody reads a body of at most limit bytes, within bodyWithin.
func readBody(w http.ResponseWriter, r *http.Request, limit int) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, &failure{
			Status: http.StatusUnsupportedMediaType, Code: codeUnsupportedEncoding,
			Detail: "a declaration is sent without content encoding",
		}
	}
	deadline := http.NewResponseController(w)
	// A writer without deadlines, as in tests, is bounded by its caller.
	_ = deadline.SetReadDeadline(time.Now().Add(bodyWithin))
	raw, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &failure{Status: http.StatusRequestTimeout, Code: codeBodyTimeout, Detail: "the body did not arrive in time"}
	case err != nil:
		return nil, badRequest(codeBodyIncomplete, "the body ends too early, or its chunks are broken")
	case len(raw) > limit:
		return nil, &failure{
			Status: http.StatusRequestEntityTooLarge, Code: codeBodyTooLarge,
			Detail: "the body has at most " + strconv.Itoa(limit) + " bytes here",
		}
	}
	// After a failure the deadline stays: nothing may wait for the rest.
	_ = deadline.SetReadDeadline(time.Time{})
	return raw, nil
}

// member reads the value of one member of a body, and notes at m what is wrong
// with it.
type member func(m schema.Location, v any)

// readObject reads a body that is one object of known members. The error names
// every fault at once.
func readObject(w http.ResponseWriter, r *http.Request, known map[string]member, required ...string) error {
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
		return invalid(faults)
	}
	return nil
}

func textMember[T ~string](dst *T) member {
	return func(m schema.Location, v any) {
		s, ok := v.(string)
		if !ok || s == "" {
			m.Faultf("wants a text")
		}
		*dst = T(s)
	}
}

func textsMember(dst *[]string) member {
	return func(m schema.Location, v any) {
		list, ok := v.([]any)
		if !ok {
			m.Faultf("wants an array of texts")
			return
		}
		*dst = make([]string, len(list))
		for i, v := range list {
			textMember(&(*dst)[i])(m.At(strconv.Itoa(i)), v)
		}
	}
}

func boolMember(dst *bool) member {
	return func(m schema.Location, v any) {
		b, ok := v.(bool)
		if !ok {
			m.Faultf("wants true or false")
		}
		*dst = b
	}
}

// countMember reads a whole number; the registry knows which may be.
func countMember(dst *int64) member {
	return func(m schema.Location, v any) {
		number, _ := v.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil {
			m.Faultf("wants a whole number, 0 for no limit")
			return
		}
		*dst = n
	}
}

func timeMember(dst *time.Time) member {
	return func(m schema.Location, v any) {
		s, _ := v.(string)
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			m.Faultf("wants a time as RFC 3339")
			return
		}
		*dst = t.UTC()
	}
}

func durationMember(dst *time.Duration) member {
	return func(m schema.Location, v any) {
		s, _ := v.(string)
		d, err := time.ParseDuration(s)
		if err != nil {
			m.Faultf(`wants a duration such as "24h"`)
			return
		}
		*dst = d
	}
}

// maxShownFaults bounds the faults of one answer. A declaration within its
// limits can have a fault for each of its values.
const maxShownFaults = 1000

// invalid is the answer to a declaration that has faults.
func invalid(faults []event.Fault) *failure {
	detail := "the declaration has 1 fault"
	if n := len(faults); n != 1 {
		detail = "the declaration has " + strconv.Itoa(n) + " faults"
	}
	if len(faults) > maxShownFaults {
		faults = slices.Clip(faults[:maxShownFaults])
		detail += "; the first " + strconv.Itoa(maxShownFaults) + " are listed"
	}
	return withMember(&failure{
		Status: http.StatusUnprocessableEntity, Code: codeInvalidDeclaration, Detail: detail,
	}, "faults", faults)
}

// conflicting is the answer to a change of another version than the present
// one; present 0 says that there is none.
func conflicting(present uint64) *failure {
	detail := "there is no such thing; without If-Match it is created"
	if present != 0 {
		detail = "the present revision is " + strconv.FormatUint(present, 10)
	}
	f := withMember(&failure{
		Status: http.StatusPreconditionFailed, Code: codeRevisionConflict, Detail: detail,
	}, "revision", present)
	f.Header = http.Header{headerETag: {etag(present)}}
	return f
}
