//go:build !race

package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/theeye/theeye/shared/store"
)

// database is the model of a database: documents by id. Every step on one
// document is atomic; between two steps any other writer may run one of its own.
type database struct {
	docs map[string]*store.Document
	// expired is the content that was removed.
	expired string
	// now is the clock by which documents expire, in seconds.
	now int64
	// marks are the generations of slots.
	marks map[int64]int
	// rows are what the builder kept, with the generation that it read before.
	rows       string
	generation int
	hasRows    bool
	// copies are the rows that the document in id x has had since it was inserted, and
	// gone those of documents that were removed.
	copies, gone []string
	setting
}

// bug changes the model, or a writer's view of it, into one of the mistakes that
// the write rule exists to prevent. The zero value changes nothing.
type bug struct {
	name string
	// guard replaces store.Supersedes in Replace.
	guard func(d *store.Document, h store.Holder) bool
	// takenIsWritten reports a taken id as inserted.
	takenIsWritten bool
	// upsert makes Replace write where nothing matches the guard.
	upsert bool
	// twoSteps makes Replace read, let other writers run, and write.
	twoSteps bool
	// sameContent shows every holder with the content of the asking writer, so
	// that "no match" counts as success with other content, too.
	sameContent bool
	// forgetsConflicts reports a conflict as inserted without keeping it.
	forgetsConflicts bool

	// These are mistakes of a raise, or of a replacement in place: it raises whatever differs, whatever copy is held by
	// then, or whatever revision; it has no guard at all, does not compare the status, or
	// takes any other revision for a lower one.
	raisesDifferent, raisesCopies, raisesNewer       bool
	raisesUnguarded, raisesAnyStatus, lowersRevision bool
	// silentRaise leaves the slot of a raised document without a mark.
	silentRaise bool

	// The others are mistakes with marks. presentSlot makes a document's slot that of
	// its present copy: writers mark that of the written copy.
	presentSlot bool
	// readSlot also marks the slot of the holder that was read.
	readSlot bool
	// markFirst marks before it writes.
	markFirst bool
	// silentUnchanged marks only the written documents.
	silentUnchanged bool
	// lateGeneration makes the builder read the generation after the scan.
	lateGeneration bool
	// slotFreeGuard replaces documents whatever their slot.
	slotFreeGuard bool
}

func bugs() []bug {
	return []bug{
		{name: "guard without origin", guard: func(d *store.Document, h store.Holder) bool {
			return d.ContentHash == h.ContentHash && h.Revision < d.Revision
		}},
		{name: "guard without revision", guard: func(d *store.Document, h store.Holder) bool {
			return d.ContentHash == h.ContentHash && d.Origin.Before(h.Origin)
		}},
		{name: "guard without content", guard: func(d *store.Document, h store.Holder) bool {
			d = withHash(d, h.ContentHash)
			return store.Supersedes(d, h)
		}},
		{name: "guard where the same origin always wins", guard: func(d *store.Document, h store.Holder) bool {
			return d.ContentHash == h.ContentHash && !h.Origin.Before(d.Origin)
		}},
		{name: "no guard: the last one wins", guard: func(*store.Document, store.Holder) bool { return true }},
		{name: "E11000 taken for stale", takenIsWritten: true},
		{name: "upsert instead of guarded replace", upsert: true},
		{name: "guard and replacement in two steps", twoSteps: true},
		{name: "no match is success for other content", sameContent: true},
		{name: "conflict not kept", forgetsConflicts: true},
	}
}

func withHash(d *store.Document, hash string) *store.Document {
	c := *d
	c.ContentHash = hash
	return &c
}

// String is the state as text: equal text, equal state.
func (db *database) String() string {
	b := new(strings.Builder)
	fmt.Fprintf(b, "expired=%s;now=%d;%v;%v %d %s;", db.expired, db.now, db.marks, db.hasRows, db.generation, db.rows)
	if db.built != 0 {
		fmt.Fprintf(b, "%v;%v;", db.copies, db.gone)
	}
	for _, id := range slices.Sorted(maps.Keys(db.docs)) {
		d := db.docs[id]
		fmt.Fprintf(b, "%s=%s@%d.r%d.%s.%d;", id, d.ContentHash, d.Origin.Seq, d.Revision, d.Status, d.EffectiveSlot())
	}
	return b.String()
}

// errCrash ends a Write whose process is killed between two steps.
var errCrash = errors.New("killed")

// session is one writer's connection to the database. Before every step it
// yields to the scheduler, which lets it continue or kills it.
type session struct {
	db *database
	// pause returns false when the process is killed.
	pause func() bool
	// seen is the text of all results that the writer got since its process
	// started. The writer is deterministic, so equal text is equal inner state.
	seen strings.Builder
	mine map[string]*store.Document
	// written are the slots of what this Write has written, raised those that a planted
	// mistake leaves without a mark.
	written, raised []int64
}

func (s *session) runStep(do func() string) error {
	if !s.pause() {
		return errCrash
	}
	s.seen.WriteString(do())
	return nil
}

func (s *session) Insert(_ context.Context, docs []*store.Document) ([]error, error) {
	errs := make([]error, len(docs))
	for i, d := range docs {
		s.mine[d.ID] = d
		if err := s.markBefore(d); err != nil {
			return nil, err
		}
		err := s.runStep(func() string {
			forgotten := s.db.bug.forgetsConflicts && strings.Contains(d.ID, "#")
			switch _, taken := s.db.docs[d.ID]; {
			case taken && !s.db.bug.takenIsWritten:
				errs[i] = store.ErrDuplicate
				return "taken "
			case !taken && !forgotten:
				s.put(d)
			}
			return "new "
		})
		if err != nil {
			return nil, err
		}
	}
	return errs, nil
}

func (s *session) Holders(_ context.Context, ids []string) (map[string]store.Holder, error) {
	holders := make(map[string]store.Holder)
	for _, id := range ids {
		err := s.runStep(func() string {
			d, ok := s.db.docs[id]
			if !ok {
				return "free "
			}
			h := store.HolderOf(d)
			if s.db.bug.sameContent {
				if mine, asked := s.mine[id]; asked {
					h.ContentHash = mine.ContentHash
				}
			}
			holders[id] = h
			return fmt.Sprintf("%s@%d.r%d.%d ", h.ContentHash, h.Origin.Seq, h.Revision, h.Slot)
		})
		if err != nil {
			return nil, err
		}
	}
	return holders, nil
}

// readBefore returns what a replay has read before it writes.
func (s *session) readBefore(docs []*store.Document) (map[string]store.Held, error) {
	if !s.db.handed {
		return nil, nil
	}
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
		s.mine[d.ID] = d
	}
	slices.Sort(ids)
	holders, err := s.Holders(context.Background(), slices.Compact(ids))
	read := make(map[string]store.Held, len(holders))
	for id, h := range holders {
		read[id] = store.Held{Holder: h}
	}
	return read, err
}

func (s *session) Replace(_ context.Context, docs []*store.Document) ([]error, error) {
	errs := make([]error, len(docs))
	for i, d := range docs {
		if s.db.bug.presentSlot {
			d = d.InSlot(store.SlotOf(d.ReceivedAt))
		}
		if s.db.raising {
			decided, err := s.raise(d, &errs[i])
			if err != nil {
				return nil, err
			}
			if decided {
				continue
			}
		}
		matched := false
		check := func() string {
			h, ok := s.db.docs[d.ID]
			matched = s.db.bug.upsert || ok && s.matchesGuard(d, store.HolderOf(h))
			return fmt.Sprintf("match %v ", s.db.bug.twoSteps && matched)
		}
		put := func() string {
			if matched {
				s.put(d)
			} else {
				errs[i] = store.ErrNoMatch
			}
			return fmt.Sprintf("replaced %v ", matched)
		}
		steps := []func() string{func() string { return check() + put() }}
		if s.db.bug.twoSteps {
			steps = []func() string{check, put}
		}
		if err := s.markBefore(d); err != nil {
			return nil, err
		}
		for _, do := range steps {
			if err := s.runStep(do); err != nil {
				return nil, err
			}
		}
	}
	if !s.db.embedded && slices.Contains(errs, store.ErrNoMatch) {
		for i := range errs {
			errs[i] = store.ErrNoMatch // the database does not report which
		}
	}
	return errs, nil
}

// raise reads the holder of a document in one step, and, where it differs in nothing but
// a lower revision, raises that in another, unless the holder was written since. An
// embedded database has one statement instead: see replaceInPlace. It reports whether
// that decided about the document.
func (s *session) raise(d *store.Document, result *error) (decided bool, err error) {
	if s.db.embedded {
		return s.replaceInPlace(d)
	}
	var read *store.Document
	err = s.runStep(func() string {
		h, ok := s.db.docs[d.ID]
		if ok && s.mayRaise(h, d) {
			read = h
			return fmt.Sprintf("raise @%d.r%d ", h.Origin.Seq, h.Revision)
		}
		return "differs "
	})
	if err != nil || read == nil {
		return false, err
	}
	return true, s.runStep(func() string {
		h, ok := s.db.docs[d.ID]
		b := s.db.bug
		if !ok || !b.raisesUnguarded && (h.Slot != nil ||
			h.Origin != read.Origin && !b.raisesCopies || h.Revision != read.Revision && !b.raisesNewer) {
			*result = store.ErrNoMatch
			return "not raised "
		}
		s.putRaised(h, d.Revision)
		return "raised "
	})
}

// replaceInPlace replaces the holder of a document, but for the fields that indexes
// have, where these are equal.
func (s *session) replaceInPlace(d *store.Document) (decided bool, err error) {
	err = s.runStep(func() string {
		h, ok := s.db.docs[d.ID]
		if decided = ok && s.mayReplaceInPlace(h, d); !decided {
			return "differs "
		}
		mixed := *d
		mixed.Status, mixed.Errors, mixed.ExpiresAt = h.Status, h.Errors, h.ExpiresAt
		s.putNarrow(&mixed)
		return "in place "
	})
	return decided, err
}

func (s *session) mayReplaceInPlace(h, d *store.Document) bool {
	b := s.db.bug
	guard := store.MayReplace(d, store.HolderOf(h)) ||
		b.lowersRevision && h.ContentHash == d.ContentHash && h.Origin == d.Origin && h.Revision != d.Revision
	equal := (h.Status == d.Status || b.raisesAnyStatus) && slices.Equal(reasonsOf(h, false), reasonsOf(d, false)) &&
		h.ExpiresAt.Equal(d.ExpiresAt) && h.ReceivedAt.Equal(d.ReceivedAt)
	return b.raisesUnguarded || guard && (equal || b.raisesDifferent)
}

// mayRaise reports whether a holder differs from a document in nothing but a lower
// revision, and has no slot of its own.
func (s *session) mayRaise(h, d *store.Document) bool {
	b := s.db.bug
	if d.Slot != nil {
		return false
	}
	if b.raisesAnyStatus {
		c := *d
		c.Status = h.Status
		d = &c
	}
	lower := h.Revision < d.Revision || b.lowersRevision && h.Revision != d.Revision
	return b.raisesUnguarded || lower && (equalButRevision(h, d) || b.raisesDifferent && h.ContentHash == d.ContentHash)
}

// putRaised writes a holder with another revision.
func (s *session) putRaised(h *store.Document, revision uint64) {
	raised := *h
	raised.Revision = revision
	s.putNarrow(&raised)
}

// putNarrow writes a document of which only a part has changed.
func (s *session) putNarrow(d *store.Document) {
	slot := d.EffectiveSlot()
	before := s.db.marks[slot]
	s.put(d)
	if s.db.bug.silentRaise {
		s.raised = append(s.raised, slot)
		if s.db.built != 0 {
			s.db.marks[slot] = before
		}
	}
}

// equalButRevision compares what the documents of the model differ in.
func equalButRevision(h, d *store.Document) bool {
	return h.ContentHash == d.ContentHash && h.Origin == d.Origin && h.Status == d.Status && string(h.Data) == string(d.Data) &&
		h.EffectiveSlot() == d.EffectiveSlot() && h.ExpiresAt.Equal(d.ExpiresAt) &&
		slices.Equal(reasonsOf(h, false), reasonsOf(d, false))
}

// put writes a document in a step of its own, which is also its mark in an embedded
// database.
func (s *session) put(d *store.Document) {
	if d.ID == "demo/x" {
		if _, held := s.db.docs[d.ID]; !held {
			s.db.copies = nil
		}
		s.db.copies = append(s.db.copies, rowOf(d))
	}
	s.db.docs[d.ID] = d
	s.written = append(s.written, d.EffectiveSlot())
	if s.db.built != 0 && s.MarksWrites() {
		s.db.marks[d.EffectiveSlot()]++
	}
}

// expireHolder removes the holder of an id.
func (s *session) expireHolder(id string) error {
	return s.runStep(func() string {
		if d, ok := s.db.docs[id]; ok {
			s.db.expired = d.ContentHash
			s.db.now = max(s.db.now, expiryOf(d))
			s.db.gone = append(s.db.gone, s.db.copies...)
			delete(s.db.docs, id)
		}
		return "expired "
	})
}

func (s *session) matchesGuard(d *store.Document, h store.Holder) bool {
	if s.db.bug.guard != nil {
		return s.db.bug.guard(d, h)
	}
	if s.db.bug.slotFreeGuard || s.db.bug.presentSlot {
		return store.Supersedes(d, h)
	}
	return store.MayReplace(d, h)
}
