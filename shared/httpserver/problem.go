package httpserver

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
)

// Failure is an error with the answer that a client gets for it, in place of
// the result of its request. A Failure is immutable: some are shared by all
// requests.
type Failure struct {
	// Status, Code and Detail are the arguments of WriteProblem.
	Status int
	Code   string
	Detail string
	// RetryAfter is sent as Retry-After, in whole seconds and rounded up,
	// unless it is zero.
	RetryAfter time.Duration
	// Header is added to the headers of every problem.
	Header http.Header
	// Members follow the standard members in the body.
	Members []Member
	// Cause is logged and never sent.
	Cause error
}

// Member is an extension member of a problem. Its name must differ from the
// standard members, its value must be valid JSON.
type Member struct {
	Name  string
	Value jsontext.Value
}

// NewFailure returns a failure with a detail only.
func NewFailure(status int, code, detail string) *Failure {
	return &Failure{Status: status, Code: code, Detail: detail}
}

// BadRequest returns a failure with status 400.
func BadRequest(code, format string, args ...any) *Failure {
	return NewFailure(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
}

// NotFound returns a failure with status 404.
func NotFound(detail string) *Failure {
	return NewFailure(http.StatusNotFound, api.CodeNotFound, detail)
}

// NoSuchPath returns the failure of a request for a path that the API does not
// have.
func NoSuchPath() *Failure { return NotFound("there is nothing at this path") }

// Unavailable returns the failure of a request that may be repeated after
// retryAfter. cause may be nil.
func Unavailable(code, detail string, retryAfter time.Duration, cause error) *Failure {
	return &Failure{
		Status: http.StatusServiceUnavailable, Code: code, Detail: detail,
		RetryAfter: retryAfter, Cause: cause,
	}
}

// Internal returns the failure of a request that met an unexpected error. The
// answer shows nothing of it.
func Internal(cause error) *Failure {
	return &Failure{
		Status: http.StatusInternalServerError, Code: api.CodeInternal, Cause: cause,
		Detail: "the request could not be served; the service's log says why",
	}
}

// Error is the text for the log; it includes the cause.
func (f *Failure) Error() string {
	if f.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.Code, f.Detail, f.Cause)
	}
	return f.Code + ": " + f.Detail
}

// Unwrap returns the cause, nil without one.
func (f *Failure) Unwrap() error { return f.Cause }

// Write answers with the failure. A 401 names the authentication scheme.
func (f *Failure) Write(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range f.Header {
		h[name] = append([]string(nil), values...)
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((f.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if f.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="theeye"`)
	}
	WriteProblem(w, f.Status, f.Code, f.Detail, f.Members...)
}

// WriteProblem answers with a problem: the status, a stable code, one sentence
// for people, and extension members. Headers that belong to the answer, such
// as Retry-After, must be set before. Invalid UTF-8 is replaced by U+FFFD. An
// error of the connection is dropped: the client is gone.
func WriteProblem(w http.ResponseWriter, status int, code, detail string, members ...Member) {
	h := w.Header()
	SetCommonHeaders(h)
	h.Set("Content-Type", api.ContentTypeProblem)
	h.Del("Content-Length")
	b := appendProblem(nil, status, code, detail, members)
	w.WriteHeader(status)
	_, _ = w.Write(b) //nolint:gosec // JSON under its own content type
}

// SetCommonHeaders sets the headers of every answer of the APIs, problem or
// not: caches must not store it, and browsers must not guess its type.
func SetCommonHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

func appendProblem(dst []byte, status int, code, detail string, members []Member) []byte {
	title := http.StatusText(status)
	if title == "" {
		title = "Error"
	}
	dst = append(dst, `{"type":"about:blank","title":`...)
	dst = appendString(dst, title)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, code)
	dst = append(dst, `,"detail":`...)
	dst = appendString(dst, detail)
	for _, m := range members {
		dst = append(dst, ',')
		dst = appendString(dst, m.Name)
		dst = append(dst, ':')
		dst = append(dst, m.Value...)
	}
	return append(dst, '}', '\n')
}

func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the error only reports replaced UTF-8
	return dst
}
