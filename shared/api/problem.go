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
	// Parameter, Index, Position and Expected are present under CodeInvalidFilter:
	// the parameter, the index of its value from 0, how many bytes of that come
	// before the fault, and what should stand there.
	Parameter string `json:"parameter,omitzero"`
	Index     *int   `json:"index,omitzero"`
	Position  *int   `json:"position,omitzero"`
	Expected  string `json:"expected,omitzero"`
	// BuiltFrom is the start of the oldest day of received time from which on every
	// day can be asked for; it may be present under CodeStillBuilding.
	BuiltFrom Time `json:"built_from,omitzero"`
	// Advice says which question would cost less; it is present under
	// CodeQueryTimeout where a statistic was asked for.
	Advice string `json:"advice,omitzero"`
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
	// CodeHostNotAllowed is also answered by the admin listeners.
	CodeHostNotAllowed = "host_not_allowed"
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
	// CodeServerKeyInPage answers a server key that a page sends, and
	// CodeTokenNotWriteKey a token in the place of a write key.
	CodeServerKeyInPage  = "server_key_in_page"
	CodeTokenNotWriteKey = "token_not_write_key"
	// CodeAdapterNotEnabled answers an event in the format of another product
	// that the key's application has not enabled.
	CodeAdapterNotEnabled = "adapter_not_enabled"
	CodeTooCostly         = "too_costly"
	CodeEmptyBody         = "empty_body"
	CodeEmptyBatch        = "empty_batch"
	CodeNotEvents         = "not_events"
	CodeTooManyEvents     = "too_many_events"
	CodeInvalidGzip       = "invalid_gzip"
	CodeStopping          = "stopping"
	CodeNoSpace           = "no_space"
	CodeStreamFull        = "stream_full"
	CodeCommitFailed      = "commit_failed"
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
	CodeInvalidFilter         = "invalid_filter"
	CodeTooManyExports        = "too_many_exports"
	CodeTooManyStreams        = "too_many_streams"
	CodeTooManyApplications   = "too_many_applications"
	CodeAmbiguousEvent        = "ambiguous_event"
	CodeUnknownSession        = "unknown_session"
	// CodeNoEvents answers a question that events of a type answer, where there are none.
	CodeNoEvents            = "no_events"
	CodeAnswerTooLarge      = "too_large"
	CodeStoreUnavailable    = "store_unavailable"
	CodeStreamUnavailable   = "stream_unavailable"
	CodeRegistryUnavailable = "registry_unavailable"
	CodeBacklogTooLong      = "backlog_too_long"
	CodeQueryTimeout        = "query_timeout"
	// CodeStillBuilding answers a question about days whose columns have not been built
	// since the start.
	CodeStillBuilding  = "still_building"
	CodeTooManyQueries = "too_many_queries"
	// CodeClientClosed is for logs and metrics: its client is gone.
	CodeClientClosed         = "client_closed_request"
	CodeInvalidHeader        = "invalid_header"
	CodeInvalidDeclaration   = "invalid_declaration"
	CodePreconditionRequired = "precondition_required"
	CodeRevisionConflict     = "revision_conflict"
	CodeTooManyJobs          = "too_many_jobs"
	CodeBackupRunning        = "backup_running"
	// CodeLastOperator answers the removal of the only operator token, unless the
	// parameter of this name is true.
	CodeLastOperator = "last_operator"
)
