package event

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Codes of events that cannot be accepted. The collector refuses them; such bytes
// that reach the stream by another way are rejected.
const (
	CodeInvalidJSON = "invalid_json"
	CodeNotObject   = "not_object"
	// CodeInvalidText is the code of bytes that are not UTF-8. An event whose text
	// escapes half of a surrogate pair is accepted and then rejected with it.
	CodeInvalidText      = "invalid_text"
	CodeDuplicateKey     = "duplicate_key"
	CodeTooDeep          = "too_deep"
	CodeTooLarge         = "too_large"
	CodeNumberOutOfRange = "number_out_of_range"
	// CodeNotAnEvent is the code of an object that holds events in a form that is
	// not read.
	CodeNotAnEvent = "not_an_event"
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
	CodeUnknownMember        = "unknown_member"
	CodeTimestampInFuture    = "timestamp_in_future"
	CodeTimestampTooOld      = "timestamp_too_old"
	CodeUnknownType          = "unknown_type"
	// CodeUnknownSchemaVersion is the code of an event that names a version
	// of its type's schema which the registry never had, or no longer keeps.
	CodeUnknownSchemaVersion = "unknown_schema_version"
	CodeSchemaViolation      = "schema_violation"
	// CodeTooCostly is the code of an event whose data takes too much work to
	// validate by the schema of its type.
	CodeTooCostly       = "too_costly"
	CodeIDConflict      = "id_conflict"
	CodeUnstorable      = "unstorable"
	CodeValidatorFailed = "validator_failed"
	// CodeInvalidMessage is the code of a message of the stream whose headers
	// no collector wrote.
	CodeInvalidMessage = "invalid_message"
)

// RejectionCodes are the codes of all reasons for which an accepted event is rejected.
var RejectionCodes = []string{
	CodeInvalidJSON, CodeNotObject, CodeInvalidText, CodeDuplicateKey, CodeTooDeep, CodeTooLarge, CodeNumberOutOfRange,
	CodeNotAnEvent, CodeInvalidEventID, CodeInvalidSessionID, CodeInvalidCategory, CodeInvalidName, CodeInvalidData,
	CodeInvalidTimestamp, CodeInvalidSchemaVersion, CodeUnknownMember, CodeTimestampInFuture, CodeTimestampTooOld,
	CodeUnknownType, CodeUnknownSchemaVersion, CodeSchemaViolation, CodeTooCostly, CodeIDConflict, CodeUnstorable,
	CodeValidatorFailed, CodeInvalidMessage,
}

// MaxFaults is the limit of the faults kept with one event, MaxFaultBytes that of
// their codes, paths and messages together.
const (
	MaxFaults     = 20
	MaxFaultBytes = 4 << 10
)

// maxFaultText is the limit of the path and of the message of one fault, in
// bytes, so that a long fault leaves room for the others.
const maxFaultText = 512

// Pointer returns the JSON pointer (RFC 6901) of reference tokens. Without tokens
// it is "", which points to the event itself.
func Pointer(tokens ...string) string {
	var b strings.Builder
	for _, token := range tokens {
		b.WriteByte('/')
		for i := 0; i < len(token); i++ {
			switch token[i] {
			case '~':
				b.WriteString("~0")
			case '/':
				b.WriteString("~1")
			default:
				b.WriteByte(token[i])
			}
		}
	}
	return b.String()
}

// BoundFaults returns faults within MaxFaults and MaxFaultBytes. Long paths and
// messages are cut at a character. When faults are left out, the last fault says
// how many, with the code of the first one left out. Text is made valid UTF-8, so
// that every store accepts it. The argument is not changed, and faults within the
// limits are returned unchanged.
func BoundFaults(faults []Fault) []Fault {
	const note = 96 // bytes reserved for the last fault, its code included
	kept := make([]Fault, 0, min(len(faults), MaxFaults))
	size, room := 0, 0 // room is the number of faults that fit before such a note
	for _, f := range faults {
		f.Path, f.Message = truncateText(f.Path), truncateText(f.Message)
		size += len(f.Code) + len(f.Path) + len(f.Message)
		if len(kept) == MaxFaults || size > MaxFaultBytes {
			break
		}
		kept = append(kept, f)
		if size <= MaxFaultBytes-note && len(kept) < MaxFaults {
			room = len(kept)
		}
	}
	if len(kept) == len(faults) {
		return kept
	}
	more := len(faults) - room
	return append(kept[:room], Fault{
		Code:    faults[room].Code,
		Message: strconv.Itoa(more) + " more faults are not listed",
	})
}

// truncateText returns s as valid UTF-8 of at most maxFaultText bytes.
func truncateText(s string) string {
	const ellipsis = "…"
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxFaultText {
		return s
	}
	n := maxFaultText - len(ellipsis)
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + ellipsis
}
