package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/store/sqlite"
	"github.com/theeye/theeye/shared/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openNew returns a store over a file of its own, not prepared.
func openNew(tb testing.TB, cfg sqlite.Config) *sqlite.Store {
	tb.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(tb.TempDir(), "a folder #1", "events.db")
	}
	s, err := sqlite.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func openPrepared(tb testing.TB, cfg sqlite.Config) *sqlite.Store {
	tb.Helper()
	s := openNew(tb, cfg)
	if err := s.Prepare(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// insertDirectly inserts documents without the write rule.
func insertDirectly(t *testing.T, s *sqlite.Store, docs ...*store.Document) {
	t.Helper()
	errs, err := s.Insert(t.Context(), docs)
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

func countHolders(t *testing.T, s *sqlite.Store, docs []*store.Document) int {
	t.Helper()
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	holders, err := s.Holders(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	return len(holders)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openNew(t, sqlite.Config{}) })
}

func TestReopenKeepsDocuments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	docs := storetest.Events(0, 100)
	for range 3 {
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := store.NewWriter(store.WriterConfig{Backend: s}).Write(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
		if n := countHolders(t, s, docs); n != len(docs) {
			t.Errorf("%d documents", n)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err == nil {
			t.Error("ready after Close")
		}
		if _, err := s.Insert(t.Context(), docs); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("insert after Close: %v", err)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the file: %v", info.Mode())
	}
}

// TestFileIsSafeAgainstPowerLoss: a missing setting would show only after a loss
// of power.
func TestFileIsSafeAgainstPowerLoss(t *testing.T) {
	s := openPrepared(t, sqlite.Config{})
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000", "user_version": "9",
	} {
		if got, err := s.Setting(t.Context(), name); got != want || err != nil {
			t.Errorf("%s is %q, want %q; error %v", name, got, want, err)
		}
	}
}

func TestSweepRemovesExpiredDocuments(t *testing.T) {
	now := time.Now()
	s := openPrepared(t, sqlite.Config{SweepEvery: -1, Now: func() time.Time { return now }})
	docs := storetest.Events(0, 1700)
	for i, d := range docs {
		switch {
		case i < 1200: // more than two transactions
			d.ExpiresAt = now.Add(-time.Minute)
		case i < 1500:
			d.ExpiresAt = now.Add(time.Minute)
		}
		if i%2 == 0 {
			docs[i] = storetest.With(storetest.Rejected(i), func(r *store.Document) { r.ExpiresAt = d.ExpiresAt })
		}
	}
	insertDirectly(t, s, docs...)
	for _, want := range []int64{1200, 0} {
		if n, err := s.Sweep(t.Context()); n != want || err != nil {
			t.Errorf("removed %d, want %d; error %v", n, want, err)
		}
	}
	if n := countHolders(t, s, docs); n != 500 {
		t.Errorf("%d documents remain, want 500", n)
	}
	now = now.Add(time.Hour)
	if n, err := s.Sweep(t.Context()); n != 300 || err != nil {
		t.Errorf("removed %d an hour later, want 300; error %v", n, err)
	}
	insertDirectly(t, s, docs[0]) // the id is free again
}

// TestSweeperRunsInTheBackground waits for the goroutine to remove a document.
func TestSweeperRunsInTheBackground(t *testing.T) {
	s := openPrepared(t, sqlite.Config{SweepEvery: time.Millisecond})
	docs := storetest.Events(0, 3)
	docs[1].ExpiresAt = time.Now().Add(-time.Minute)
	insertDirectly(t, s, docs...)
	for deadline := time.Now().Add(20 * time.Second); countHolders(t, s, docs) != 2; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the expired document is still there")
		}
	}
}

func TestUnusableFileIsAConfigurationError(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte("this is no database, and long enough to be looked at as one......"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"no path": "", "a folder": dir, "below a file": filepath.Join(text, "events.db"), "another file": text,
	} {
		s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
		if !errors.Is(err, store.ErrConfiguration) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = s.Close(t.Context())
		}
	}
}

// TestLockOfAnotherProgramIsTransient: the store waits for another program that
// locks the file, and then fails with a transient error.
func TestLockOfAnotherProgramIsTransient(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	s := openPrepared(t, sqlite.Config{Path: path})
	if err := s.Exec(t.Context(), "PRAGMA busy_timeout = 20"); err != nil { // instead of seconds
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Insert(t.Context(), storetest.Events(0, 1))
	if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknown) {
		t.Errorf("insert into a locked file: %v", err)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	insertDirectly(t, s, storetest.Events(0, 1)...)
}

// TestFullFileUndoesTheBulk: where no page can be added, the whole bulk is undone
// and the failure is transient.
func TestFullFileUndoesTheBulk(t *testing.T) {
	s := openPrepared(t, sqlite.Config{})
	if err := s.LimitPages(t.Context(), 60); err != nil {
		t.Fatal(err)
	}
	docs := storetest.Events(0, 1000)
	_, err := s.Insert(t.Context(), docs)
	if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknown) {
		t.Fatalf("insert into a full file: %v", err)
	}
	if n := countHolders(t, s, docs); n != 0 {
		t.Errorf("%d documents of an undone bulk", n)
	}
	if err := s.LimitPages(t.Context(), 1<<30); err != nil {
		t.Fatal(err)
	}
	insertDirectly(t, s, docs...)
}

// TestCloseIsBounded: Close does not wait for a bulk beyond its context.
func TestCloseIsBounded(t *testing.T) {
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "events.db")})
	if err != nil {
		t.Fatal(err)
	}
	release := s.HoldLock()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Insert(ended, storetest.Events(0, 1)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("waiting for the lock with an ended context: %v", err)
	}
	release()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
