package httpserver

// Codes of the problems that mean the same in every API. They are contracts.
const (
	// CodeInternal is the code of every failure that only the log explains.
	CodeInternal            = "internal"
	CodeUnauthorized        = "unauthorized"
	CodeNotFound            = "not_found"
	CodeMethodNotAllowed    = "method_not_allowed"
	CodeStarting            = "starting"
	CodeOverloaded          = "overloaded"
	CodeBodyIncomplete      = "body_incomplete"
	CodeBodyTimeout         = "body_timeout"
	CodeBodyTooLarge        = "body_too_large"
	CodeUnsupportedEncoding = "unsupported_encoding"
	CodeInvalidQuery        = "invalid_query"
	CodeUnknownParameter    = "unknown_parameter"
	CodeRepeatedParameter   = "repeated_parameter"
	CodeInvalidParameter    = "invalid_parameter"
	CodeInvalidHeader       = "invalid_header"
)
