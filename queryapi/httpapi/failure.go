package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/store"
)

// How long a client should wait before it repeats a request.
const (
	retrySoon  = time.Second
	retryLater = 5 * time.Second
	retryJobs  = 30 * time.Second
)

// statusClientClosed is the status in metrics of a request whose client is
// gone.
const statusClientClosed = 499

// statuses are the statuses of the codes that package events, admin and access
// return.
var statuses = map[string]int{
	api.CodeInvalidParameter:      http.StatusBadRequest,
	api.CodeInvalidFilter:         http.StatusBadRequest,
	api.CodeTooManyApplications:   http.StatusBadRequest,
	api.CodeUnauthorized:          http.StatusUnauthorized,
	api.CodeForbidden:             http.StatusForbidden,
	api.CodeApplicationNotAllowed: http.StatusForbidden,
	api.CodeNotFound:              http.StatusNotFound,
	api.CodeUnknownSession:        http.StatusNotFound,
	api.CodeNoEvents:              http.StatusNotFound,
	api.CodeAnswerTooLarge:        http.StatusBadRequest,
	api.CodeQueryTimeout:          http.StatusGatewayTimeout,
	api.CodeStillBuilding:         http.StatusGatewayTimeout,
	api.CodeAmbiguousEvent:        http.StatusConflict,
	api.CodeLastOperator:          http.StatusConflict,
	api.CodeStarting:              http.StatusServiceUnavailable,
	api.CodeOverloaded:            http.StatusServiceUnavailable,
	api.CodeBacklogTooLong:        http.StatusServiceUnavailable,
	api.CodeStreamUnavailable:     http.StatusServiceUnavailable,
	api.CodeBackupRunning:         http.StatusTooManyRequests,
	api.CodeTooManyQueries:        http.StatusTooManyRequests,
	api.CodeTooManyExports:        http.StatusTooManyRequests,
	api.CodeTooManyStreams:        http.StatusTooManyRequests,
	api.CodeNoSpace:               http.StatusInsufficientStorage,
	api.CodeRegistryUnavailable:   http.StatusServiceUnavailable,
}

// failureOf is the one table from errors to answers. ctx is the request's: a
// deadline that passed explains whatever error it led to.
func failureOf(ctx context.Context, err error) *httpserver.Failure {
	var f *httpserver.Failure
	var p *problem.Error
	var conflict *editor.ConflictError
	var faulty *editor.InvalidError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &p) && !failedByCancellation(ctx, p):
		return failureOfProblem(p)
	case errors.As(err, &conflict):
		return revisionConflict(conflict.Present)
	case errors.As(err, &faulty):
		return invalidDeclaration(faulty.Faults)
	case errors.Is(err, registry.ErrNotFound):
		return httpserver.NotFound("the registry does not have it")
	case errors.Is(err, job.ErrNotFound):
		return httpserver.NotFound("there is no such job, or it ended so long ago that its record is removed")
	case errors.Is(err, job.ErrTooMany):
		return &httpserver.Failure{
			Status: http.StatusTooManyRequests, Code: api.CodeTooManyJobs, RetryAfter: retryJobs,
			Detail: fmt.Sprintf("%d jobs are queued or running already; cancel one, or wait", job.MaxUnfinished),
		}
	case errors.Is(err, columns.ErrNotHeld):
		return &httpserver.Failure{
			Status: http.StatusBadRequest, Code: api.CodeAnswerTooLarge, Cause: err,
			Detail: "a field of the question has too many or too long values on one day, or is one of too many fields: ask for another one",
		}
	case errors.Is(ctx.Err(), context.Canceled):
		return httpserver.NewFailure(statusClientClosed, api.CodeClientClosed, "the client closed the request")
	case ctx.Err() != nil:
		return &httpserver.Failure{
			Status: http.StatusGatewayTimeout, Code: api.CodeQueryTimeout, Cause: err,
			Detail: "the query took too long; ask for a shorter time range or fewer events",
		}
	case errors.Is(err, columns.ErrDamaged), errors.Is(err, fs.ErrNotExist):
		return httpserver.Unavailable(api.CodeStarting, "files of columns are damaged; they are rebuilt", retrySoon, err)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConfiguration):
		return httpserver.Unavailable(api.CodeStoreUnavailable, "the store does not answer", retryLater, err)
	}
	return httpserver.Internal(err)
}

// failedByCancellation reports whether a request to the registry failed because
// the client of ctx closed its own.
func failedByCancellation(ctx context.Context, p *problem.Error) bool {
	return p.Code == api.CodeRegistryUnavailable && p.Cause != nil && errors.Is(ctx.Err(), context.Canceled)
}

func failureOfProblem(p *problem.Error) *httpserver.Failure {
	status, ok := statuses[p.Code]
	if !ok {
		return httpserver.Internal(p)
	}
	f := &httpserver.Failure{Status: status, Code: p.Code, Detail: p.Detail, RetryAfter: p.RetryAfter, Cause: p.Cause}
	if status == http.StatusServiceUnavailable && f.RetryAfter == 0 {
		f.RetryAfter = retrySoon
	}
	for _, m := range p.Members {
		f = withMember(f, m.Name, m.Value)
	}
	return f
}

// maxShownFaults bounds the faults of one answer. A declaration within its
// limits can have a fault for each of its values.
const maxShownFaults = 1000

// invalidDeclaration is the answer to a declaration with faults.
func invalidDeclaration(faults []event.Fault) *httpserver.Failure {
	detail := "the declaration has 1 fault"
	if n := len(faults); n != 1 {
		detail = "the declaration has " + strconv.Itoa(n) + " faults"
	}
	if len(faults) > maxShownFaults {
		faults = slices.Clip(faults[:maxShownFaults])
		detail += "; the first " + strconv.Itoa(maxShownFaults) + " are listed"
	}
	return withMember(httpserver.NewFailure(http.StatusUnprocessableEntity, api.CodeInvalidDeclaration, detail), "faults", faults)
}

// revisionConflict is the answer to a change of another version than the
// present one; present is 0 if the resource does not exist.
func revisionConflict(present uint64) *httpserver.Failure {
	detail := "it does not exist; without If-Match it is created"
	if present != 0 {
		detail = "the present revision is " + strconv.FormatUint(present, 10)
	}
	f := httpserver.NewFailure(http.StatusPreconditionFailed, api.CodeRevisionConflict, detail)
	f.Header = http.Header{api.HeaderETag: {api.ETag(present)}}
	return withMember(f, "revision", present)
}

// withMember adds a member of api.Problem to f. Its value consists of numbers
// and strings, which always encode.
func withMember(f *httpserver.Failure, name string, value any) *httpserver.Failure {
	b, err := json.Marshal(value, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return httpserver.Internal(err)
	}
	f.Members = append(f.Members, httpserver.Member{Name: name, Value: b})
	return f
}
