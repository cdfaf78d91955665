package store

import (
	"slices"

	"github.com/theeye/theeye/shared/event"
)

// Messages of the two reasons that the store itself gives. They name nothing
// that depends on the order of arrival or on the database's words, so that
// every interleaving ends in the same document.
const (
	conflictMessage   = "another event was written under this event_id first"
	unstorableMessage = "the database cannot keep this event's data; the original bytes are kept"
	// droppedMessage is unstorableMessage where the policy keeps no original.
	droppedMessage = "the database cannot keep this event's data"
)

// toConflict changes the entry's form to the one that is kept beside a holder
// with other content. Valid fields and original stay as they are, and without an
// original no data stays either: the policy keeps none of a rejected event. The
// conflict is its only reason, because a replay can change every other one
// but never this.
func (e *entry) toConflict() {
	c := *e.doc
	c.ID = ConflictID(c.Application, c.ContentHash, c.EventID)
	c.Status, c.ExpiresAt = Rejected, c.RejectedExpiresAt
	if len(c.Original) == 0 {
		c.Data = nil
	}
	c.Errors = []event.Fault{{
		Code: event.CodeIDConflict, Path: event.Pointer("event_id"), Message: conflictMessage,
	}}
	e.doc, e.conflict, e.outcome = &c, true, Conflict
}

// toStripped changes the entry's form to one without data, which holds nothing
// that a database could refuse. A conflict stays a conflict.
func (e *entry) toStripped() {
	c := *e.doc
	c.Status, c.ExpiresAt = Rejected, c.RejectedExpiresAt
	c.Data = nil
	if !e.conflict {
		reason := event.Fault{Code: event.CodeUnstorable, Path: "", Message: unstorableMessage}
		if len(c.Original) == 0 {
			reason.Message = droppedMessage
		}
		c.Errors = event.BoundFaults(slices.Concat([]event.Fault{reason}, c.Errors))
		e.outcome = Unstorable
	}
	e.doc, e.stripped = &c, true
}
