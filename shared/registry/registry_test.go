package registry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

const (
	anything = `{"schema": {}}`
	needsA   = `{"schema": {"required": ["a"]}}`
	nothing  = `{"schema": false}`
)

func keyOf(t *testing.T, typ schema.Type) string {
	t.Helper()
	key, err := TypeKey(typ)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Half a registry would reject good events and turn good keys away: as long as
// one bucket is missing there is no snapshot.
func TestNoSnapshotBeforeAllBucketsAreRead(t *testing.T) {
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
		if _, err := js.CreateKeyValue(registrytest.Context(t), jetstream.KeyValueConfig{Bucket: bucket}); err != nil {
			t.Fatal(err)
		}
		registrytest.Put(t, js, bucket, "policy", `{}`) // no key of every bucket, and no harm
	}
	<-r.Ready()
	if r.Snapshot() == nil {
		t.Fatal("ready without a snapshot")
	}
}

func TestFirstSnapshotIsComplete(t *testing.T) {
	_, js := registrytest.Start(t)
	const many = 1000
	for i := range many {
		registrytest.Put(t, js, stream.BucketApplications, fmt.Sprintf("app-%d", i), fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "server"}]}`, DigestOf(fmt.Sprint(i))))
	}
	registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, registrytest.SomeType), needsA)
	last := registrytest.Put(t, js, stream.BucketSchemas, stream.KeyPolicy, `{"policy": {"unknown_types": "store"}}`)
	registrytest.Put(t, js, stream.BucketTokens, "ann", fmt.Sprintf(`{"sha256": "%s", "role": "analyst", "applications": ["app-1"]}`, DigestOf("ann's")))

	r := run(t, Config{JetStream: js})
	<-r.Ready()
	s := r.Snapshot()
	if s.Schemas.Revision() != last || !s.Schemas.Known(registrytest.SomeType.Category, registrytest.SomeType.Name) || len(s.Access.Applications()) != many {
		t.Fatalf("revision %d of %d, %d applications", s.Schemas.Revision(), last, len(s.Access.Applications()))
	}
	if got := registrytest.FaultCodes(t, s.Schemas, `{}`); got != event.CodeSchemaViolation {
		t.Errorf("fault codes %q", got)
	}
	if k, ok := s.Access.WriteKey("7"); !ok || k.Application != "app-7" || k.Kind != Server {
		t.Errorf("key of app-7: %+v, %t", k, ok)
	}
	token, ok := s.Access.Token("ann's")
	if diff := cmp.Diff(Token{"ann", Analyst, []string{"app-1"}}, token); diff != "" || !ok {
		t.Errorf("token of ann (-want +got):\n%s", diff)
	}
}

func TestSnapshotFollowsChanges(t *testing.T) {
	_, js := registrytest.Start(t)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	key := keyOf(t, registrytest.SomeType)

	registrytest.Put(t, js, stream.BucketSchemas, key, needsA)
	s := registrytest.AwaitSnapshot(t, r, "the type is known", func(s *Snapshot) bool {
		return s.Schemas.Known(registrytest.SomeType.Category, registrytest.SomeType.Name)
	})
	if got := registrytest.FaultCodes(t, s.Schemas, `{}`); got != event.CodeSchemaViolation {
		t.Errorf("fault codes %q", got)
	}
	revision := registrytest.Put(t, js, stream.BucketSchemas, key, anything)
	fixed := registrytest.AwaitSnapshot(t, r, "the schema is fixed", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })
	if got := registrytest.FaultCodes(t, fixed.Schemas, `{}`); got != "" {
		t.Errorf("fault codes %q after the fix", got)
	}
	if got := registrytest.FaultCodes(t, s.Schemas, `{}`); got != event.CodeSchemaViolation {
		t.Error("a snapshot changed under its holder")
	}
	if s.Access != fixed.Access {
		t.Error("a schema made another Access")
	}

	// A revision without a change, as a replay makes one.
	revision = registrytest.Put(t, js, stream.BucketSchemas, key, anything)
	registrytest.AwaitSnapshot(t, r, "the revision grew", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })

	if err := registrytest.Bucket(t, js, stream.BucketSchemas).Delete(registrytest.Context(t), key); err != nil {
		t.Fatal(err)
	}
	gone := registrytest.AwaitSnapshot(t, r, "the type is gone", func(s *Snapshot) bool {
		return !s.Schemas.Known(registrytest.SomeType.Category, registrytest.SomeType.Name)
	})
	if gone.Schemas.Revision() <= revision {
		t.Error("to delete is no revision")
	}

	registrytest.Put(t, js, stream.BucketApplications, "shop", fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "browser", "origins": ["https://shop.example"]}]}`, DigestOf("k1")))
	s = registrytest.AwaitSnapshot(t, r, "the key is known", func(s *Snapshot) bool { _, ok := s.Access.WriteKey("k1"); return ok })
	if !s.Access.OriginListed("https://shop.example") || s.Schemas != gone.Schemas {
		t.Error("the origin is not listed, or an application made another Set")
	}
	registrytest.Put(t, js, stream.BucketApplications, "shop", fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "browser", "disabled": true}]}`, DigestOf("k1")))
	registrytest.AwaitSnapshot(t, r, "the key is disabled", func(s *Snapshot) bool { k, ok := s.Access.WriteKey("k1"); return ok && k.Disabled })
	if err := registrytest.Bucket(t, js, stream.BucketApplications).Purge(registrytest.Context(t), "shop"); err != nil {
		t.Fatal(err)
	}
	registrytest.AwaitSnapshot(t, r, "the key is gone", func(s *Snapshot) bool { _, ok := s.Access.WriteKey("k1"); return !ok })
}

// Only changed schemas are compiled: the others stay the same value.
func TestOnlyChangedSchemasAreCompiled(t *testing.T) {
	srv, js := registrytest.Start(t)
	other := schema.Type{Category: "other", Name: "type"}
	registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, registrytest.SomeType), needsA)
	registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, other), anything)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	before := r.Snapshot()
	srv.Shutdown()
	srv.Restart()
	reconnected(t, js)
	registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, other), nothing)
	after := registrytest.AwaitSnapshot(t, r, "the other type changed", func(s *Snapshot) bool { return s != before })
	if before.Schemas.Schema(registrytest.SomeType) == nil || before.Schemas.Schema(registrytest.SomeType) != after.Schemas.Schema(registrytest.SomeType) {
		t.Error("an unchanged schema was compiled again")
	}
	if before.Schemas.Schema(other) == after.Schemas.Schema(other) {
		t.Error("the changed schema is the old one")
	}
}

// Changes that arrive together make few snapshots, and all of them arrive.
func TestChangesThatArriveTogetherShareASnapshot(t *testing.T) {
	_, js := registrytest.Start(t)
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
		last = registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, schema.Type{Category: "c", Name: fmt.Sprint(i)}), anything)
	}
	s := registrytest.AwaitSnapshot(t, r, "every change arrived", func(s *Snapshot) bool { return s.Schemas.Revision() == last })
	cancel()
	if n := <-snapshots; n > changes {
		t.Errorf("%d snapshots of %d changes", n, changes)
	}
	if len(s.Schemas.Types()) != changes {
		t.Errorf("%d types of %d", len(s.Schemas.Types()), changes)
	}
}

// NATS is down: the last snapshot serves. NATS back, with changes made by others:
// they arrive, although the server has forgotten the watch.
func TestSnapshotServesWhileTheServerIsDown(t *testing.T) {
	srv, js := registrytest.Start(t)
	registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, registrytest.SomeType), needsA)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	for range 3 {
		before := r.Snapshot()
		srv.Shutdown()
		if got := registrytest.FaultCodes(t, r.Snapshot().Schemas, `{}`); got != event.CodeSchemaViolation || r.Snapshot() != before {
			t.Errorf("fault codes %q while NATS was down", got)
		}
		srv.Restart()
		reconnected(t, js)
		started := time.Now()
		revision := registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, registrytest.SomeType), needsA)
		registrytest.AwaitSnapshot(t, r, "a change after the restart arrived", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })
		t.Logf("a change arrived %s after the restart", time.Since(started))
	}
}

// A process that starts while NATS is unreachable asks nothing until it is connected, and logs
// nothing: the connection has logged it.
func TestRegistryWaitsForTheConnection(t *testing.T) {
	srv, _ := registrytest.Start(t)
	js := srv.JetStream(nats.ReconnectBufSize(-1)) // every request without a connection is an error
	disconnected := js.Conn().StatusChanged(nats.RECONNECTING)
	srv.Shutdown()
	<-disconnected
	logs := &registrytest.Logs{}
	r := run(t, Config{JetStream: js, Logger: logs.Logger()})
	srv.Restart()
	<-r.Ready()
	if strings.Contains(logs.String(), `"level":"WARN"`) {
		t.Errorf("it asked before: %s", logs)
	}
}

// Another server behind the same address, with other buckets.
func TestRegistryFollowsAReplacedServer(t *testing.T) {
	srv, js := registrytest.Start(t)
	gone := schema.Type{Category: "gone", Name: "type"}
	registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, gone), anything)
	registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, registrytest.SomeType), anything)
	registrytest.Put(t, js, stream.BucketTokens, "ann", fmt.Sprintf(`{"sha256": "%s", "role": "operator"}`, DigestOf("ann's")))
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	if r.Snapshot().Access.Operators() != 1 {
		t.Fatal("no operator")
	}
	srv.Shutdown()
	srv.RestartEmpty()
	reconnected(t, js)
	registrytest.CreateBuckets(t, js)
	revision := registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, registrytest.SomeType), needsA)
	s := registrytest.AwaitSnapshot(t, r, "the new server's registry is read", func(s *Snapshot) bool { return s.Schemas.Revision() == revision && s.Access.Operators() == 0 })
	if s.Schemas.Known(gone.Category, gone.Name) {
		t.Error("a type of the old server is still known")
	}
	if got := registrytest.FaultCodes(t, s.Schemas, `{}`); got != event.CodeSchemaViolation {
		t.Errorf("fault codes %q", got)
	}
}

// Whenever Run ends, also in the middle of reading, it leaves nothing behind.
func TestRunLeavesNoGoroutines(t *testing.T) {
	_, js := registrytest.Start(t)
	for i := range 600 { // more than the watch of the library keeps
		registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, schema.Type{Category: "c", Name: fmt.Sprint(i)}), anything)
	}
	<-run(t, Config{JetStream: js}).Ready() // the connection starts the goroutines that it keeps
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
