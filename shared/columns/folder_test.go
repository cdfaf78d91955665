package columns

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func newTestFolder(t *testing.T, root string) *Folder {
	t.Helper()
	f, err := NewFolder(root, testStore, NewCache(DefaultCacheBytes))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFolderKeepsFiles(t *testing.T) {
	root := filepath.Join(t.TempDir(), "columns")
	f := newTestFolder(t, root)
	p := buildPart(t, randomDocuments(rand.New(rand.NewPCG(1, 4)), 20))
	a, err := f.Write(t.Context(), p, "a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Write(t.Context(), p, "b-2")
	if err != nil {
		t.Fatal(err)
	}
	day := filepath.Join(root, "application=shop", "day=2026-10-24")
	for _, name := range []string{"notes.txt", "c.parquet.123.tmp", "wrong name.parquet", ".parquet"} {
		if err := os.WriteFile(filepath.Join(day, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"application=UP/day=2026-10-24", "application=shop/day=x", "other", "application=shop/day=2026-10-24/d.parquet"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	f = newTestFolder(t, root)
	entries, err := f.List()
	if diff := gocmp.Diff([]Entry{a, b}, entries); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	if _, err := os.Stat(filepath.Join(day, "c.parquet.123.tmp")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that was being written is still there: %v", err)
	}
	if total, err := f.Bytes(); err != nil || total != a.Bytes+b.Bytes {
		t.Errorf("%d bytes, %v", total, err)
	}
	opened, err := f.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Remove(a); err != nil {
		t.Fatal(err)
	}
	checkEqual(t, p, opened) // reads on
	if err := f.Remove(a); err != nil {
		t.Errorf("removing what is gone: %v", err)
	}
	if _, err := f.Open(a); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opened what is gone: %v", err)
	}
}

func TestFileOfAnotherKeyIsRefused(t *testing.T) {
	root := t.TempDir()
	f := newTestFolder(t, root)
	e, err := f.Write(t.Context(), buildPart(t, nil), "a")
	if err != nil {
		t.Fatal(err)
	}
	other := Entry{Key: Key{"shop", testKey.Day + 1}, Name: "a"}
	moved := filepath.Join(root, "application=shop", "day=2026-10-25")
	if err := os.Rename(filepath.Join(root, "application=shop", "day=2026-10-24"), moved); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(other); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if err := f.Remove(other); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := f.Remove(e); err != nil {
		t.Error(err)
	}
}

func TestNamesCannotLeaveTheFolder(t *testing.T) {
	f := newTestFolder(t, t.TempDir())
	for _, e := range []Entry{
		{Key: Key{"../x", 1}, Name: "a"},
		{Key: Key{"..", 1}, Name: "a"},
		{Key: Key{"a/b", 1}, Name: "a"},
		{Key: Key{"", 1}, Name: "a"},
		{Key: Key{"a\\b", 1}, Name: "a"},
		{Key: Key{"a", maxDay + 1}, Name: "a"},
		{Key: Key{"a", 1}, Name: "../a"},
		{Key: Key{"a", 1}, Name: ""},
		{Key: Key{"a", 1}, Name: "a.b"},
	} {
		if _, err := f.Open(e); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("opened %+v: %v", e, err)
		}
		if err := f.Remove(e); err == nil {
			t.Errorf("removed %+v", e)
		}
	}
}
