package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/store"
)

func copiedDocument(seq uint64) *store.Document {
	return &store.Document{
		ID: fmt.Sprint("demo/e", seq), Application: "demo", EventID: fmt.Sprint("e", seq), Status: store.Rejected,
		ReceivedAt: time.UnixMilli(int64(seq)).UTC(), ContentHash: fmt.Sprint(seq), Revision: 7, Origin: store.Origin{Epoch: 5, Seq: seq},
	}
}

// A copy is the database at one moment, while a writer goes on.
func TestCopyIsOneMoment(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := openAt(t, filepath.Join(dir, "events.db"))
	insert := func(seq uint64) {
		if _, err := s.Insert(ctx, []*store.Document{copiedDocument(seq)}); err != nil {
			t.Error(err)
		}
	}
	if err := s.RaiseRevision(ctx, 7); err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(1000) {
		insert(seq + 1)
	}
	writing, stop := context.WithCancel(ctx)
	ended := make(chan uint64)
	go func() {
		seq := uint64(1000)
		for ; writing.Err() == nil; seq++ {
			insert(seq + 1)
		}
		ended <- seq
	}()
	path := filepath.Join(dir, "copy.db")
	err := s.CopyTo(ctx, path)
	stop()
	last := <-ended
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", info, err)
	}
	c := openAt(t, path)
	revision, err := c.HighestRevision(ctx)
	if err != nil || revision != 7 {
		t.Errorf("revision %d, %v", revision, err)
	}
	var n, highest uint64
	if err := c.readers.QueryRowContext(ctx, `SELECT count(*), max(seq) FROM events`).Scan(&n, &highest); err != nil || n != highest || n < 1000 || n > last {
		t.Errorf("%d documents up to %d of %d, %v", n, highest, last, err)
	}
	if removed, err := c.RemoveBehind(ctx, 5, 600); err != nil || removed != int64(n-600) {
		t.Errorf("%d of %d removed, %v", removed, n, err)
	}
	if removed, err := c.RemoveBehind(ctx, 6, 0); err != nil || removed != 0 {
		t.Errorf("of another stream %d are removed, %v", removed, err)
	}
	if err := s.CopyTo(ctx, path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a copy onto a file: %v", err)
	}
}

// A copy that is cancelled leaves no file.
func TestCancelledCopyIsRemoved(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "events.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(dir, "copy.db")
	if err := s.CopyTo(ctx, path); err == nil {
		t.Error("it is copied after the end of its context")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path, SweepEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
