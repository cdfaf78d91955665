package registry

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/stream"
)

// Kinds of what changes.
const (
	KindSchema      = "schema"
	KindPolicy      = "policy"
	KindApplication = "application"
	KindToken       = "token"
	// KindReplay is a revision that was made for a replay, as its target.
	KindReplay = "replay"
)

// Actions of a change.
const (
	ActionCreated = "created"
	ActionUpdated = "updated"
	ActionRemoved = "removed"
)

// Change is one change of the registry, whoever made it.
type Change struct {
	// Seq orders changes as they were noted. Those of one thing are in the
	// order in which they were made.
	Seq uint64
	// Kind is KindSchema, KindPolicy, KindApplication, KindToken or KindReplay.
	Kind string
	// Category is that of a schema. Name is that of its type, of an
	// application, or the id of a token.
	Category, Name string
	// Action is ActionCreated, ActionUpdated or ActionRemoved.
	Action   string
	Revision uint64
	// Time is when it was made, to the second.
	Time         time.Time
	Author, Note string
	// Before and After are the schema, the policy, the application as
	// {"keys": [KeyInfo]}, or the token as {"role", "applications"}; nil where
	// there is none, as for a replay, or it cannot be read. They hold no
	// secret and no hash.
	Before, After jsontext.Value
}

// ChangesQuery selects changes.
type ChangesQuery struct {
	// Before is the Seq that they are below, 0 for the newest.
	Before uint64
	// Limit is how many come at most: DefaultPage when 0, never over MaxPage.
	// Each can be as large as two schemas.
	Limit int
	// Kind and Name are those of the changes, "" for any.
	Kind, Name string
}

// subject is what a change is about.
type subject struct{ kind, category, name string }

// readSubject tells what changed; false for what is nobody's business, such as
// the secret of personal values.
func readSubject(s string) (subject, bool) {
	for _, bucket := range []string{stream.BucketSchemas, stream.BucketApplications, stream.BucketTokens} {
		key, ok := strings.CutPrefix(s, subjectOf(bucket))
		if !ok {
			continue
		}
		switch {
		case bucket == stream.BucketApplications:
			return subject{kind: KindApplication, name: key}, true
		case bucket == stream.BucketTokens:
			return subject{kind: KindToken, name: key}, true
		case key == stream.KeyPolicy:
			return subject{kind: KindPolicy}, true
		case key == stream.KeyReplay:
			return subject{kind: KindReplay}, true
		}
		t, err := keyType(key)
		return subject{KindSchema, t.Category, t.Name}, err == nil
	}
	return subject{}, false
}

// filter is the subjects that a query is about, so that the server passes over
// most others.
func (q ChangesQuery) filter() string {
	token := ">"
	if q.Name != "" {
		token = stream.Escape(q.Name)
	}
	switch q.Kind {
	case KindApplication:
		return subjectOf(stream.BucketApplications) + token
	case KindToken:
		return subjectOf(stream.BucketTokens) + token
	case KindPolicy:
		return policyPlace.subject()
	case KindReplay:
		return replayPlace.subject()
	case KindSchema:
		if q.Name != "" {
			token = "*." + token
		}
		return subjectOf(stream.BucketSchemas) + stream.KeyTypes + "." + token
	}
	return ">"
}

// wants reports whether a query is about a subject.
func (q ChangesQuery) wants(s string) bool {
	is, ok := readSubject(s)
	return ok && (q.Kind == "" || q.Kind == is.kind) && (q.Name == "" || q.Name == is.name)
}
