package queryapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/theeye/theeye/shared/problem"
	"github.com/theeye/theeye/shared/store"
)

// Codes of the problems that this API answers. They are contracts, named in
// the API's document.
const (
	codeUnauthorized      = "unauthorized"
	codeForbidden         = "forbidden"
	codeApplicationDenied = "application_not_allowed"
	codeUnknownParameter  = "unknown_parameter"
	codeInvalidParameter  = "invalid_parameter"
	codeRepeatedParameter = "repeated_parameter"
	codeInvalidQuery      = "invalid_query"
	codeInvalidCursor     = "invalid_cursor"
	codeTooManyApps       = "too_many_applications"
	codeNotFound          = "not_found"
	codeMethodNotAllowed  = "method_not_allowed"
	codeAmbiguousEvent    = "ambiguous_event"
	codeStarting          = "starting"
	codeOverloaded        = "overloaded"
	codeStoreUnavailable  = "store_unavailable"
	codeStreamUnavailable = "stream_unavailable"
	codeBacklogTooLong    = "backlog_too_long"
	codeQueryTimeout      = "query_timeout"
	codeInternal          = "internal"
)

// How long a client should wait before it asks again.
const (
	retrySoon  = time.Second
	retryLater = 5 * time.Second
)

// statusClientGone is what metrics count a request as whose client went away.
const statusClientGone = 499

const internalDetail = "the request could not be served; the service's log says why"

// failure is an error that has an answer: every handler returns one, or an
// error that answerFor turns into one.
type failure struct {
	status int
	code   string
	detail string
	// retryAfter is sent as Retry-After where it is not zero.
	retryAfter time.Duration
	// cause is for the log; the answer never shows it.
	cause error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.code, f.detail, f.cause)
	}
	return f.code + ": " + f.detail
}

func (f *failure) Unwrap() error { return f.cause }

func badRequest(code, format string, args ...any) *failure {
	return &failure{status: http.StatusBadRequest, code: code, detail: fmt.Sprintf(format, args...)}
}

func unavailable(code, detail string, retryAfter time.Duration, cause error) *failure {
	return &failure{
		status: http.StatusServiceUnavailable, code: code, detail: detail,
		retryAfter: retryAfter, cause: cause,
	}
}

// answerFor is the one table from errors to answers. ctx is the request's: a
// deadline that passed explains whatever error it led to.
func answerFor(ctx context.Context, err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &failure{
			status: http.StatusGatewayTimeout, code: codeQueryTimeout, cause: err,
			detail: "the query took too long; ask for a shorter time range or fewer events",
		}
	case ctx.Err() != nil:
		return &failure{status: statusClientGone, code: "client_closed_request", detail: "the client went away"}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConfiguration):
		return unavailable(codeStoreUnavailable, "the store does not answer", retryLater, err)
	}
	return &failure{
		status: http.StatusInternalServerError, code: codeInternal,
		detail: internalDetail, cause: err,
	}
}

// write sends the failure as application/problem+json.
func (f *failure) write(w http.ResponseWriter) {
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.retryAfter/time.Second)))
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="theeye"`)
	}
	problem.Write(w, f.status, f.code, f.detail)
}
