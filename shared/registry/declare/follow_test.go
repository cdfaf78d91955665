package declare

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/registrytest"
	"github.com/theeye/theeye/shared/stream"
)

const often = 5 * time.Millisecond

// writeFile writes a file of a folder.
func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hasFaults says that an event with the data has faults with these codes.
func hasFaults(t *testing.T, data, want string) func(*registry.Snapshot) bool {
	return func(s *registry.Snapshot) bool { return registrytest.FaultCodes(t, s.Schemas, data) == want }
}

func TestFollowAppliesEditsAndRevertsNoLiveChange(t *testing.T) {
	srv := natstest.Start(t)
	js := srv.JetStream()
	dir := t.TempDir()
	for name, text := range folder() {
		writeFile(t, dir, name, text)
	}
	var log registrytest.Logs
	r := run(t, registry.Config{JetStream: js})
	registrytest.Background(t, func(ctx context.Context) error { return Follow(ctx, dir, often, js, log.Logger()) })
	registrytest.CreateBuckets(t, js) // the buckets are created later than the processes that need them
	registrytest.AwaitSnapshot(t, r, "the folder is applied", hasFaults(t, `{}`, event.CodeSchemaViolation))

	// An edit of equal length, at once.
	writeFile(t, dir, ctaName, strings.Replace(folder()[ctaName], `"required": ["a"]`, `"required": ["b"]`, 1))
	registrytest.AwaitSnapshot(t, r, "an edit is applied", hasFaults(t, `{"b": 1}`, ""))

	// Faults are logged once, also beside others that come and go, and change nothing;
	// mended, the file is applied.
	before := r.Snapshot().Schemas.Revision()
	writeFile(t, dir, ctaName, `{"type": "x"}`)
	pollUntil(t, "the fault is logged", func() bool { return strings.Contains(log.String(), "/type") })
	writeFile(t, dir, policyName, `{"retention"`)
	pollUntil(t, "another fault is logged", func() bool { return strings.Contains(log.String(), policyName) })
	writeFile(t, dir, policyName, `{}`)
	for range 3 {
		writeFile(t, dir, ".touched", "x")
	}
	if got := r.Snapshot().Schemas.Revision(); got != before {
		t.Errorf("a faulty folder was applied: revision %d", got)
	}
	writeFile(t, dir, ctaName, `{"required": ["c"]}`)
	registrytest.AwaitSnapshot(t, r, "the mended file is applied", hasFaults(t, `{"c": 1}`, ""))
	if n := strings.Count(log.String(), `"path":"/type"`); n != 1 {
		t.Errorf("the fault was logged %d times:\n%s", n, log.String())
	}

	// A live fix, and a restart of NATS: nothing is reverted.
	fix := registrytest.Put(t, js, stream.BucketSchemas, someKey, anySchema)
	srv.Shutdown()
	srv.Restart()
	writeFile(t, dir, shopName, `{"keys": []}`)
	s := registrytest.AwaitSnapshot(t, r, "the key is gone", func(s *registry.Snapshot) bool { _, ok := s.Access.WriteKey("some-key"); return !ok })
	if s.Schemas.Version(registrytest.SomeType) != fix {
		t.Errorf("version %d, want the fix %d", s.Schemas.Version(registrytest.SomeType), fix)
	}
}

// A process that starts with a folder that was applied before leaves a live fix
// as it is.
func TestFollowRevertsNoLiveChangeAfterARestart(t *testing.T) {
	_, js := registrytest.Start(t)
	dir := t.TempDir()
	for name, text := range folder() {
		writeFile(t, dir, name, text)
	}
	first, cancel := context.WithCancel(registrytest.Context(t))
	done := make(chan error, 1)
	go func() { done <- Follow(first, dir, often, js, (&registrytest.Logs{}).Logger()) }()
	r := run(t, registry.Config{JetStream: js})
	registrytest.AwaitSnapshot(t, r, "the folder is applied", func(s *registry.Snapshot) bool {
		_, ok := s.Access.WriteKey("some-key")
		return ok && registrytest.FaultCodes(t, s.Schemas, `{}`) == event.CodeSchemaViolation
	})
	applied := registrytest.Bucket(t, js, stream.BucketApplied)
	pollUntil(t, "all files are noted", func() bool {
		keys, err := applied.Keys(registrytest.Context(t))
		return err == nil && len(keys) == len(folder())
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	fix := registrytest.Put(t, js, stream.BucketSchemas, someKey, anySchema)
	registrytest.Background(t, func(ctx context.Context) error { return Follow(ctx, dir, often, js, (&registrytest.Logs{}).Logger()) })
	writeFile(t, dir, "applications/new.json", `{"keys": []}`) // seen only by the second
	s := registrytest.AwaitSnapshot(t, r, "the second one runs", func(s *registry.Snapshot) bool {
		return len(s.Access.Applications()) == 2 && s.Schemas.Revision() >= fix
	})
	if s.Schemas.Version(registrytest.SomeType) != fix {
		t.Errorf("a restart reverted the fix: version %d, want %d", s.Schemas.Version(registrytest.SomeType), fix)
	}
}

// A missing folder is logged once, and used as soon as it exists.
func TestFollowWaitsForAMissingFolder(t *testing.T) {
	_, js := registrytest.Start(t)
	dir := filepath.Join(t.TempDir(), "later")
	var log registrytest.Logs
	registrytest.Background(t, func(ctx context.Context) error { return Follow(ctx, dir, often, js, log.Logger()) })
	pollUntil(t, "the failure is logged", func() bool { return strings.Contains(log.String(), "later") })
	r := run(t, registry.Config{JetStream: js})
	writeFile(t, dir, ctaName, `{}`)
	registrytest.AwaitSnapshot(t, r, "the folder is applied", func(s *registry.Snapshot) bool { return len(s.Schemas.Types()) == 1 })
	if n := strings.Count(log.String(), `"level":"ERROR"`); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}

// Names, sizes and times are enough only once they have settled.
func TestListingIsSettledOnlyWhenItIsOld(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	old := listing{digest{1}, now.Add(-time.Hour)}
	fresh := listing{digest{1}, now.Add(-time.Second)}
	other := listing{digest{2}, now.Add(-time.Hour)}
	if !old.isSettled(old, now) || fresh.isSettled(fresh, now) || other.isSettled(old, now) {
		t.Error("isSettled is wrong")
	}
	dir := t.TempDir()
	writeFile(t, dir, ctaName, `{}`)
	before, err := readListing(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "schemas/a/b.json", `{}`)
	after, err := readListing(os.DirFS(dir))
	if err != nil || before.digest == after.digest {
		t.Errorf("a new file does not show (%v)", err)
	}
}

// pollUntil polls a condition.
func pollUntil(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}
