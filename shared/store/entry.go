package store

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// Bounds of one bulk. An event is at most 1 MiB, so a bulk exceeds maxBulkBytes
// by one document at most.
const (
	maxBulkDocs  = 1000
	maxBulkBytes = 16 << 20
	// fixedBytes estimates the size of a document's short fields.
	fixedBytes = 512
)

// WriteResult is the effect of the write rule on a document.
type WriteResult uint8

// The effects of the write rule.
const (
	// Inserted: the id was free.
	Inserted WriteResult = iota + 1
	// Replaced: the document replaced an older outcome or a later copy of the
	// same content.
	Replaced
	// Unchanged: the same content is held, and the document is no improvement.
	Unchanged
	// Conflict: another content holds the id; the document is kept as rejected.
	Conflict
	// Unstorable: the database will never take the document; the event is
	// kept as rejected with its original bytes.
	Unstorable
	// Expired: past its retention already, not written.
	Expired
)

// String returns the name that metrics and logs use.
func (r WriteResult) String() string {
	names := [...]string{"pending", "inserted", "replaced", "unchanged", "conflict", "unstorable", "expired"}
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("WriteResult(%d)", uint8(r))
}

// entry is a document while the rule is applied to it.
type entry struct {
	// doc is the form to write: the document as given, its conflict form or its
	// stripped form.
	doc *Document
	// faults are the reasons of the document as given.
	faults []event.Fault
	// index is the document's position in the caller's slice.
	index int
	// result is zero while pending. Conflict and Unstorable are set when the
	// form changes, and stay.
	result WriteResult
	// conflict and stripped say which forms doc has taken.
	conflict, stripped bool
	// slot is where the document is, once the entry is settled, and held the timestamp
	// of the document that was there. marked says that its mark was made with its write.
	slot   int64
	held   Span
	marked bool
	// sent says that a replacement was sent whose effect is unknown.
	sent bool
}

// bulk is the state of the rule while it is applied to one bulk.
type bulk struct {
	backend Backend
	// next are the entries that the following round inserts.
	next []*entry
	// accepted counts the documents that the database reported as written or
	// held: the witnesses that it works.
	accepted int
	// held counts the entries whose holder has the same content.
	held int
	// refused are the entries that the database, not the adapter, called
	// unstorable in this round.
	refused []*entry
}

// setResult sets the result, unless the entry's form has decided it already.
func (e *entry) setResult(r WriteResult) {
	if e.result == 0 {
		e.result = r
	}
}

// setHeldResult sets the result of an entry whose content is held by a document that
// is as good. That is the entry's own where a replacement matched after all.
func (e *entry) setHeldResult(h Holder) {
	if e.sent && e.doc.Origin == h.Origin && e.doc.Revision == h.Revision {
		e.setResult(Replaced)
		return
	}
	e.setResult(Unchanged)
}

// replacement returns the form that replaces a holder: it stays in its slot.
func (e *entry) replacement() *Document { return e.doc.InSlot(e.slot) }

// byID sorts by id, and the copies of one content so that the first one
// supersedes the others.
func byID(a, b *entry) int {
	return cmp.Or(
		strings.Compare(a.doc.ID, b.doc.ID),
		cmp.Compare(a.doc.Origin.Epoch, b.doc.Origin.Epoch),
		cmp.Compare(a.doc.Origin.Seq, b.doc.Origin.Seq),
		cmp.Compare(b.doc.Revision, a.doc.Revision),
	)
}

// bulkLen returns how many of the entries, at least one, fit into a bulk.
func bulkLen(entries []*entry) int {
	bytes := 0
	for n, e := range entries {
		bytes += fixedBytes + len(e.doc.Data)
		if e.doc.Status == Rejected {
			bytes += len(e.doc.Original)
		}
		if n == maxBulkDocs || n > 0 && bytes > maxBulkBytes {
			return n
		}
	}
	return len(entries)
}

// documents returns the forms to write.
func documents(entries []*entry) []*Document {
	docs := make([]*Document, len(entries))
	for i, e := range entries {
		docs[i] = e.doc
	}
	return docs
}

// Messages of the two reasons that the store itself adds. They contain nothing
// that depends on the order of arrival or on the database's error texts, so that
// every interleaving ends in the same document.
const (
	conflictMessage   = "another event was written under this event_id first"
	unstorableMessage = "the database cannot keep this event's data; the original bytes are kept"
	// droppedMessage is unstorableMessage where the policy keeps no original.
	droppedMessage = "the database cannot keep this event's data"
)

// toConflict changes the entry to the form that is kept beside a holder with
// other content. Valid fields and original stay as they are. Without an original
// the data is removed, too: the policy keeps none of a rejected event. The
// conflict is the first reason, before those that the event has by itself: a
// replay can change every other reason but never this one.
func (e *entry) toConflict() {
	c := *e.doc
	e.sent = false
	c.ID = ConflictID(c.Application, c.ContentHash, c.EventID)
	c.Status, c.ExpiresAt = Rejected, c.RejectedExpiresAt
	if len(c.Original) == 0 {
		c.Data = nil
	}
	e.doc, e.conflict, e.result = &c, true, Conflict
	c.Errors = e.reasons()
}

// toStripped changes the entry to a form without data, which has nothing that a
// database could refuse. A conflict stays a conflict.
func (e *entry) toStripped() {
	c := *e.doc
	c.Status, c.ExpiresAt = Rejected, c.RejectedExpiresAt
	c.Data = nil
	e.doc, e.stripped = &c, true
	e.setResult(Unstorable)
	c.Errors = e.reasons()
}

// reasons returns the reasons of the entry's form: those that the store adds, then
// the event's own. Their order does not depend on which was found first.
func (e *entry) reasons() []event.Fault {
	var faults []event.Fault
	if e.conflict {
		faults = append(faults, event.Fault{Code: event.CodeIDConflict, Path: event.Pointer("event_id"), Message: conflictMessage})
	}
	if e.stripped {
		reason := event.Fault{Code: event.CodeUnstorable, Path: event.Pointer(), Message: unstorableMessage}
		if len(e.doc.Original) == 0 {
			reason.Message = droppedMessage
		}
		faults = append(faults, reason)
	}
	return event.BoundFaults(append(faults, e.faults...))
}
