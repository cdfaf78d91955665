package store

import (
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query"
)

// Status is the outcome of an accepted event.
type Status string

// The two outcomes.
const (
	Stored   Status = "stored"
	Rejected Status = "rejected"
)

// Origin is the position of a document's message in the stream.
type Origin struct {
	// Epoch is the stream's creation time in microseconds since 1970, so that
	// the origins of a recreated stream come after those of the old one.
	Epoch int64
	// Seq is the message's sequence in that stream, from 1.
	Seq uint64
}

// Before reports whether o is an earlier position than p.
func (o Origin) Before(p Origin) bool {
	return o.Epoch < p.Epoch || o.Epoch == p.Epoch && o.Seq < p.Seq
}

// Document is one event with its outcome. Fields that are not valid in a
// rejected event are zero. Times are in UTC.
//
// A writer reads documents and never changes them; slices may alias the
// message they came from until Write returns.
type Document struct {
	// ID is DocumentID, or ConflictID for an event that came second.
	ID          string
	Status      Status
	Application string
	EventID     string
	SessionID   string
	Category    string
	Name        string
	// Data is a JSON object as event.Event.Data, nil when absent.
	Data []byte
	// Timestamp is exact to the microsecond. It is the one sent, moved by
	// ClockOffsetMS.
	Timestamp time.Time
	// ClockOffsetMS is how far the clock of the client was behind, in
	// milliseconds; negative for one that was fast, 0 for one that was not
	// corrected.
	ClockOffsetMS int64
	// ReceivedAt is when the collector accepted the event, exact to the
	// millisecond (a BSON date keeps no more).
	ReceivedAt time.Time
	// Slot is the document's slot where it is not that of ReceivedAt: an earlier copy
	// of the event has replaced the one that was inserted first. Writer sets it.
	Slot *int64
	// ExpiresAt is when the document may be removed; zero is never. Exact to
	// the millisecond.
	ExpiresAt time.Time
	// RejectedExpiresAt is when the document may be removed if the write rule
	// rejects it, as a conflict or as unstorable. It is not kept.
	RejectedExpiresAt time.Time
	ContentHash       string
	Origin            Origin
	// Revision is the registry revision by which the event was validated.
	Revision uint64
	// SchemaVersion is the revision of the schema that validated the event; 0
	// without a schema.
	SchemaVersion int64
	// SentSchemaVersion is the schema version that the event's envelope names; 0
	// when it names none.
	SentSchemaVersion int64
	// Errors say why the event was rejected.
	Errors []event.Fault
	// Original is the event as received. A writer gets it with every document
	// that may keep it; only rejected ones do. Without an original, as where the
	// policy keeps none of the type, every rejected form of the document has
	// neither original nor data.
	Original []byte
}

// Size returns the size in bytes of the parts that have no small bound: the data
// and the original.
func (d *Document) Size() int { return len(d.Data) + len(d.Original) }

// Position returns the document's position in the pages of its status.
func (d *Document) Position() query.Position {
	if d.Status == Rejected {
		return query.Position{Time: d.ReceivedAt, ID: d.ID}
	}
	return query.Position{Time: d.Timestamp, ID: d.ID}
}

// DocumentID is the _id of an application's event.
func DocumentID(application, eventID string) string { return application + "/" + eventID }

// ConflictID is the _id under which an event is kept whose event_id another
// content already holds. No application name contains '#'.
func ConflictID(application, contentHash, eventID string) string {
	return application + "#" + contentHash + "/" + eventID
}
