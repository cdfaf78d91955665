package query

import "time"

// SessionKey identifies a session: the stored events of one application with one
// session id.
type SessionKey struct{ Application, SessionID string }

// SessionPosition is the place of a session in the order of a page, which is that of
// First, application and session id.
type SessionPosition struct {
	First time.Time
	SessionKey
}

// SessionSummary counts the stored events of a session. It is zero where there are none.
type SessionSummary struct {
	Count int64
	// First and Last are the earliest and latest Timestamp.
	First, Last time.Time
}
