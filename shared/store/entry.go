package store

import (
	"cmp"
	"slices"
	"strings"
)

// Bounds of one bulk. An event is at most 1 MiB, so a bulk is at most one
// document over maxBulkBytes.
const (
	maxBulkDocs  = 1000
	maxBulkBytes = 16 << 20
	// fixedBytes is about what a document's short fields take.
	fixedBytes = 512
)

// entry is a document on its way through the rule.
type entry struct {
	// doc is the form that is being written: the document as given, its
	// conflict form or its stripped form.
	doc *Document
	// index is the document's position in the caller's slice.
	index int
	// outcome is zero while pending. Conflict and Unstorable are set when the
	// form changes, and stay.
	outcome WriteResult
	// conflict and stripped say which forms doc has taken.
	conflict, stripped bool
}

// end gives an entry its outcome, unless its form has decided it already.
func (e *entry) end(o WriteResult) {
	if e.outcome == 0 {
		e.outcome = o
	}
}

// pend returns the documents to write, sorted by id; it marks those that are
// expired, and copies of a better document of this call, which need no step of
// their own.
func (w *Writer) pend(docs []*Document, outcomes []WriteResult) []*entry {
	now := w.now()
	all := make([]entry, 0, len(docs))
	pending := make([]*entry, 0, len(docs))
	for i, d := range docs {
		if !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now) {
			outcomes[i] = Expired
			continue
		}
		all = append(all, entry{doc: d, index: i})
		pending = append(pending, &all[len(all)-1])
	}
	slices.SortStableFunc(pending, byID)

	kept := pending[:0]
	first := 0 // the first entry in kept that has the present id
	for _, e := range pending {
		if first < len(kept) && kept[first].doc.ID != e.doc.ID {
			first = len(kept)
		}
		same := func(k *entry) bool { return k.doc.ContentHash == e.doc.ContentHash }
		if slices.ContainsFunc(kept[first:], same) {
			outcomes[e.index] = Unchanged
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

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
