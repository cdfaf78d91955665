package editor

import (
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
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
// the query API has created the buckets. After such an error the change may have
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

// Application is an application as its newest record has it.
type Application struct {
	Name     string
	Revision uint64
	registry.ChangeInfo
	registry.ApplicationSettings
	Keys []registry.Key
}

func readApplication(name string, e kv.Entry) (Application, error) {
	r, err := registry.ReadApplication(e.Value)
	if err != nil {
		return newApplication(name, e.Revision, registry.ApplicationRecord{ChangeInfo: registry.ReadChangeInfo(e)}), unreadable(name, err)
	}
	r.ChangeInfo = registry.ReadChangeInfo(e)
	return newApplication(name, e.Revision, r), nil
}

func newApplication(name string, revision uint64, r registry.ApplicationRecord) Application {
	a := Application{
		Name: name, Revision: revision, ChangeInfo: r.ChangeInfo, ApplicationSettings: r.ApplicationSettings,
		Keys: make([]registry.Key, len(r.Keys)),
	}
	for i, k := range r.Keys {
		a.Keys[i] = k.Key(name)
		a.Keys[i].Settings = r.ApplicationSettings
	}
	return a
}

// Token is a token as its newest record has it.
type Token struct {
	registry.Token
	Revision uint64
	registry.ChangeInfo
}

func readToken(id string, e kv.Entry) (Token, error) {
	t := Token{Token: registry.Token{ID: id}, Revision: e.Revision, ChangeInfo: registry.ReadChangeInfo(e)}
	r, err := registry.ReadToken(e.Value)
	if err != nil {
		return t, unreadable(id, err)
	}
	t.Role, t.Applications = r.Role, r.Applications
	return t, nil
}
