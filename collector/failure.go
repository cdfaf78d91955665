package collector

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
)

// How long a client should wait before it sends the same request again.
const (
	retrySoon  = time.Second
	retryLater = 10 * time.Second
)

// again ends every answer that leaves open what became of the events.
const again = "; sending the same events again is always safe"

func unavailable(code, detail string, retryAfter time.Duration, cause error) *httpserver.Failure {
	return httpserver.Unavailable(code, detail+again, retryAfter, cause)
}

// failureOf is the one table from errors to answers.
func failureOf(err error) *httpserver.Failure {
	var f *httpserver.Failure
	var syntax *event.SyntaxError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &syntax):
		return httpserver.NewFailure(http.StatusBadRequest, event.CodeInvalidJSON, "the body is "+syntax.Error())
	case errors.Is(err, event.ErrEmptyBody):
		return httpserver.NewFailure(http.StatusBadRequest, api.CodeEmptyBody, err.Error())
	case errors.Is(err, event.ErrEmptyBatch):
		return httpserver.NewFailure(http.StatusBadRequest, api.CodeEmptyBatch, err.Error())
	case errors.Is(err, event.ErrNotEvents):
		return httpserver.NewFailure(http.StatusBadRequest, api.CodeNotEvents, err.Error())
	case errors.Is(err, event.ErrTooManyEvents):
		return httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeTooManyEvents,
			"a request carries at most "+strconv.Itoa(maxEvents)+" events")
	case errors.Is(err, errOverloaded):
		return unavailable(api.CodeOverloaded, "more events are waiting than fit", retrySoon, err)
	case errors.Is(err, errNotRunning):
		return unavailable(api.CodeStopping, "the collector is starting or stopping", retrySoon, err)
	case errors.Is(err, errStreamFull):
		return unavailable(api.CodeStreamFull, "the stream has no room for events that are not processed yet", retryLater, err)
	case errors.Is(err, errNotCommitted):
		return unavailable(api.CodeCommitFailed, "the events are not known to be on disk", retrySoon, err)
	}
	return httpserver.Internal(err)
}
