package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/query"
)

// Classes of failure. An adapter wraps every error in one of them; a caller
// decides by errors.Is.
var (
	// ErrUnavailable is transient: network, timeouts, elections, and every
	// unknown error. Nothing is decided; try again later.
	ErrUnavailable = errors.New("store unavailable")
	// ErrConfiguration needs an operator: wrong password, missing rights. It
	// must stop the processor and reject no event.
	ErrConfiguration = errors.New("store refuses its configuration")
	// ErrUnstorable is final for the one document, whatever is tried.
	ErrUnstorable = errors.New("document cannot be stored")
	// ErrDuplicate says that the document's ID is taken.
	ErrDuplicate = errors.New("id is taken")
	// ErrNoMatch says that a replacement may have found no holder that its guard
	// describes. Nothing is decided: read the holder again.
	ErrNoMatch = errors.New("no holder matches")

	// ErrUnknown is the part of ErrUnavailable that is not classified. It raises
	// an alarm, and its cause decides nothing.
	ErrUnknown = fmt.Errorf("%w: unknown failure", ErrUnavailable)
	// ErrUnencodable is the part of ErrUnstorable that the adapter finds before
	// it calls the database, so the refusal needs no witness.
	ErrUnencodable = fmt.Errorf("%w: no encoding", ErrUnstorable)
)

// Holder is the part of a document under an id that the write rule compares.
type Holder struct {
	ContentHash string
	Origin      Origin
	Revision    uint64
	// Slot is Document.EffectiveSlot.
	Slot int64
	// Timestamps is Document.Span.
	Timestamps Span
}

// HolderOf returns the holder that a document is.
func HolderOf(d *Document) Holder {
	return Holder{ContentHash: d.ContentHash, Origin: d.Origin, Revision: d.Revision, Slot: d.EffectiveSlot(), Timestamps: d.Span()}
}

// Held is the document under an id without the event's data.
type Held struct {
	Holder
	Status Status
	// Errors are those of a rejected event.
	Errors []event.Fault
	// ExpiresAt may be past: then the document is removed soon.
	ExpiresAt time.Time
}

// Backend is the part of a database that the write rule uses. Documents arrive
// sorted by ID, which keeps concurrent bulks from waiting for each other. All
// methods are safe for concurrent use and stop when ctx ends.
//
// The first result of Insert and Replace has one entry a document: nil, or an
// error that is ErrDuplicate (Insert only), ErrNoMatch (Replace only) or
// ErrUnstorable. The second is the failure of the whole call, of another class; then
// the first is nil and the fate of every document is unknown. An adapter whose database refuses a
// whole bulk for a reason that may lie in one document returns ErrUnstorable as
// the second: the writer then bisects.
type Backend interface {
	// Insert inserts each document whose ID is free, independently of the
	// others.
	Insert(ctx context.Context, docs []*Document) ([]error, error)
	// Holders reads the holders of ids; free ids are absent.
	Holders(ctx context.Context, ids []string) (map[string]Holder, error)
	// Replace replaces each document's holder, in one atomic step each, only
	// where MayReplace(doc, holder) is true at that moment. Where it is not, the
	// error is ErrNoMatch. A database that only reports how many matched returns it
	// for every document of a bulk of which fewer did.
	Replace(ctx context.Context, docs []*Document) ([]error, error)
	// Mark adds 1, at least, to the generation of each slot and of its day, and extends
	// the timestamps of the day, in the same atomic step, to those of the mark. It is durable when it returns nil.
	Mark(ctx context.Context, marks []SlotMark) error
	// MarksWrites reports whether Insert and Replace mark the slots of the
	// written documents, in the same atomic step, so that Mark is needed for other documents
	// only.
	MarksWrites() bool
}

// MayReplace is the guard of a replacement: the document supersedes the holder and
// is in its slot. Adapters express the same in their query language. Without the
// slot, a document that expired and was inserted again since its holder was read
// would change its slot.
func MayReplace(d *Document, h Holder) bool {
	return Supersedes(d, h) && d.EffectiveSlot() == h.Slot
}

// Supersedes reports whether the document is better than the holder: that has the
// same content, and a later origin, or the same origin and a lower revision.
func Supersedes(d *Document, h Holder) bool {
	if d.ContentHash != h.ContentHash {
		return false
	}
	return d.Origin.Before(h.Origin) || d.Origin == h.Origin && h.Revision < d.Revision
}

// Reader answers questions about documents. Methods are safe for concurrent use;
// errors are of the classes above, or query.ErrInvalid where the question is
// outside of its bounds. A document past its ExpiresAt is invisible, removed or
// not, except to Held.
//
// A new question is a new value of package query, not a new method.
type Reader interface {
	// Find returns a page of events, at most q.Limit, in the order that q names.
	Find(ctx context.Context, q query.Events) ([]*Document, error)
	// SummarizeSession counts the stored events with a session id in the applications:
	// nil is every application, an empty list none.
	SummarizeSession(ctx context.Context, applications []string, sessionID string) (query.SessionSummary, error)
	// Lookup returns the documents with the given IDs, at most query.MaxIDs, of
	// either status, in no particular order; absent ones are left out.
	Lookup(ctx context.Context, ids []string) ([]*Document, error)
	// Held returns the light form of the documents under the given IDs, at most
	// query.MaxIDs; absent ones are left out. It includes documents that are past
	// their ExpiresAt and not removed yet.
	Held(ctx context.Context, ids []string) (map[string]Held, error)
}

// Store is one database. Only the processor calls Prepare, RaiseRevision and
// ApplyRetention.
type Store interface {
	Backend
	Reader
	Marks
	Retainer
	// Prepare creates and upgrades collections and indexes, only by adding: a
	// changed index gets a new versioned name, then the old one is dropped.
	Prepare(ctx context.Context) error
	// Ready returns nil once any process has completed Prepare of this layout
	// and the database answers.
	Ready(ctx context.Context) error
	// HighestRevision returns the highest registry revision ever written with
	// RaiseRevision, 0 for a new store.
	HighestRevision(ctx context.Context) (uint64, error)
	// RaiseRevision records that documents of this revision may follow. A
	// revision lower than the recorded one changes nothing.
	RaiseRevision(ctx context.Context, revision uint64) error
	// Close closes every connection. The store cannot be used afterwards.
	Close(ctx context.Context) error
}
