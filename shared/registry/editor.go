package registry

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/schema"
)

// Editor changes the registry and shows how it came to be. It asks the buckets
// at every call and remembers nothing that decides: any number of editors in any
// processes work side by side. Its methods are safe for concurrent use.
//
// Every change is one step of one key. Match says what it may replace: the
// revision that the key must have, 0 for a key that must not exist, AnyPresent or
// Any. A call that lost returns a *ConflictError; one that was let in twice, as
// after an answer that was lost, finds what it wanted in place and changes
// nothing.
//
// Errors that a caller decides by are ErrNotFound, *ConflictError and
// *InvalidError. All others are of NATS, jetstream.ErrBucketNotFound among them
// until the processor has made the buckets; then nothing is known of what became
// of the change, and the same call may be made again.
type Editor struct {
	js jetstream.JetStream

	mu      sync.Mutex
	streams map[string]jetstream.Stream // of the buckets, by their names

	owners *owners
}

// NewEditor returns an Editor, which opens buckets when it needs them.
func NewEditor(js jetstream.JetStream) *Editor {
	return &Editor{js: js, streams: map[string]jetstream.Stream{}, owners: newOwners()}
}

// What a change may replace, beside a revision and 0.
const (
	// Any is whatever there is, also nothing.
	Any uint64 = math.MaxUint64
	// AnyPresent is whatever there is, but something.
	AnyPresent = Any - 1
)

// By is who makes a change, and why.
type By struct {
	// Author is the id of a token, or another name of 1 to 64 characters.
	Author string
	// Note has at most MaxNote characters in one line.
	Note string
}

// MaxNote bounds a note, in characters.
const MaxNote = 500

const maxAuthor = 64

// faults says what is wrong with b.
func (b By) faults() []event.Fault {
	var faults []event.Fault
	m := schema.Location{Faults: &faults}
	for _, line := range []struct {
		at, text string
		most     int
	}{{"author", b.Author, maxAuthor}, {"note", b.Note, MaxNote}} {
		switch {
		case !utf8.ValidString(line.text) || hasControl(line.text):
			m.At(line.at).Faultf("wants one line of text")
		case utf8.RuneCountInString(line.text) > line.most:
			m.At(line.at).Faultf("is longer than %d characters", line.most)
		}
	}
	return faults
}

// hasControl reports whether a text has what could end a line, or worse.
func hasControl(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return true
		}
	}
	return false
}

// now is by's change at this moment.
func (b By) now() change {
	return change{Author: b.Author, Note: b.Note, Time: time.Now().UTC().Truncate(time.Second)}
}

// ErrNotFound says that the registry has no such schema, application, key, token
// or version, or has it no longer.
var ErrNotFound = errors.New("the registry does not have it")

// ConflictError says that a key does not have what the change was to replace.
type ConflictError struct {
	// Present is the revision that the key has, 0 when it does not exist.
	Present uint64
}

// Error says what is there.
func (e *ConflictError) Error() string {
	if e.Present == 0 {
		return "the registry does not have it"
	}
	return fmt.Sprintf("the registry has it at revision %d", e.Present)
}

// InvalidError says everything that is wrong with what was to be put. It quotes
// no hash and no secret.
type InvalidError struct{ Faults []event.Fault }

// Error tells the first fault.
func (e *InvalidError) Error() string { return firstOf(e.Faults).Error() }

// invalid makes an error of faults, nil of none.
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

// Put says what a put did.
type Put struct {
	// Revision is what the key has now.
	Revision uint64
	// Created says that the key had nothing before, Unchanged that it had the
	// same: then there is no new revision.
	Created, Unchanged bool
}

// Version is one version of a schema or of the policy.
type Version struct {
	Revision uint64
	// Time is when it was made, to the second.
	Time         time.Time
	Author, Note string
	// Removed says that this version is the end of the ones before it.
	Removed bool
	// Value is the schema or the policy, nil in lists.
	Value jsontext.Value
}
