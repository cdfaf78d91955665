package queryapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
)

// Codes of the problems that this API answers. They are contracts, named in
// the API's document.
const (
	codeUnauthorized         = api.CodeUnauthorized
	codeForbidden            = "forbidden"
	codeApplicationDenied    = "application_not_allowed"
	codeUnknownParameter     = api.CodeUnknownParameter
	codeInvalidParameter     = api.CodeInvalidParameter
	codeRepeatedParameter    = api.CodeRepeatedParameter
	codeInvalidQuery         = api.CodeInvalidQuery
	codeInvalidCursor        = "invalid_cursor"
	codeTooManyApps          = "too_many_applications"
	codeNotFound             = api.CodeNotFound
	codeAmbiguousEvent       = "ambiguous_event"
	codeStarting             = api.CodeStarting
	codeOverloaded           = api.CodeOverloaded
	codeStoreUnavailable     = "store_unavailable"
	codeStreamUnavailable    = "stream_unavailable"
	codeBacklogTooLong       = "backlog_too_long"
	codeQueryTimeout         = "query_timeout"
	codeBodyIncomplete       = api.CodeBodyIncomplete
	codeBodyTimeout          = api.CodeBodyTimeout
	codeBodyTooLarge         = api.CodeBodyTooLarge
	codeInvalidHeader        = api.CodeInvalidHeader
	codeUnsupportedEncoding  = api.CodeUnsupportedEncoding
	codeInvalidDeclaration   = "invalid_declaration"
	codePreconditionRequired = "precondition_required"
	codeRevisionConflict     = "revision_conflict"
	codeRegistryUnavailable  = "registry_unavailable"
	codeTooManyJobs          = "too_many_jobs"
	codeInternal             = api.CodeInternal
)

// How long a client should wait before it asks again.
const (
	retrySoon  = time.Second
	retryLater = 5 * time.Second
	retryJobs  = 30 * time.Second
)

// statusClientGone is what metrics count a request as whose client went away.
const statusClientGone = 499

// failure is an error that has an answer: every handler returns one, or an
// error that answerFor turns into one.
type failure = httpserver.Failure

func badRequest(code, format string, args ...any) *failure {
	return httpserver.BadRequest(code, format, args...)
}

func notFound(detail string) *failure { return httpserver.NotFound(detail) }

func unavailable(code, detail string, retryAfter time.Duration, cause error) *failure {
	return httpserver.Unavailable(code, detail, retryAfter, cause)
}

// answerFor is the one table from errors to answers. ctx is the request's: a
// deadline that passed explains whatever error it led to.
func answerFor(ctx context.Context, err error) *failure {
	var f *failure
	var conflict *registry.ConflictError
	var faulty *registry.InvalidError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &conflict):
		return conflicting(conflict.Present)
	case errors.As(err, &faulty):
		return invalid(faulty.Faults)
	case errors.Is(err, registry.ErrNotFound):
		return notFound("the registry has no such thing")
	case errors.Is(err, job.ErrNotFound):
		return notFound("there is no such job, or it ended so long ago that it is forgotten")
	case errors.Is(err, job.ErrTooMany):
		return &failure{
			Status: http.StatusTooManyRequests, Code: codeTooManyJobs, RetryAfter: retryJobs,
			Detail: fmt.Sprintf("%d jobs are waiting or running already; cancel one, or wait", job.MaxUnfinished),
		}
	case errors.Is(ctx.Err(), context.Canceled):
		return &failure{Status: statusClientGone, Code: "client_closed_request", Detail: "the client went away"}
	case ofNATS(err):
		return registryAway(err)
	case ctx.Err() != nil:
		return &failure{
			Status: http.StatusGatewayTimeout, Code: codeQueryTimeout, Cause: err,
			Detail: "the query took too long; ask for a shorter time range or fewer events",
		}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConfiguration):
		return unavailable(codeStoreUnavailable, "the store does not answer", retryLater, err)
	}
	return httpserver.Internal(err)
}
