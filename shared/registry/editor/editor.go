package editor

import (
	"fmt"
	"math"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// Editor changes the registry. It asks the buckets at every call, and no decision
// depends on its memory: any number of editors in any processes can work side by
// side. Its methods are safe for concurrent use.
//
// Every change is one step of one key, under a Precondition. A call that comes
// too late returns a *ConflictError. A call that is repeated, as after an answer
// that was lost, finds the wanted value in place and changes nothing.
//
// A caller can decide by registry.ErrNotFound, *ConflictError and *InvalidError.
// All other errors are those of NATS, jetstream.ErrBucketNotFound among them until
// the processor has created the buckets. After such an error the change may have
// been made or not; the same call may be made again.
type Editor struct {
	*registry.History

	js           jetstream.JetStream
	schemas      *kv.Bucket
	applications records[Application]
	tokens       records[Token]
	owners       *keyOwners
}

// New returns an Editor. It opens buckets when it needs them.
func New(js jetstream.JetStream) *Editor {
	applications := kv.New(js, stream.BucketApplications)
	return &Editor{
		History:      registry.NewHistory(js),
		js:           js,
		schemas:      kv.New(js, stream.BucketSchemas),
		applications: records[Application]{applications, stream.ValidApplication, readApplication},
		tokens:       records[Token]{kv.New(js, stream.BucketTokens), registry.ValidTokenID, readToken},
		owners:       newKeyOwners(applications),
	}
}

// Precondition is what a key must have for a change to be made: a revision, or
// one of the constants.
type Precondition uint64

// Preconditions that name no revision.
const (
	// Absent holds if the key does not exist.
	Absent Precondition = 0
	// Any always holds.
	Any Precondition = math.MaxUint64
	// Present holds if the key exists.
	Present = Any - 1
)

// check returns a *ConflictError unless the precondition holds for an entry.
func (p Precondition) check(now kv.Entry) error {
	present := presentRevision(now)
	if p == Any || uint64(p) == present || p == Present && present > 0 {
		return nil
	}
	return &ConflictError{present}
}

// presentRevision is the revision of a value, 0 for a key that does not exist.
func presentRevision(e kv.Entry) uint64 {
	if !e.Exists() {
		return 0
	}
	return e.Revision
}

// MaxNote bounds the note of a change, in characters.
const MaxNote = 500

// maxAuthor bounds the author of a change, in characters.
const maxAuthor = 64

// checkChangeInfo returns the faults of an author and a note.
func checkChangeInfo(by registry.ChangeInfo) []event.Fault {
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	for _, line := range []struct {
		at, text string
		most     int
	}{{"author", by.Author, maxAuthor}, {"note", by.Note, MaxNote}} {
		switch {
		case !utf8.ValidString(line.text) || hasControl(line.text):
			m.At(line.at).Faultf("must be one line of text")
		case utf8.RuneCountInString(line.text) > line.most:
			m.At(line.at).Faultf("is longer than %d characters", line.most)
		}
	}
	return faults
}

// hasControl reports whether a text has control characters or line separators.
func hasControl(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return true
		}
	}
	return false
}

// stamp returns by with the present time.
func stamp(by registry.ChangeInfo) registry.ChangeInfo {
	return registry.ChangeInfo{Author: by.Author, Note: by.Note, Time: time.Now().UTC().Truncate(time.Second)}
}

// ConflictError says that the precondition of a change does not hold.
type ConflictError struct {
	// Present is the revision that the key has, 0 if it does not exist.
	Present uint64
}

// Error says which revision is present.
func (e *ConflictError) Error() string {
	if e.Present == 0 {
		return registry.ErrNotFound.Error()
	}
	return fmt.Sprintf("the registry has it at revision %d", e.Present)
}

// InvalidError lists every fault of a declaration or of the other arguments of a
// change. It quotes no digest and no secret.
type InvalidError struct{ Faults []event.Fault }

// Error quotes the first fault.
func (e *InvalidError) Error() string { return registry.FirstFault(e.Faults).Error() }

// invalid returns an *InvalidError with all faults, nil for none.
func invalid(faults ...[]event.Fault) error {
	var all []event.Fault
	for _, f := range faults {
		all = append(all, f...)
	}
	if len(all) == 0 {
		return nil
	}
	return &InvalidError{all}
}

// PutResult says what a put did.
type PutResult struct {
	// Revision is the one that the key has now.
	Revision uint64
	// Created says that the key did not exist before, Unchanged that it had the
	// same value: then there is no new revision.
	Created, Unchanged bool
}
