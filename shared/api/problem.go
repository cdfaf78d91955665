package api

import "github.com/theeye/theeye/shared/event"

// Problem is the answer to a request that failed: RFC 9457, with a stable
// code. Its type is always about:blank.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Code is one of the codes of this package or of package event.
	Code string `json:"code"`
	// Detail is one sentence for people.
	Detail string `json:"detail"`
	// Faults are all faults of a body, under CodeInvalidDeclaration.
	Faults []event.Fault `json:"faults,omitempty"`
	// Revision is the present revision, 0 if the resource does not exist;
	// it is present under CodeRevisionConflict.
	Revision *uint64 `json:"revision,omitzero"`
}

// Codes of problems that both services answer.
const (
	CodeUnauthorized        = "unauthorized"
	CodeNotFound            = "not_found"
	CodeMethodNotAllowed    = "method_not_allowed"
	CodeStarting            = "starting"
	CodeOverloaded          = "overloaded"
	CodeBodyIncomplete      = "body_incomplete"
	CodeBodyTimeout         = "body_timeout"
	CodeBodyTooLarge        = "body_too_large"
	CodeUnsupportedEncoding = "unsupported_encoding"
	// CodeInternal is an error that only the service's log explains.
	CodeInternal = "internal"
)

// Codes of problems that the collector answers. The codes of single events are
// those of package event.
const (
	CodeSeveralKeys      = "several_keys"
	CodeKeyDisabled      = "key_disabled"
	CodeKeyExpired       = "key_expired"
	CodeRateLimited      = "rate_limited"
	CodeOriginNotAllowed = "origin_not_allowed"
	CodeEmptyBody        = "empty_body"
	CodeEmptyBatch       = "empty_batch"
	CodeNotEvents        = "not_events"
	CodeTooManyEvents    = "too_many_events"
	CodeInvalidGzip      = "invalid_gzip"
	CodeStopping         = "stopping"
	CodeNoSpace          = "no_space"
	CodeStreamFull       = "stream_full"
	CodeCommitFailed     = "commit_failed"
)

// Codes of problems that the query API answers.
const (
	CodeForbidden             = "forbidden"
	CodeApplicationNotAllowed = "application_not_allowed"
	CodeUnknownParameter      = "unknown_parameter"
	CodeInvalidParameter      = "invalid_parameter"
	CodeRepeatedParameter     = "repeated_parameter"
	CodeInvalidQuery          = "invalid_query"
	CodeInvalidCursor         = "invalid_cursor"
	CodeTooManyApplications   = "too_many_applications"
	CodeAmbiguousEvent        = "ambiguous_event"
	CodeStoreUnavailable      = "store_unavailable"
	CodeStreamUnavailable     = "stream_unavailable"
	CodeRegistryUnavailable   = "registry_unavailable"
	CodeBacklogTooLong        = "backlog_too_long"
	CodeQueryTimeout          = "query_timeout"
	// CodeClientClosed is for logs and metrics: its client is gone.
	CodeClientClosed         = "client_closed_request"
	CodeInvalidHeader        = "invalid_header"
	CodeInvalidDeclaration   = "invalid_declaration"
	CodePreconditionRequired = "precondition_required"
	CodeRevisionConflict     = "revision_conflict"
	CodeTooManyJobs          = "too_many_jobs"
)
