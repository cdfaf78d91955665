package problem

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Failure is an error that has an answer. It is what a whole request is
// answered with in place of its result. It is not changed once it was made:
// some are shared by all requests.
type Failure struct {
	// Status, Code and Detail are what Write takes.
	Status int
	Code   string
	Detail string
	// RetryAfter is sent as Retry-After, in whole seconds and rounded up,
	// where it is not zero.
	RetryAfter time.Duration
	// Header is set in the answer beside what every problem has.
	Header http.Header
	// Members follow the standard ones in the body.
	Members []Member
	// Cause is for the log; the answer never shows it.
	Cause error
}

// Member is an extension member of a problem. Its name is none of the standard
// ones, its value valid JSON.
type Member struct {
	Name  string
	Value jsontext.Value
}

// NewFailure returns a failure whose detail is all there is to say.
func NewFailure(status int, code, detail string) *Failure {
	return &Failure{Status: status, Code: code, Detail: detail}
}

// Unavailable returns the failure of a request that may be sent again after a
// while. cause may be nil.
func Unavailable(code, detail string, retryAfter time.Duration, cause error) *Failure {
	return &Failure{
		Status: http.StatusServiceUnavailable, Code: code, Detail: detail,
		RetryAfter: retryAfter, Cause: cause,
	}
}

// CodeInternal is the code of every failure that only the log explains.
const CodeInternal = "internal"

// Internal returns the failure of a request that met what nobody foresaw. The
// answer shows nothing of it.
func Internal(cause error) *Failure {
	return &Failure{
		Status: http.StatusInternalServerError, Code: CodeInternal, Cause: cause,
		Detail: "the request could not be served; the service's log says why",
	}
}

// Error is for the log: it names the cause too.
func (f *Failure) Error() string {
	if f.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.Code, f.Detail, f.Cause)
	}
	return f.Code + ": " + f.Detail
}

// Unwrap returns the cause, nil without one.
func (f *Failure) Unwrap() error { return f.Cause }

// Write answers with the failure. Whoever has no valid credential is told what
// kind is wanted.
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
	Write(w, f.Status, f.Code, f.Detail, f.Members...)
}
