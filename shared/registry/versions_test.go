package registry

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// requiring returns the record of a schema that no other n has.
func requiring(n int) string { return fmt.Sprintf(`{"schema": {"required": ["a%d"]}}`, n) }

// validatingVersions returns those of the versions 1 to n that validate events
// which name them.
func validatingVersions(t *testing.T, s *schema.Set, n int) []uint64 {
	t.Helper()
	var list []uint64
	for version := 1; version <= n; version++ {
		ev := decodeEvent(t, registrytest.SomeType, version, `{}`)
		v := s.Validate(ev, ev.Timestamp, "shop")
		switch {
		case len(v.Faults) == 1 && v.Faults[0].Code == event.CodeUnknownSchemaVersion:
		case v.SchemaVersion != uint64(version):
			t.Fatalf("version %d was validated by %d: %v", version, v.SchemaVersion, v.Faults)
		default:
			list = append(list, v.SchemaVersion)
		}
	}
	return list
}

func upTo(first, last int) []uint64 {
	var list []uint64
	for n := first; n <= last; n++ {
		list = append(list, uint64(n))
	}
	return list
}

// The newest 100 versions before the present one validate events, and no older
// ones: in every process, whenever it started, and in At; also if the newest ones
// cannot be read and those in memory are too few.
func TestNewestHundredVersionsValidate(t *testing.T) {
	_, js := registrytest.Start(t)
	key := keyOf(t, registrytest.SomeType)
	const good, bad = 130, 3
	running := run(t, Config{JetStream: js})
	<-running.Ready()
	for n := 1; n <= good; n++ {
		registrytest.Put(t, js, stream.BucketSchemas, key, requiring(n))
	}
	for range bad {
		registrytest.Put(t, js, stream.BucketSchemas, key, `{"schema": {"type": "x"}}`)
	}
	late := run(t, Config{JetStream: js})
	const last = good + bad
	for name, r := range map[string]*Registry{"running": running, "late": late} {
		s := registrytest.AwaitSnapshot(t, r, "all is read", func(s *Snapshot) bool { return s.Schemas.Revision() == last })
		if diff := cmp.Diff(upTo(good-schema.MaxEarlier, good), validatingVersions(t, s.Schemas, last)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	registrytest.Put(t, js, stream.BucketSchemas, key, anything) // what comes later changes nothing
	for _, tc := range []struct{ revision, first, last int }{
		{last, 30, 130}, {good + 1, 30, 130}, {good, 30, 130}, {101, 1, 101}, {102, 2, 102}, {1, 1, 1},
	} {
		set, err := At(registrytest.Context(t), js, uint64(tc.revision))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(upTo(tc.first, tc.last), validatingVersions(t, set, last)); diff != "" {
			t.Errorf("at %d (-want +got):\n%s", tc.revision, diff)
		}
	}
}

// Versions before a removal do not come back, however far the search for a
// readable version goes.
func TestRemovedVersionsStayRemoved(t *testing.T) {
	_, js := registrytest.Start(t)
	key := keyOf(t, registrytest.SomeType)
	registrytest.Put(t, js, stream.BucketSchemas, key, anything)
	if err := registrytest.Bucket(t, js, stream.BucketSchemas).Delete(registrytest.Context(t), key); err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	for range maxVersions + 1 {
		last = registrytest.Put(t, js, stream.BucketSchemas, key, `{}`)
	}
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	at, err := At(registrytest.Context(t), js, last)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*schema.Set{"snapshot": r.Snapshot().Schemas, "at": at} {
		if s.Schema(registrytest.SomeType) != nil || s.Version(registrytest.SomeType) != last {
			t.Errorf("%s: version %d validatingVersions, want none of %d", name, s.Version(registrytest.SomeType), last)
		}
	}
}

// A new watch sends every version again: none counts twice, known ones are not
// decoded again, those of a deleted bucket do not stay.
func TestReconnectKeepsKnownVersions(t *testing.T) {
	srv, js := registrytest.Start(t)
	key := keyOf(t, registrytest.SomeType)
	ctx, cancel := context.WithCancel(t.Context())
	r := New(Config{JetStream: js, Logger: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		h := r.schemas.keys[key]
		if got := revisionsOf(h); !cmp.Equal(got, []uint64{1, 2}) || len(h.earlier) != 1 || h.truncated {
			t.Errorf("in the end the versions are %v, %d of them earlier", got, len(h.earlier))
		}
	}()
	restart := func() {
		srv.Shutdown()
		srv.Restart()
		reconnected(t, js)
	}
	for n := 1; n <= 10; n++ {
		if n%3 == 0 {
			restart()
		}
		revision := registrytest.Put(t, js, stream.BucketSchemas, key, requiring(n))
		s := registrytest.AwaitSnapshot(t, r, "it arrived", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })
		if diff := cmp.Diff(upTo(1, n), validatingVersions(t, s.Schemas, n+1)); diff != "" {
			t.Fatalf("after %d (-want +got):\n%s", n, diff)
		}
	}
	srv.Shutdown()
	srv.RestartEmpty()
	reconnected(t, js)
	registrytest.CreateBuckets(t, js)
	registrytest.Put(t, js, stream.BucketSchemas, key, requiring(1))
	registrytest.Put(t, js, stream.BucketSchemas, key, requiring(2))
	registrytest.AwaitSnapshot(t, r, "the new bucket is read", func(s *Snapshot) bool { return s.Schemas.Revision() == 2 })
}

func revisionsOf(h *versionHistory) []uint64 {
	var list []uint64
	for _, e := range h.versions {
		list = append(list, e.revision)
	}
	return list
}

// A history holds the newest versions, each once, and only the present one decoded.
func TestVersionHistoryIsBounded(t *testing.T) {
	h := newVersionHistory(keyOf(t, registrytest.SomeType))
	for n := 1; n <= 10*maxVersions; n++ {
		e := &storedVersion{versionID: versionID{revision: uint64(n)}, record: []byte(requiring(n))}
		if !h.appendVersion(e) || h.appendVersion(e) {
			t.Fatalf("version %d is not there once", n)
		}
		if n%7 == 0 {
			if err := h.resolveCurrent(nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := h.resolveCurrent(nil); err != nil || !h.resolved {
		t.Fatal(err)
	}
	if len(h.versions) != maxVersions || len(h.earlier) != schema.MaxEarlier || !h.truncated {
		t.Fatalf("%d versions, %d earlier", len(h.versions), len(h.earlier))
	}
	for i, e := range h.versions {
		if e.record != nil || e.revision != uint64(9*maxVersions+i+1) || (e.value != nil) != (e == h.newest()) || e.decoded != (e.value != nil) {
			t.Errorf("entry %d is revision %d with a record of %d bytes and value %v", i, e.revision, len(e.record), e.value)
		}
	}
}

// fakeEntry returns an entry of a bucket, for a table without a server.
func fakeEntry(key, value string, revision uint64, created time.Time) *kv.KeyEntry {
	return &kv.KeyEntry{Key: key, Entry: kv.Entry{Revision: revision, Value: []byte(value), Created: created}}
}

func loadAll(t *testing.T, v *schemaTable, list ...*kv.KeyEntry) *schema.Set {
	t.Helper()
	v.beginRead()
	for _, m := range list {
		if err := v.applyEntry(t.Context(), nil, m); err != nil {
			t.Fatal(err)
		}
	}
	v.endRead(nil)
	set, err := v.buildSet(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// To read a bucket again is no change, and nothing is compiled again. A bucket
// that was deleted and created again is a change, also at the same revision.
func TestReadingABucketAgainIsNoChange(t *testing.T) {
	v := newSchemaTable(slog.New(slog.DiscardHandler))
	old, fresh := time.Unix(1, 0), time.Unix(2, 0)
	first := fakeEntry(keyOf(t, registrytest.SomeType), requiring(1), 1, old)
	second := fakeEntry(keyOf(t, registrytest.SomeType), requiring(2), 2, old)
	before := loadAll(t, v, first, second)
	if !v.dirty {
		t.Fatal("the first reading changes nothing")
	}
	v.dirty = false
	if again := loadAll(t, v, first, second); v.dirty || again.Schema(registrytest.SomeType) != before.Schema(registrytest.SomeType) {
		t.Error("to read again is a change")
	}
	// A reading that is given up half-way leaves no trace.
	v.beginRead()
	if err := v.applyEntry(t.Context(), nil, fakeEntry(stream.KeyPolicy, `{}`, 1, fresh)); err != nil {
		t.Fatal(err)
	}
	if again := loadAll(t, v, first, second); v.dirty || again.Schema(registrytest.SomeType) != before.Schema(registrytest.SomeType) {
		t.Error("to read half is a change")
	}
	first.Created, second.Created, second.Value = fresh, fresh, []byte(anything)
	if after := loadAll(t, v, first, second); !v.dirty || after.Schema(registrytest.SomeType) == before.Schema(registrytest.SomeType) {
		t.Error("another bucket is no change")
	}
	v.dirty = false
	if after := loadAll(t, v); !v.dirty || len(after.Types()) != 0 {
		t.Error("an empty bucket is no change")
	}
}

// A registry reads and awaits only the needed buckets. Static credentials need
// none.
func TestRegistryReadsOnlyTheNeededBuckets(t *testing.T) {
	srv := natstest.Start(t)
	js := srv.JetStream()
	create := func(bucket string) {
		if _, err := js.CreateKeyValue(registrytest.Context(t), jetstream.KeyValueConfig{Bucket: bucket}); err != nil {
			t.Fatal(err)
		}
	}
	static := Credentials{Keys: []StaticKey{{Secret: "own", Application: "demo", Kind: Server}}}
	schemas := run(t, Config{JetStream: js, Needs: NeedSchemas, Static: static})
	some := run(t, Config{JetStream: js, Needs: NeedApplications})
	all := run(t, Config{JetStream: js})
	create(stream.BucketSchemas)
	registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, registrytest.SomeType), anything)
	<-schemas.Ready()
	create(stream.BucketApplications)
	registrytest.Put(t, js, stream.BucketApplications, "shop", fmt.Sprintf(`{"keys": [{"sha256": "%s", "kind": "server"}]}`, DigestOf("k")))
	hasKey := func(s *Snapshot) bool { _, ok := s.Access.WriteKey("k"); return ok }
	s := registrytest.AwaitSnapshot(t, some, "applications are read", hasKey)
	if !s.Schemas.Known(registrytest.SomeType.Category, registrytest.SomeType.Name) {
		t.Error("the schemas are not read")
	}
	if all.Snapshot() != nil {
		t.Error("a snapshot without tokens")
	}
	create(stream.BucketTokens)
	registrytest.Put(t, js, stream.BucketTokens, "ann", fmt.Sprintf(`{"sha256": "%s", "role": "operator"}`, DigestOf("t")))
	registrytest.AwaitSnapshot(t, all, "everything is read", func(s *Snapshot) bool { return hasKey(s) && s.Access.Operators() == 1 })

	revision := registrytest.Put(t, js, stream.BucketSchemas, keyOf(t, registrytest.SomeType), nothing)
	for name, r := range map[string]*Registry{"schemas": schemas, "some": some} {
		s := registrytest.AwaitSnapshot(t, r, "a change arrived", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })
		if _, ok := s.Access.Token("t"); ok || s.Access.Operators() != 0 {
			t.Errorf("%s: a token that nobody needs", name)
		}
		if _, ok := s.Access.WriteKey("own"); ok != (name == "schemas") {
			t.Errorf("%s: the key of its own: %t", name, ok)
		}
		if hasKey(s) != (name == "some") {
			t.Errorf("%s: the key of the registry: %t", name, hasKey(s))
		}
	}
}

// A key that a later version may have is a revision and no error.
func TestUnknownKeysMakeARevisionAndNothingElse(t *testing.T) {
	_, js := registrytest.Start(t)
	var log registrytest.Logs
	r := run(t, Config{JetStream: js, Logger: log.Logger()})
	<-r.Ready()
	revision := registrytest.Put(t, js, stream.BucketSchemas, "later.something", "\x00")
	s := registrytest.AwaitSnapshot(t, r, "the revision grew", func(s *Snapshot) bool { return s.Schemas.Revision() == revision })
	if len(s.Schemas.Types()) != 0 || strings.Contains(log.String(), "ERROR") {
		t.Errorf("types %v, log %s", s.Schemas.Types(), log.String())
	}
}

// BenchmarkLoad starts a registry on 10,000 versions, of one type or of a
// hundred, and reports how much more memory it holds then.
func BenchmarkLoad(b *testing.B) {
	for _, types := range []int{1, 100} {
		b.Run(fmt.Sprintf("types=%d", types), func(b *testing.B) { benchmarkLoad(b, types) })
	}
}

func benchmarkLoad(b *testing.B, types int) {
	srv := natstest.Start(b)
	js := srv.JetStream()
	ctx := b.Context()
	if err := stream.Ensure(ctx, js, stream.Config{MaxBytes: 1 << 20}); err != nil {
		b.Fatal(err)
	}
	kv, err := js.KeyValue(ctx, stream.BucketSchemas)
	if err != nil {
		b.Fatal(err)
	}
	description := strings.Repeat("x", 2000)
	for n := range 10_000 {
		value := fmt.Sprintf(`{"schema": {"description": %q, "required": ["a%d"]}, "author": "ann"}`, description, n)
		if _, err := kv.PutString(ctx, fmt.Sprintf("types.a.b%d", n%types), value); err != nil {
			b.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		started := time.Now()
		ctx, cancel := context.WithCancel(ctx)
		r := New(Config{JetStream: js, Logger: slog.New(slog.DiscardHandler)})
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		<-r.Ready()
		b.ReportMetric(time.Since(started).Seconds(), "s/start")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "MiB/held")
		started = time.Now()
		if _, err := At(ctx, js, 9_999); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(started).Seconds(), "s/At")
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
}

// A removal removes the newest version and no earlier one: events that name a version
// keep their outcomes before it, after it and after the schema is put again, in a
// snapshot and in every revision that is rebuilt.
func TestRemovalKeepsTheHistory(t *testing.T) {
	_, js := registrytest.Start(t)
	key := keyOf(t, registrytest.SomeType)
	r := run(t, Config{JetStream: js})
	<-r.Ready()
	check := func(what string, revision uint64, known bool, want ...uint64) {
		t.Helper()
		at, err := At(registrytest.Context(t), js, revision)
		if err != nil {
			t.Fatal(err)
		}
		running := registrytest.AwaitSnapshot(t, r, what, func(s *Snapshot) bool { return s.Schemas.Revision() == revision })
		for name, set := range map[string]*schema.Set{"at": at, "running": running.Schemas} {
			if diff := cmp.Diff(want, validatingVersions(t, set, 9)); diff != "" || set.Known(registrytest.SomeType.Category, registrytest.SomeType.Name) != known {
				t.Errorf("%s, %s: known %t; versions (-want +got):\n%s", what, name, !known, diff)
			}
		}
	}
	remove := func() uint64 {
		if err := registrytest.Bucket(t, js, stream.BucketSchemas).Delete(registrytest.Context(t), key); err != nil {
			t.Fatal(err)
		}
		newest, err := stream.NewestRevision(registrytest.Context(t), js, stream.BucketSchemas)
		if err != nil {
			t.Fatal(err)
		}
		return newest
	}
	registrytest.Put(t, js, stream.BucketSchemas, key, requiring(1))
	check("put twice", registrytest.Put(t, js, stream.BucketSchemas, key, requiring(2)), true, 1, 2)
	check("removed", remove(), false, 1, 2)
	check("put again", registrytest.Put(t, js, stream.BucketSchemas, key, requiring(2)), true, 1, 2, 4)
	check("removed again", remove(), false, 1, 2, 4)
	check("put once more", registrytest.Put(t, js, stream.BucketSchemas, key, requiring(3)), true, 1, 2, 4, 6)
}
