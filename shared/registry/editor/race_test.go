package editor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
)

const writers = 16

// runWriters runs f in so many goroutines at once, each with an editor and a
// connection of its own.
func runWriters(srv *natstest.Server, f func(writer int, e *Editor)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range writers {
		e := New(srv.JetStream())
		group.Go(func() {
			<-start
			f(i, e)
		})
	}
	close(start)
	group.Wait()
}

// Of all who want to replace one revision exactly one does, and the others are
// told which one came instead.
func TestOneRevisionIsReplacedOnce(t *testing.T) {
	srv, _ := registrytest.Start(t)
	const rounds = 8
	var revision uint64
	for round := range rounds {
		var wins, conflicts atomic.Int32
		var winner atomic.Uint64
		present := make([]uint64, writers)
		runWriters(srv, func(i int, e *Editor) {
			raw := fmt.Appendf(nil, `{"title": "%d of round %d"}`, i, round)
			put, err := e.PutSchema(registrytest.Context(t), registrytest.SomeType, raw, Precondition(revision), ann)
			var conflict *ConflictError
			switch {
			case err == nil && !put.Unchanged:
				wins.Add(1)
				winner.Store(put.Revision)
			case errors.As(err, &conflict):
				conflicts.Add(1)
				present[i] = conflict.Present
			default:
				t.Errorf("put %+v, %v", put, err)
			}
		})
		if wins.Load() != 1 || conflicts.Load() != writers-1 {
			t.Fatalf("round %d: %d won, %d lost", round, wins.Load(), conflicts.Load())
		}
		for _, seen := range present {
			if seen != 0 && seen != winner.Load() {
				t.Errorf("a loser was told of revision %d, the winner's is %d", seen, winner.Load())
			}
		}
		revision = winner.Load()
	}
	e := New(srv.JetStream())
	history, err := e.SchemaHistory(registrytest.Context(t), registrytest.SomeType, 0, 0)
	if err != nil || len(history) != rounds {
		t.Errorf("%d versions, want %d (%v)", len(history), rounds, err)
	}
}

// Changes that replace whatever is there are made one after the other: none
// undoes another.
func TestKeysAddedConcurrentlyAreAllKept(t *testing.T) {
	srv, js := registrytest.Start(t)
	e := New(js)
	if _, _, err := e.CreateApplication(registrytest.Context(t), "shop", serverKey, ann); err != nil {
		t.Fatal(err)
	}
	ids := make([]string, writers)
	runWriters(srv, func(i int, e *Editor) {
		_, k, err := e.AddKey(registrytest.Context(t), "shop", serverKey, Any, ann)
		if err != nil {
			t.Error(err)
		}
		ids[i] = k.ID
	})
	a, err := e.Application(registrytest.Context(t), "shop")
	if err != nil || len(a.Keys) != writers+1 {
		t.Fatalf("%d keys, %v", len(a.Keys), err)
	}
	has := map[string]bool{}
	for _, k := range a.Keys {
		has[k.ID] = true
	}
	for _, id := range ids {
		if !has[id] {
			t.Errorf("key %s is lost", id)
		}
	}
}

// Of all editors that create one application or token at once, one gets a secret.
func TestConcurrentCreateSucceedsOnce(t *testing.T) {
	srv, js := registrytest.Start(t)
	var apps, tokens atomic.Int32
	runWriters(srv, func(_ int, e *Editor) {
		if _, k, err := e.CreateApplication(registrytest.Context(t), "shop", serverKey, ann); err == nil {
			apps.Add(1)
		} else if k.Secret != "" {
			t.Error("a loser was told a secret")
		}
		if _, secret, err := e.CreateToken(registrytest.Context(t), registry.Token{ID: "ann", Role: registry.Operator}, ann); err == nil {
			tokens.Add(1)
		} else if secret != "" {
			t.Error("a loser was told a secret")
		}
		if _, err := e.PutSchema(registrytest.Context(t), registrytest.SomeType, []byte(`{"properties": {"a": {"x-eye-pii": "hash"}}}`), Any, ann); err != nil {
			t.Error(err)
		}
	})
	if apps.Load() != 1 || tokens.Load() != 1 {
		t.Errorf("%d made the application, %d the token", apps.Load(), tokens.Load())
	}
	// One secret for personal values and one schema, whichever editor came first.
	s, err := js.Stream(registrytest.Context(t), "KV_SCHEMAS")
	if err != nil || s.CachedInfo().State.Msgs != 2 {
		t.Errorf("%d records, %v", s.CachedInfo().State.Msgs, err)
	}
}

// answerLost is a connection on which the answers to puts get lost, so many times.
type answerLost struct {
	jetstream.JetStream
	times int
}

func (d *answerLost) PublishMsg(ctx context.Context, m *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := d.JetStream.PublishMsg(ctx, m, options...)
	if d.times > 0 {
		d.times--
		return nil, nats.ErrTimeout
	}
	return ack, err
}

// A put that is repeated because its answer was lost does not conflict with
// itself.
func TestPutRepeatedAfterALostAnswerIsUnchanged(t *testing.T) {
	_, js := registrytest.Start(t)
	e := New(&answerLost{js, 1})
	var conflict *ConflictError
	if _, err := e.PutSchema(registrytest.Context(t), registrytest.SomeType, []byte(`{}`), 0, ann); !errors.Is(err, nats.ErrTimeout) || errors.As(err, &conflict) {
		t.Errorf("the answer that was lost: %v", err)
	}
	if put, err := e.PutSchema(registrytest.Context(t), registrytest.SomeType, []byte(`{}`), 0, ann); err != nil || put != (PutResult{Revision: 1, Unchanged: true}) {
		t.Errorf("repeated: %+v, %v", put, err)
	}
}

// A change that is given up says so, and makes nothing.
func TestEditEndsWithItsContext(t *testing.T) {
	_, js := registrytest.Start(t)
	ctx, cancel := context.WithCancel(registrytest.Context(t))
	race := &registrytest.Racing{JetStream: js, Times: 100, Before: func() {
		registrytest.Put(t, js, "APPLICATIONS", "shop", `{"keys": []}`)
		cancel()
	}}
	_, _, err := New(race).AddKey(ctx, "shop", serverKey, Any, ann)
	wantNotFound(t, "a key of no application", err)
	registrytest.Put(t, js, "APPLICATIONS", "shop", `{"keys": []}`)
	if _, _, err = New(race).AddKey(ctx, "shop", serverKey, Any, ann); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if a, err := New(js).Application(registrytest.Context(t), "shop"); err != nil || len(a.Keys) != 0 {
		t.Errorf("application %+v, %v", a, err)
	}
}

// expected reports whether an error is what others can cause who change the same
// things.
func expected(err error) bool {
	var conflict *ConflictError
	return errors.As(err, &conflict) || errors.Is(err, registry.ErrNotFound)
}
