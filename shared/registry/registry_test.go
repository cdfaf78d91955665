package registry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

const (
	anything = `{"schema": {}}`
	needsA   = `{"schema": {"required": ["a"]}}`
	nothing  = `{"schema": false}`
)

var someType = schema.Type{Category: "page interaction", Name: "cta click"}

func keyOf(t *testing.T, typ schema.Type) string {
	t.Helper()
	key, err := typeKey(typ)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// judge tells the codes of the faults of an event of someType.
func judge(t *testing.T, s *Snapshot, data string) string {
	t.Helper()
	ev, refusal := native.Decode([]byte(`{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "page interaction", "name": "cta click", "timestamp": "2026-01-02T03:04:05Z", "data": ` + data + `}`))
	if refusal != nil {
		t.Fatal(refusal)
	}
	var codes []string
	for _, f := range s.Schemas.Validate(ev, ev.Timestamp, "demo").Faults {
		codes = append(codes, f.Code)
	}
	return strings.Join(codes, " ")
}

// Half a registry would reject good events and turn good keys away: as long as
// one bucket is missing there is no snapshot.
func TestNoSnapshotBeforeAllBuckets(t *testing.T) {
	s := natstest.Start(t)
	js := s.JetStream()
	r := run(t, Config{JetStream: js})
	buckets := []string{stream.BucketTokens, stream.BucketSchemas, stream.BucketApplications}
	for i, bucket := range buckets {
		if r.Snapshot() != nil {
			t.Fatalf("a snapshot of %v alone", buckets[:i])
		}
		select {
		case <-r.Ready():
			t.Fatalf("ready with %v alone", buckets[:i])
		default:
		}
		if _, err := js.CreateKeyValue(bounded(t), jetstream.KeyValueConfig{Bucket: bucket}); err != nil {
			t.Fatal(err)
		}
		put(t, js, bucket, "policy", `{}`) // no key of every bucket, and no harm
	}
	<-r.Ready()
	if r.Snapshot() == nil {
		t.Fatal("ready without a snapshot")
	}
}

func TestFirstSnapshotIsWhole(t *testing.T) {
	_, js := ready(t)
	const many = 1000
	for i := range many {
		put(t, js, stream.BucketApplications, fmt.Sprintf("app-%d", i), fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "server"}]}`, digestOf(fmt.Sprint(i))))
	}
	put(t, js, stream.BucketSchemas, keyOf(t, someType), needsA)
	last := put(t, js, stream.BucketSchemas, stream.KeyPolicy, `{"policy": {"unknown_types": "store"}}`)
	put(t, js, stream.BucketTokens, "ann", fmt.Sprintf(`{"sha256": "%s", "role": "analyst", "applications": ["app-1"]}`, digestOf("ann's")))

	r := run(t, Config{JetStream: js})
	<-r.Ready()
	s := r.Snapshot()
	if s.Schemas.Revision() != last || !s.Schemas.Known(someType.Category, someType.Name) || len(s.Access.Applications()) != many {
		t.Fatalf("revision %d of %d, %d applications", s.Schemas.Revision(), last, len(s.Access.Applications()))
	}
	if got := judge(t, s, `{}`); got != event.CodeSchemaViolation {
		t.Errorf("judged %q", got)
	}
	if k, ok := s.Access.WriteKey("7"); !ok || k.Application != "app-7" || k.Kind != Server {
		t.Errorf("key of app-7: %+v, %t", k, ok)
	}
	token, ok := s.Access.Token("ann's")
	if diff := cmp.Diff(Token{"ann", Analyst, []string{"app-1"}}, token); diff != "" || !ok {
		t.Errorf("token of ann (-want +got):\n%s", diff)
	}
}

func TestChanges(t *testing.T) {
	_, js := ready(t)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	key := keyOf(t, someType)

	put(t, js, stream.BucketSchemas, key, needsA)
	s := eventually(t, r, "the type is known", func(s *Snapshot) bool { return s.Schemas.Known(someType.Category, someType.Name) })
	if got := judge(t, s, `{}`); got != event.CodeSchemaViolation {
		t.Errorf("judged %q", got)
	}
	revision := put(t, js, stream.BucketSchemas, key, anything)
	fixed := eventually(t, r, "the schema is fixed", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })
	if got := judge(t, fixed, `{}`); got != "" {
		t.Errorf("judged %q after the fix", got)
	}
	if got := judge(t, s, `{}`); got != event.CodeSchemaViolation {
		t.Error("a snapshot changed under its holder")
	}
	if s.Access != fixed.Access {
		t.Error("a schema made another Access")
	}

	// A revision without a change, as a replay makes one.
	revision = put(t, js, stream.BucketSchemas, key, anything)
	eventually(t, r, "the revision grew", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })

	if err := open(t, js, stream.BucketSchemas).Delete(bounded(t), key); err != nil {
		t.Fatal(err)
	}
	gone := eventually(t, r, "the type is gone", func(s *Snapshot) bool { return !s.Schemas.Known(someType.Category, someType.Name) })
	if gone.Schemas.Revision() <= revision {
		t.Error("to delete is no revision")
	}

	put(t, js, stream.BucketApplications, "shop", fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "browser", "origins": ["https://shop.example"]}]}`, digestOf("k1")))
	s = eventually(t, r, "the key is known", func(s *Snapshot) bool { _, ok := s.Access.WriteKey("k1"); return ok })
	if !s.Access.OriginListed("https://shop.example") || s.Schemas != gone.Schemas {
		t.Error("the origin is not listed, or an application made another Set")
	}
	put(t, js, stream.BucketApplications, "shop", fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "browser", "disabled": true}]}`, digestOf("k1")))
	eventually(t, r, "the key is disabled", func(s *Snapshot) bool { k, ok := s.Access.WriteKey("k1"); return ok && k.Disabled })
	if err := open(t, js, stream.BucketApplications).Purge(bounded(t), "shop"); err != nil {
		t.Fatal(err)
	}
	eventually(t, r, "the key is gone", func(s *Snapshot) bool { _, ok := s.Access.WriteKey("k1"); return !ok })
}

// Only changed schemas are compiled: the others stay the same value.
func TestOnlyChangedSchemasAreCompiled(t *testing.T) {
	srv, js := ready(t)
	other := schema.Type{Category: "other", Name: "type"}
	put(t, js, stream.BucketSchemas, keyOf(t, someType), needsA)
	put(t, js, stream.BucketSchemas, keyOf(t, other), anything)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	before := r.Snapshot()
	srv.Shutdown()
	srv.Restart()
	reconnected(t, js)
	put(t, js, stream.BucketSchemas, keyOf(t, other), nothing)
	after := eventually(t, r, "the other type changed", func(s *Snapshot) bool { return s != before })
	if before.Schemas.Schema(someType) == nil || before.Schemas.Schema(someType) != after.Schemas.Schema(someType) {
		t.Error("an unchanged schema was compiled again")
	}
	if before.Schemas.Schema(other) == after.Schemas.Schema(other) {
		t.Error("the changed schema is the old one")
	}
}

// Changes that arrive together make few snapshots, and all of them arrive.
func TestChangesTogether(t *testing.T) {
	_, js := ready(t)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	const changes = 300
	snapshots := make(chan int, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		n := 0
		for ctx.Err() == nil {
			select {
			case <-r.Changed():
				n++
			case <-ctx.Done():
			}
		}
		snapshots <- n
	}()
	var last uint64
	for i := range changes {
		last = put(t, js, stream.BucketSchemas, keyOf(t, schema.Type{Category: "c", Name: fmt.Sprint(i)}), anything)
	}
	s := eventually(t, r, "every change arrived", func(s *Snapshot) bool { return s.Schemas.Revision() == last })
	cancel()
	if n := <-snapshots; n > changes {
		t.Errorf("%d snapshots of %d changes", n, changes)
	}
	if len(s.Schemas.Types()) != changes {
		t.Errorf("%d types of %d", len(s.Schemas.Types()), changes)
	}
}

// NATS away: the last snapshot serves. NATS back, with changes made by others:
// they arrive, although the server has forgotten the watch.
func TestServerRestarts(t *testing.T) {
	srv, js := ready(t)
	put(t, js, stream.BucketSchemas, keyOf(t, someType), needsA)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	for range 3 {
		before := r.Snapshot()
		srv.Shutdown()
		if got := judge(t, r.Snapshot(), `{}`); got != event.CodeSchemaViolation || r.Snapshot() != before {
			t.Errorf("judged %q while NATS was away", got)
		}
		srv.Restart()
		reconnected(t, js)
		started := time.Now()
		revision := put(t, js, stream.BucketSchemas, keyOf(t, someType), needsA)
		eventually(t, r, "a change after the restart arrived", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })
		t.Logf("a change arrived %s after the restart", time.Since(started))
	}
}

// Another server behind the same address, with other buckets.
func TestServerIsReplaced(t *testing.T) {
	srv, js := ready(t)
	gone := schema.Type{Category: "gone", Name: "type"}
	put(t, js, stream.BucketSchemas, keyOf(t, gone), anything)
	put(t, js, stream.BucketSchemas, keyOf(t, someType), anything)
	put(t, js, stream.BucketTokens, "ann", fmt.Sprintf(`{"sha256": "%s", "role": "operator"}`, digestOf("ann's")))
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	if r.Snapshot().Access.Operators() != 1 {
		t.Fatal("no operator")
	}
	srv.Shutdown()
	srv.RestartEmpty()
	reconnected(t, js)
	ensure(t, js)
	revision := put(t, js, stream.BucketSchemas, keyOf(t, someType), needsA)
	s := eventually(t, r, "the new server's registry is read", func(s *Snapshot) bool { return s.Schemas.Revision() == revision && s.Access.Operators() == 0 })
	if s.Schemas.Known(gone.Category, gone.Name) {
		t.Error("a type of the old server is still known")
	}
	if got := judge(t, s, `{}`); got != event.CodeSchemaViolation {
		t.Errorf("judged %q", got)
	}
}

// Whenever Run ends, also in the middle of reading, it leaves nothing behind.
func TestRunLeavesNothing(t *testing.T) {
	_, js := ready(t)
	for i := range 600 { // more than the watch of the library keeps
		put(t, js, stream.BucketSchemas, keyOf(t, schema.Type{Category: "c", Name: fmt.Sprint(i)}), anything)
	}
	<-run(t, Config{JetStream: js}).Ready() // so that the connection has what it keeps
	before := goleak.IgnoreCurrent()
	for i := range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		r := New(Config{JetStream: js, Logger: slog.New(slog.DiscardHandler)})
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		if i%2 == 0 {
			<-r.Ready()
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
	// A watch's consumer ends at the server some time after its client, and the
	// server begins to copy the changes when it likes: goroutines of its own.
	const consumer = "github.com/nats-io/nats-server/v2/server.(*consumer)."
	goleak.VerifyNone(t, before,
		goleak.IgnoreAnyFunction(consumer+"loopAndGatherMsgs"), goleak.IgnoreAnyFunction(consumer+"processInboundAcks"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).startGoRoutine.func1"))
}
