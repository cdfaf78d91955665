package collector

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/problem"
)

// Codes of the problems that the collector answers. They are contracts; the
// codes of single events belong to the event package.
const (
	codeUnauthorized        = "unauthorized"
	codeSeveralKeys         = "several_keys"
	codeKeyDisabled         = "key_disabled"
	codeOriginNotAllowed    = "origin_not_allowed"
	codeEmptyBody           = "empty_body"
	codeEmptyBatch          = "empty_batch"
	codeNotEvents           = "not_events"
	codeTooManyEvents       = "too_many_events"
	codeBodyTooLarge        = "body_too_large"
	codeBodyTimeout         = "body_timeout"
	codeBodyIncomplete      = "body_incomplete"
	codeInvalidGzip         = "invalid_gzip"
	codeUnsupportedEncoding = "unsupported_encoding"
	codeNotFound            = "not_found"
	codeMethodNotAllowed    = "method_not_allowed"
	codeStarting            = "starting"
	codeStopping            = "stopping"
	codeOverloaded          = "overloaded"
	codeNoSpace             = "no_space"
	codeStreamFull          = "stream_full"
	codeCommitFailed        = "commit_failed"
	codeInternal            = "internal"
)

// How long a client should wait before it sends the same request again.
const (
	retrySoon  = time.Second
	retryLater = 10 * time.Second
)

// again ends every answer that leaves open what became of the events.
const again = "; sending the same events again is always safe"

// failure is what a whole request is answered with instead of results. Every
// step returns one, or an error that failureOf turns into one.
type failure struct {
	status int
	code   string
	detail string
	// retryAfter is sent as Retry-After where it is not zero.
	retryAfter time.Duration
	// cause is for the log; the answer never shows it.
	cause error
}

func (f *failure) Error() string { return f.code + ": " + f.detail }

func (f *failure) Unwrap() error { return f.cause }

func fail(status int, code, detail string) *failure {
	return &failure{status: status, code: code, detail: detail}
}

func unavailable(code, detail string, retryAfter time.Duration, cause error) *failure {
	return &failure{
		status: http.StatusServiceUnavailable, code: code, detail: detail + again,
		retryAfter: retryAfter, cause: cause,
	}
}

// failureOf is the one table from errors to answers.
func failureOf(err error) *failure {
	var f *failure
	var syntax *event.SyntaxError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &syntax):
		return fail(http.StatusBadRequest, event.CodeInvalidJSON, "the body is "+syntax.Error())
	case errors.Is(err, event.ErrEmptyBody):
		return fail(http.StatusBadRequest, codeEmptyBody, err.Error())
	case errors.Is(err, event.ErrEmptyBatch):
		return fail(http.StatusBadRequest, codeEmptyBatch, err.Error())
	case errors.Is(err, event.ErrNotEvents):
		return fail(http.StatusBadRequest, codeNotEvents, err.Error())
	case errors.Is(err, event.ErrTooManyEvents):
		return fail(http.StatusRequestEntityTooLarge, codeTooManyEvents,
			"a request carries at most "+strconv.Itoa(maxEvents)+" events")
	case errors.Is(err, errOverloaded):
		return unavailable(codeOverloaded, "more events are waiting than fit", retrySoon, err)
	case errors.Is(err, errNotRunning):
		return unavailable(codeStopping, "the collector is starting or stopping", retrySoon, err)
	case errors.Is(err, errStreamFull):
		return unavailable(codeStreamFull, "the stream has no room for events that are not processed yet", retryLater, err)
	case errors.Is(err, errNotCommitted):
		return unavailable(codeCommitFailed, "the events are not known to be on disk", retrySoon, err)
	}
	return &failure{
		status: http.StatusInternalServerError, code: codeInternal,
		detail: "the request could not be served; the service's log says why", cause: err,
	}
}

// write answers with the failure.
func (f *failure) write(w http.ResponseWriter) {
	h := w.Header()
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(f.retryAfter/time.Second)))
	}
	switch f.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="theeye"`)
	case http.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "gzip")
	case http.StatusRequestTimeout:
		h.Set("Connection", "close")
	}
	problem.Write(w, f.status, f.code, f.detail)
}
