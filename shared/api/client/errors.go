package client

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/api"
)

// Fields that an InvalidError names.
const (
	FieldURL   = "URL"
	FieldToken = "token"
	FieldNote  = "note"
)

// InvalidError is a configuration or request that the client does not send.
type InvalidError struct {
	Field  string
	Reason string
}

// Error names the field and the reason.
func (e *InvalidError) Error() string { return e.Field + " " + e.Reason }

// UnreachableError is a call that got no answer.
type UnreachableError struct {
	URL string
	Err error
}

// Error names the address and the cause.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s could not be reached: %v", e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// ForeignError is an answer that does not have the shape of The Eye's:
// something else answers at the address.
type ForeignError struct{ Err error }

// textForeign says that another program than The Eye answered.
const textForeign = "the answer is not from The Eye; is the URL right?"

// Error names the mismatch.
func (e *ForeignError) Error() string { return textForeign + " " + e.Err.Error() }

// Unwrap returns the mismatch.
func (e *ForeignError) Unwrap() error { return e.Err }

// ProblemError is an answer outside 2xx. An answer of another server than The
// Eye, of a proxy for example, has no code.
type ProblemError struct {
	api.Problem
	// RetryAfter is the delay that the answer asks for, 0 without one.
	RetryAfter time.Duration
	// Retried says that an earlier attempt of the same change was answered 503,
	// which leaves open whether that attempt was carried out.
	Retried bool
	// Body is the whole body.
	Body []byte
}

// Problem returns the answer as an error, whatever its status.
func (r *Response) Problem() *ProblemError {
	var p api.Problem
	if json.Unmarshal(r.Body, &p) != nil || p.Code == "" {
		p = api.Problem{Detail: textForeign}
	}
	p.Status = r.Status
	e := &ProblemError{Problem: p, Body: r.Body}
	if s, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(min(s, 1<<20)) * time.Second
	}
	return e
}

// Error contains the status, the code, the detail and all faults, one a line.
func (e *ProblemError) Error() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(strconv.Itoa(e.Status) + " " + e.Code))
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Retried {
		b.WriteString("\nan attempt before this one was answered 503, and may have been carried out")
	}
	for _, f := range e.Faults {
		b.WriteString("\n  ")
		if f.Path != "" {
			b.WriteString(f.Path + ": ")
		}
		b.WriteString(f.Message)
	}
	return b.String()
}

// Status returns the status of the answer that err is, 0 when err is not a
// *ProblemError.
func Status(err error) int {
	var p *ProblemError
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// Code returns the code of an answer that err is, "" for any other error.
func Code(err error) string {
	var p *ProblemError
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// IsUnavailable reports whether a call failed because the service could not be
// reached or was not ready in time.
func IsUnavailable(err error) bool {
	switch Status(err) {
	case http.StatusServiceUnavailable, http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return true
	}
	var u *UnreachableError
	return errors.As(err, &u)
}
