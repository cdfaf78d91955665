package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/format/native"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

var otherType = schema.Type{Category: "other", Name: "type"}

// op is one revision of bucket SCHEMAS: a value, or a removal.
type op struct {
	key, value string
	removed    bool
}

// history is a bucket's: revision 1 is its first element.
type history []op

// model is the model: it goes through the whole history for every revision, and
// knows nothing of watches, windows and memory.
func (h history) model(t *testing.T, revision int) *schema.Set {
	t.Helper()
	policy, types, pii := schema.DefaultPolicy(), map[schema.Type]schema.Versioned{}, []byte(nil)
	for _, typ := range []schema.Type{registrytest.SomeType, otherType} {
		revisions, values, removed := h.allVersions(keyOf(t, typ), revision)
		if len(values) == 0 {
			continue
		}
		v := schema.Versioned{Revision: uint64(revisions[len(values)-1]), Removed: removed}
		since := h.lastRemovalBelow(keyOf(t, typ), int(v.Revision))
		for i, value := range values {
			raw := recordMember(value, "schema")
			if s, faults := schema.Compile(raw); len(faults) == 0 && revisions[i] > since {
				v.Schema, v.Revision = s, uint64(revisions[i])
			}
		}
		for i, value := range values {
			if uint64(revisions[i]) < v.Revision {
				v.Earlier = append(v.Earlier, schema.NewVersion(uint64(revisions[i]), recordMember(value, "schema")))
			}
		}
		types[typ] = v
	}
	_, values := h.versionsSinceRemoval(stream.KeyPolicy, revision)
	for _, value := range values {
		if p, faults := schema.ParsePolicy(recordMember(value, "policy")); len(faults) == 0 {
			policy = p
		}
	}
	_, values = h.versionsSinceRemoval(stream.KeyPII, revision)
	for _, value := range values {
		var secret []byte
		if json.Unmarshal(recordMember(value, "secret"), &secret) == nil && len(secret) == 32 {
			pii = secret
		}
	}
	return schema.NewSet(uint64(revision), policy, types, pii)
}

// allVersions are the revisions and values of a key, and whether it is removed.
func (h history) allVersions(key string, revision int) (revisions []int, values []string, removed bool) {
	for i, o := range h[:revision] {
		if o.key != key {
			continue
		}
		if removed = o.removed; !removed {
			revisions, values = append(revisions, i+1), append(values, o.value)
		}
	}
	return revisions, values, removed
}

// lastRemovalBelow is the last revision below another that removed a key, 0 for none.
func (h history) lastRemovalBelow(key string, revision int) (last int) {
	for i, o := range h[:revision] {
		if o.key == key && o.removed {
			last = i + 1
		}
	}
	return last
}

// versionsSinceRemoval are the revisions and values of a key versionsSinceRemoval it was last removed.
func (h history) versionsSinceRemoval(key string, revision int) (revisions []int, values []string) {
	for i, o := range h[:revision] {
		switch {
		case o.key != key:
		case o.removed:
			revisions, values = nil, nil
		default:
			revisions, values = append(revisions, i+1), append(values, o.value)
		}
	}
	return revisions, values
}

func recordMember(record, name string) []byte {
	var members map[string]json.RawMessage
	_ = json.Unmarshal([]byte(record), &members)
	return members[name]
}

// probeEvents are events of every type that name every version.
func (h history) probeEvents(t *testing.T) []*event.Event {
	t.Helper()
	var list []*event.Event
	for _, typ := range []schema.Type{registrytest.SomeType, otherType, {Category: "no", Name: "type"}} {
		for version := range len(h) + 2 {
			for _, data := range []string{`{}`, `{"a": 1, "mail": "m@example.com"}`} {
				list = append(list, decodeEvent(t, typ, version, data))
			}
		}
	}
	return list
}

// outcomes are what a Set decides, and everything else that can be asked of it.
func outcomes(s *schema.Set, probeEvents []*event.Event) []any {
	all := []any{s.Revision(), s.Types(), s.Version(registrytest.SomeType), s.Version(otherType)}
	for _, ev := range probeEvents {
		typ := schema.Type{Category: ev.Category, Name: ev.Name}
		all = append(all, s.Schema(typ) == nil, s.Validate(ev, ev.Timestamp.Add(-time.Hour), "shop"))
	}
	return all
}

func decodeEvent(t *testing.T, typ schema.Type, version int, data string) *event.Event {
	t.Helper()
	named := ""
	if version > 0 {
		named = fmt.Sprintf(`"schema_version": %d, `, version)
	}
	ev, refusal := native.Decode(fmt.Appendf(nil, `{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": %q, "name": %q,
		"timestamp": "2026-01-02T03:04:05Z", %s"data": %s}`, typ.Category, typ.Name, named, data))
	if refusal != nil {
		t.Fatal(refusal)
	}
	return ev
}

// secretOf is a record of a secret.
func secretOf(b byte, length int) string {
	return fmt.Sprintf(`{"secret": %q}`, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, length)))
}

// anyOp draws what comes next.
func (h history) anyOp(t *rapid.T) op {
	keys := map[string][]string{
		"types.page=20interaction.cta=20click": {anything, needsA, nothing, h.superseding(t), `{`, `{"schema": {"type": "x"}}`, hashing},
		"types.other.type":                     {anything, needsA, h.superseding(t), `[]`, hashing},
		stream.KeyPolicy: {
			`{"policy": {"unknown_types": "store"}}`, `{"policy": {"future_skew": "10h"}}`, `{"policy": {"unknown_types": "perhaps"}}`,
			`{"policy": {"originals": {"default": "drop"}}}`,
		},
		stream.KeyPII:     {secretOf(1, 32), secretOf(2, 32), secretOf(3, 31), `{}`},
		"types.no-type":   {anything},
		"later.something": {anything},
	}
	var names []string
	for name := range keys {
		names = append(names, name, name)
	}
	names = append(names, "types.page=20interaction.cta=20click", "types.other.type")
	o := op{key: rapid.SampledFrom(slices.Sorted(slices.Values(names))).Draw(t, "key")}
	if o.removed = rapid.IntRange(0, 6).Draw(t, "removed") == 0; !o.removed {
		o.value = rapid.SampledFrom(keys[o.key]).Draw(t, "value")
	}
	return o
}

const hashing = `{"schema": {"properties": {"mail": {"x-eye-pii": "hash"}}}}`

func (h history) superseding(t *rapid.T) string {
	return fmt.Sprintf(`{"schema": {"required": ["a"], "x-eye-supersedes": [%d]}}`, rapid.IntRange(1, len(h)+1).Draw(t, "superseded"))
}

// For every revision of any history: At, a snapshot that a running Registry had
// then, and one that starts later, decide what the model decides.
func TestAtRebuildsEveryRevision(t *testing.T) {
	srv := natstest.Start(t)
	puts, watched := srv.JetStream(), srv.JetStream()
	rapid.Check(t, func(rt *rapid.T) {
		kv := freshSchemas(t, puts)
		seen := followRevisions(t, watched)
		var h history
		for range rapid.IntRange(0, 12).Draw(rt, "revisions") {
			h = append(h, h.anyOp(rt))
			applyOp(t, kv, h[len(h)-1])
			if rapid.IntRange(0, 9).Draw(rt, "reconnect") == 0 {
				if err := watched.Conn().ForceReconnect(); err != nil {
					t.Fatal(err)
				}
			}
		}
		snapshots := seen(uint64(len(h)))
		snapshots = append(snapshots, followRevisions(t, watched)(uint64(len(h)))...)
		probeEvents := h.probeEvents(t)
		for revision := range len(h) + 1 {
			want := outcomes(h.model(t, revision), probeEvents)
			at, err := At(registrytest.Context(t), puts, uint64(revision))
			if err != nil {
				rt.Fatalf("At(%d): %v", revision, err)
			}
			if diff := cmp.Diff(want, outcomes(at, probeEvents)); diff != "" {
				rt.Fatalf("revision %d of\n%s\nAt (-want +got):\n%s", revision, h, diff)
			}
			for _, s := range snapshots {
				if s.Schemas.Revision() != uint64(revision) {
					continue
				}
				if diff := cmp.Diff(want, outcomes(s.Schemas, probeEvents)); diff != "" {
					rt.Fatalf("revision %d of\n%s\na snapshot (-want +got):\n%s", revision, h, diff)
				}
			}
		}
		if _, err := At(registrytest.Context(t), puts, uint64(len(h))+1); !errors.Is(err, ErrNoRevision) {
			rt.Fatalf("a revision that is not there: %v", err)
		}
	})
}

func (h history) String() string {
	var text strings.Builder
	for i, o := range h {
		fmt.Fprintf(&text, "%d %s %s\n", i+1, o.key, o.value)
	}
	return text.String()
}

func freshSchemas(t *testing.T, js jetstream.JetStream) jetstream.KeyValue {
	t.Helper()
	if err := js.DeleteKeyValue(registrytest.Context(t), stream.BucketSchemas); err != nil && !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Fatal(err)
	}
	kv, err := js.CreateKeyValue(registrytest.Context(t), jetstream.KeyValueConfig{
		// In memory: files of the bucket before may still be on their way out.
		Bucket: stream.BucketSchemas, History: 64, Storage: jetstream.MemoryStorage,
	})
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func applyOp(t *testing.T, kv jetstream.KeyValue, o op) {
	t.Helper()
	var err error
	if o.removed {
		err = kv.Delete(registrytest.Context(t), o.key)
	} else {
		_, err = kv.PutString(registrytest.Context(t), o.key, o.value)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// followRevisions runs a registry. The function that it returns waits for a revision,
// ends the registry and returns all snapshots that it saw.
func followRevisions(t *testing.T, js jetstream.JetStream) func(uint64) []*Snapshot {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := New(Config{JetStream: js, Needs: NeedSchemas, Logger: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	var snapshots []*Snapshot
	reached := make(chan uint64, 1000)
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for {
			changed := r.Changed()
			if s := r.Snapshot(); s != nil {
				snapshots = append(snapshots, s)
				reached <- s.Schemas.Revision()
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func(revision uint64) []*Snapshot {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for at, first := uint64(0), true; first || at < revision; first = false {
			select {
			case at = <-reached:
			case <-deadline:
				t.Fatalf("revision %d was not reached", revision)
			}
		}
		cancel()
		<-collected
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		return snapshots
	}
}

// A bucket with limits has gaps. At of a revision in a gap uses the versions that
// are left below it, and none above.
func TestAtInAGapUsesTheVersionsBelow(t *testing.T) {
	js := natstest.Start(t).JetStream()
	kv, err := js.CreateKeyValue(registrytest.Context(t), jetstream.KeyValueConfig{Bucket: stream.BucketSchemas, History: 1})
	if err != nil {
		t.Fatal(err)
	}
	applyOp(t, kv, op{key: keyOf(t, otherType), value: anything})
	applyOp(t, kv, op{key: keyOf(t, registrytest.SomeType), value: anything})
	applyOp(t, kv, op{key: keyOf(t, registrytest.SomeType), value: anything})
	set, err := At(registrytest.Context(t), js, 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]schema.Type{otherType}, set.Types()); diff != "" || set.Revision() != 2 {
		t.Errorf("revision %d (-want +got):\n%s", set.Revision(), diff)
	}
}

// Before the registry is made there is nothing to ask, and At does not outlive
// its context.
func TestAtWithoutABucketIsNotFound(t *testing.T) {
	srv := natstest.Start(t)
	js := srv.JetStream()
	if _, err := At(registrytest.Context(t), js, 0); !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("without a bucket: %v", err)
	}
	freshSchemas(t, js)
	set, err := At(registrytest.Context(t), js, 0)
	if err != nil || set.Revision() != 0 || len(set.Types()) != 0 {
		t.Errorf("an empty registry: %v", err)
	}
	srv.Shutdown()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := At(ctx, js, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while NATS is away: %v", err)
	}
}
