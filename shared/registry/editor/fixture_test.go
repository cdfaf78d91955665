package editor

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

var ann = registry.ChangeInfo{Author: "ann", Note: "because"}

// newEditor returns an editor of an empty registry.
func newEditor(t *testing.T) (*Editor, jetstream.JetStream) {
	t.Helper()
	_, js := registrytest.Start(t)
	return New(js), js
}

// putType puts a schema of a type and returns its revision.
func putType(t *testing.T, e *Editor, typ schema.Type, raw string, match Precondition) uint64 {
	t.Helper()
	put, err := e.PutSchema(registrytest.Context(t), typ, []byte(raw), match, ann)
	if err != nil {
		t.Fatal(err)
	}
	return put.Revision
}

// wantConflict wants a *ConflictError with the revision that is there.
func wantConflict(t *testing.T, what string, err error, present uint64) {
	t.Helper()
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.Present != present {
		t.Errorf("%s: error %v, want a conflict with revision %d", what, err, present)
	}
}

func wantNotFound(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("%s: error %v, want ErrNotFound", what, err)
	}
}

// wantAuthor wants what ann does to be hers, and recent.
func wantAuthor(t *testing.T, author, note string, at time.Time) {
	t.Helper()
	if age := time.Since(at); author != "ann" || note != "because" || age < 0 || age > time.Minute {
		t.Errorf("made by %q because of %q at %v", author, note, at)
	}
}

// awaitChanges waits until the stream of changes has as many messages as the buckets
// together.
func awaitChanges(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	count := func(name string) uint64 {
		s, err := js.Stream(registrytest.Context(t), name)
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().State.LastSeq
	}
	var want uint64
	for _, bucket := range []string{stream.BucketSchemas, stream.BucketApplications, stream.BucketTokens} {
		want += count(stream.BucketStream(bucket))
	}
	for deadline := time.Now().Add(20 * time.Second); count(stream.Changes) < want; {
		if time.Now().After(deadline) {
			t.Fatalf("the stream of changes has %d of %d messages", count(stream.Changes), want)
		}
	}
}

// changesOf returns the changes of a query, after all are noted.
func changesOf(t *testing.T, e *Editor, q ChangesQuery) []Change {
	t.Helper()
	awaitChanges(t, e.js)
	list, err := e.Changes(registrytest.Context(t), q)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// streamsWith returns the names of all streams with a message, header or subject that holds the
// text.
func streamsWith(t *testing.T, js jetstream.JetStream, text string) []string {
	t.Helper()
	var streams []string
	for name := range js.StreamNames(registrytest.Context(t)).Name() {
		s, err := js.Stream(registrytest.Context(t), name)
		if err != nil {
			t.Fatal(err)
		}
		state := s.CachedInfo().State
		for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
			m, err := s.GetMsg(registrytest.Context(t), seq)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, values := range m.Header {
				for _, v := range values {
					m.Data = append(m.Data, v...)
				}
			}
			if bytes.Contains(m.Data, []byte(text)) || bytes.Contains([]byte(m.Subject), []byte(text)) {
				streams = append(streams, name)
				break
			}
		}
	}
	return streams
}

// someKey is the key of registrytest.SomeType.
const someKey = stream.KeyTypes + ".page=20interaction.cta=20click"

// hash is the digest of the secret some-key.
var hash = registry.DigestOf("some-key").String()

// run runs a registry until the test ends.
func run(t *testing.T, cfg registry.Config) *registry.Registry {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	r := registry.New(cfg)
	registrytest.Background(t, r.Run)
	return r
}
