package registry

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/natsd/natstest"
	"github.com/theeye/theeye/shared/stream"
)

const often = 5 * time.Millisecond

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func judged(t *testing.T, data, want string) func(*Snapshot) bool {
	return func(s *Snapshot) bool { return judge(t, s, data) == want }
}

func TestFollow(t *testing.T) {
	srv := natstest.Start(t)
	js := srv.JetStream()
	dir := t.TempDir()
	for name, text := range folder() {
		write(t, dir, name, text)
	}
	var log logs
	r := run(t, Config{JetStream: js})
	background(t, func(ctx context.Context) error { return Follow(ctx, dir, often, js, log.logger()) })
	ensure(t, js) // the buckets come later than those who need them
	eventually(t, r, "the folder is applied", judged(t, `{}`, event.CodeSchemaViolation))

	// An edit of equal length, at once.
	write(t, dir, ctaName, strings.Replace(folder()[ctaName], `"required": ["a"]`, `"required": ["b"]`, 1))
	eventually(t, r, "an edit is applied", judged(t, `{"b": 1}`, ""))

	// Faults are logged once and change nothing; mended, the file is applied.
	before := r.Snapshot().Schemas.Revision()
	write(t, dir, ctaName, `{"type": "x"}`)
	write(t, dir, policyName, `{}`)
	within(t, "the fault is logged", func() bool { return strings.Contains(log.String(), "/type") })
	for range 3 {
		write(t, dir, ".touched", "x")
	}
	if got := r.Snapshot().Schemas.Revision(); got != before {
		t.Errorf("a faulty folder was applied: revision %d", got)
	}
	write(t, dir, ctaName, `{"required": ["c"]}`)
	eventually(t, r, "the mended file is applied", judged(t, `{"c": 1}`, ""))
	if n := strings.Count(log.String(), `"path":"/type"`); n != 1 {
		t.Errorf("the fault was logged %d times:\n%s", n, log.String())
	}

	// A live fix, and a restart of NATS: nothing is reverted.
	fix := put(t, js, stream.BucketSchemas, keyOf(t, someType), anything)
	srv.Shutdown()
	srv.Restart()
	write(t, dir, shopName, `{"keys": []}`)
	s := eventually(t, r, "the key is gone", func(s *Snapshot) bool { _, ok := s.Access.WriteKey("some-key"); return !ok })
	if s.Schemas.Version(someType) != fix {
		t.Errorf("version %d, want the fix %d", s.Schemas.Version(someType), fix)
	}
}

// A process that starts with a folder that was applied before leaves a live fix
// as it is.
func TestFollowAfterRestart(t *testing.T) {
	_, js := ready(t)
	dir := t.TempDir()
	for name, text := range folder() {
		write(t, dir, name, text)
	}
	first, cancel := context.WithCancel(bounded(t))
	done := make(chan error, 1)
	go func() { done <- Follow(first, dir, often, js, (&logs{}).logger()) }()
	r := run(t, Config{JetStream: js})
	eventually(t, r, "the folder is applied", func(s *Snapshot) bool {
		_, ok := s.Access.WriteKey("some-key")
		return ok && judge(t, s, `{}`) == event.CodeSchemaViolation
	})
	applied := open(t, js, stream.BucketApplied)
	within(t, "all files are noted", func() bool {
		keys, err := applied.Keys(bounded(t))
		return err == nil && len(keys) == len(folder())
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	fix := put(t, js, stream.BucketSchemas, keyOf(t, someType), anything)
	background(t, func(ctx context.Context) error { return Follow(ctx, dir, often, js, (&logs{}).logger()) })
	write(t, dir, "applications/new.json", `{"keys": []}`) // seen only by the second
	s := eventually(t, r, "the second one runs", func(s *Snapshot) bool { return len(s.Access.Applications()) == 2 })
	if s.Schemas.Version(someType) != fix {
		t.Errorf("a restart reverted the fix: version %d, want %d", s.Schemas.Version(someType), fix)
	}
}

// A folder that is not there is said once, and used when it comes.
func TestFollowMissingFolder(t *testing.T) {
	_, js := ready(t)
	dir := filepath.Join(t.TempDir(), "later")
	var log logs
	background(t, func(ctx context.Context) error { return Follow(ctx, dir, often, js, log.logger()) })
	within(t, "the trouble is logged", func() bool { return strings.Contains(log.String(), "later") })
	r := run(t, Config{JetStream: js})
	write(t, dir, ctaName, `{}`)
	eventually(t, r, "the folder is applied", func(s *Snapshot) bool { return len(s.Schemas.Types()) == 1 })
	if n := strings.Count(log.String(), `"level":"ERROR"`); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}

// Size and time of files are enough only once they have settled.
func TestFingerprint(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	old := fingerprint{digestOf("a"), now.Add(-time.Hour)}
	fresh := fingerprint{digestOf("a"), now.Add(-time.Second)}
	other := fingerprint{digestOf("b"), now.Add(-time.Hour)}
	if !old.settled(old, now) || fresh.settled(fresh, now) || other.settled(old, now) {
		t.Error("settled is wrong")
	}
	dir := t.TempDir()
	write(t, dir, ctaName, `{}`)
	before, err := outside(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "schemas/a/b.json", `{}`)
	after, err := outside(os.DirFS(dir))
	if err != nil || before.listing == after.listing {
		t.Errorf("a new file does not show (%v)", err)
	}
}

// within polls a condition.
func within(t *testing.T, what string, condition func() bool) {
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
