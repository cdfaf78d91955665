package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Classes of failure. An adapter wraps every error in one of them; a caller
// decides by errors.Is.
var (
	// ErrUnavailable is transient: network, timeouts, elections, and every
	// error nobody knows. Try again later, nothing is decided.
	ErrUnavailable = errors.New("store unavailable")
	// ErrConfiguration needs a person: wrong password, missing rights. It
	// must stop the processor and reject no event.
	ErrConfiguration = errors.New("store refuses its configuration")
	// ErrUnstorable is final for the one document, whatever is tried.
	ErrUnstorable = errors.New("document cannot be stored")
	// ErrDuplicate says that the document's ID is taken.
	ErrDuplicate = errors.New("id is taken")

	// ErrInvalidQuery is a query outside of its documented bounds, a fault of
	// the caller.
	ErrInvalidQuery = errors.New("query is outside of its bounds")

	// ErrUnknown is the part of ErrUnavailable that nobody has classified. It
	// raises an alarm; what it was decides nothing.
	ErrUnknown = fmt.Errorf("%w: unknown failure", ErrUnavailable)
	// ErrUnencodable is the part of ErrUnstorable that the adapter finds
	// before it asks the database, so it needs no witness.
	ErrUnencodable = fmt.Errorf("%w: no encoding", ErrUnstorable)
)

// Holder is what the write rule needs of the document that holds an id.
type Holder struct {
	ContentHash string
	Origin      Origin
	Revision    uint64
}

// Held is what a store holds under an id, without the event's data.
type Held struct {
	Holder
	Status Status
	// Errors are those of a rejected event.
	Errors []event.Fault
	// ExpiresAt may be past: the document is to be removed.
	ExpiresAt time.Time
}

// Backend is what the write rule needs of a database. Documents arrive sorted
// by ID, which keeps concurrent bulks from waiting for each other. All methods
// are safe for concurrent use and stop when ctx ends.
//
// The first result of Insert and Replace has one entry a document: nil, or an
// error that is ErrDuplicate (Insert only) or ErrUnstorable. The second is the
// failure of the whole call, of another class; then the first is nil and
// nothing is known of any document. An adapter that sees a bulk refused whole
// for a reason that may lie in one document returns ErrUnstorable as the
// second: the writer then bisects.
type Backend interface {
	// Insert inserts each document whose ID is free, independently of the
	// others.
	Insert(ctx context.Context, docs []*Document) ([]error, error)
	// Holders reads the holders of ids; ids that nobody holds are absent.
	Holders(ctx context.Context, ids []string) (map[string]Holder, error)
	// Replace replaces each document's holder, in one atomic step each, only
	// where Supersedes(doc, holder) is true at that moment. No match is no
	// error.
	Replace(ctx context.Context, docs []*Document) ([]error, error)
}

// Supersedes is the guard of a replacement: the holder has the same content,
// and a later place, or the same place and a lower revision. Adapters express
// the same in their query language.
func Supersedes(d *Document, h Holder) bool {
	if d.ContentHash != h.ContentHash {
		return false
	}
	return d.Origin.Before(h.Origin) || d.Origin == h.Origin && h.Revision < d.Revision
}

// Reader answers the query API. Methods are safe for concurrent use; errors
// are of the classes above. A nil Applications is every application, an empty
// one none. A document past its ExpiresAt is invisible, removed or not.
type Reader interface {
	// Events returns up to q.Limit stored events in the order
	// (Timestamp, ID).
	Events(ctx context.Context, q EventQuery) ([]*Document, error)
	// Lookup returns the documents with the given IDs, at most 10,000, of
	// either status, in no particular order; absent ones are left out.
	Lookup(ctx context.Context, ids []string) ([]*Document, error)
	// Held returns what is held under the given ids, at most 10,000; absent
	// ones are left out. Unlike the other methods it shows what is past its
	// ExpiresAt and not removed yet, too.
	Held(ctx context.Context, ids []string) (map[string]Held, error)
	// Session summarises the stored events of one session. A session without
	// events has Count 0.
	Session(ctx context.Context, applications []string, sessionID string) (SessionSummary, error)
	// Rejected returns up to q.Limit rejected events in the order
	// (ReceivedAt, ID).
	Rejected(ctx context.Context, q RejectedQuery) ([]*Document, error)
	// RejectedSummary groups rejected events by application, type, code and
	// path, largest group first, at most q.Limit groups. An event with
	// several errors counts in several groups, in each of them once. q.After
	// and q.Descending do not matter.
	RejectedSummary(ctx context.Context, q RejectedQuery) ([]RejectedGroup, error)
	// Types counts events by type, the largest count of both outcomes first,
	// then by category and name; at most q.Limit types.
	Types(ctx context.Context, q TypesQuery) ([]TypeSummary, error)
}

// Store is one database. Only the processor calls Prepare and RaiseRevision.
type Store interface {
	Backend
	Reader
	// Prepare creates and upgrades collections and indexes, only by adding: a
	// changed index gets a new versioned name, then the old one is dropped.
	Prepare(ctx context.Context) error
	// Ready returns nil once Prepare of this layout has been done by anyone
	// and the database answers.
	Ready(ctx context.Context) error
	// Revision returns the highest registry revision ever written with
	// RaiseRevision, 0 for a new store.
	Revision(ctx context.Context) (uint64, error)
	// RaiseRevision records that documents of this revision may follow. A
	// lower one than recorded changes nothing.
	RaiseRevision(ctx context.Context, revision uint64) error
	// Close ends every connection. The store cannot be used after it.
	Close(ctx context.Context) error
}

// EventQuery selects stored events. Zero fields do not restrict.
type EventQuery struct {
	Applications []string
	SessionID    string
	Category     string
	Name         string
	// EventID should come with Applications: the two together are an index,
	// EventID alone is not.
	EventID string
	// From is inclusive, To exclusive, both on Timestamp.
	From, To   time.Time
	Descending bool
	// After continues behind a position of an earlier page; nil is the start.
	After *Position
	// Limit is 1 to 1,000.
	Limit int
}

// Position is where a page ended.
type Position struct {
	// Time is the last document's Timestamp, or ReceivedAt for rejected ones.
	Time time.Time
	ID   string
}

// RejectedQuery selects rejected events. Zero fields do not restrict.
type RejectedQuery struct {
	Applications []string
	SessionID    string
	Category     string
	Name         string
	EventID      string
	// Code is one that must be among the errors.
	Code string
	// From is inclusive, To exclusive, both on ReceivedAt.
	From, To   time.Time
	Descending bool
	After      *Position
	// Limit is 1 to 1,000.
	Limit int
}

// SessionSummary says what is stored of a session.
type SessionSummary struct {
	Count       int64
	First, Last time.Time
}

// RejectedGroup is one reason of rejection of one type of one application.
type RejectedGroup struct {
	Application, Category, Name string
	Code, Path                  string
	Count                       int64
	// First and Last are the ReceivedAt of the earliest and latest.
	First, Last time.Time
	// SampleID is the lowest ID of the events, SampleEventID its event_id.
	SampleID, SampleEventID string
}
