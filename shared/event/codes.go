package event

// Codes of events that cannot be carried: refused at the door, or rejected
// when such bytes reach the stream by another way.
const (
	CodeInvalidJSON      = "invalid_json"
	CodeNotObject        = "not_object"
	CodeInvalidText      = "invalid_text"
	CodeDuplicateKey     = "duplicate_key"
	CodeTooDeep          = "too_deep"
	CodeTooLarge         = "too_large"
	CodeNumberOutOfRange = "number_out_of_range"
)

// Codes of events that are accepted and then rejected.
const (
	CodeInvalidEventID       = "invalid_event_id"
	CodeInvalidSessionID     = "invalid_session_id"
	CodeInvalidCategory      = "invalid_category"
	CodeInvalidName          = "invalid_name"
	CodeInvalidData          = "invalid_data"
	CodeInvalidTimestamp     = "invalid_timestamp"
	CodeInvalidSchemaVersion = "invalid_schema_version"
	CodeTimestampInFuture    = "timestamp_in_future"
	CodeTimestampTooOld      = "timestamp_too_old"
	CodeUnknownType          = "unknown_type"
	// CodeUnknownSchemaVersion marks an event that names a version of its
	// type's schema which the registry never had, or keeps no longer.
	CodeUnknownSchemaVersion = "unknown_schema_version"
	CodeSchemaViolation      = "schema_violation"
	CodeIDConflict           = "id_conflict"
	CodeUnstorable           = "unstorable"
	CodeValidatorFailed      = "validator_failed"
	// CodeInvalidMessage marks a message of the stream whose headers no
	// collector wrote.
	CodeInvalidMessage = "invalid_message"
)

// MaxFaults bounds the faults kept with one event, MaxFaultBytes their codes,
// paths and messages together.
const (
	MaxFaults     = 20
	MaxFaultBytes = 4 << 10
)
