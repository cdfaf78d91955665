//go:build unix

package declare

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Anything but plain files and links to them is a fault, at its place: reading it
// could block for ever.
func TestSpecialFilesAreFaults(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "schemas", "a", "folder.json"), 0o700))
	must(os.Mkdir(filepath.Join(dir, "applications"), 0o700))
	must(syscall.Mkfifo(filepath.Join(dir, "policy.json"), 0o600))
	must(syscall.Mkfifo(filepath.Join(dir, "schemas", "pipe"), 0o600))
	must(syscall.Mkfifo(filepath.Join(dir, "schemas", "a", "pipe.json"), 0o600))
	must(os.Symlink("pipe.json", filepath.Join(dir, "schemas", "a", "topipe.json")))
	must(os.Symlink("/dev/zero", filepath.Join(dir, "schemas", "a", "zero.json")))
	must(os.Symlink("/proc/kmsg", filepath.Join(dir, "schemas", "a", "endless.json")))
	must(os.Symlink("circle.json", filepath.Join(dir, "schemas", "a", "circle.json")))
	must(os.Symlink("nowhere", filepath.Join(dir, "applications", "gone.json")))
	t.Chdir(dir) // the path of a socket is short
	l, err := net.Listen("unix", "applications/socket.json")
	must(err)
	defer func() { _ = l.Close() }()
	huge, err := os.Create(filepath.Join(dir, "schemas", "a", "huge.json"))
	must(err)
	must(huge.Truncate(1 << 40))
	must(huge.Close())

	_, err = LoadDir(os.DirFS(dir))
	var faults *FolderError
	if !errors.As(err, &faults) {
		t.Fatalf("LoadDir: %v", err)
	}
	for name, want := range map[string]string{
		"policy.json": "named pipe", "schemas/pipe": "named pipe", "schemas/a/pipe.json": "named pipe", "schemas/a/topipe.json": "named pipe",
		"schemas/a/zero.json": "device", "schemas/a/circle.json": "circle", "applications/gone.json": "leads nowhere",
		"applications/socket.json": "socket", "schemas/a/folder.json": "", "schemas/a/huge.json": "bytes",
	} {
		found := false
		for _, f := range faults.Faults {
			found = found || f.File == name && strings.Contains(f.Message, want)
		}
		if !found {
			t.Errorf("%s is not a fault that says %q: %v", name, want, err)
		}
	}
	if _, err := readListing(os.DirFS(dir)); err != nil {
		t.Errorf("following: %v", err)
	}
	if _, err := digestFiles(os.DirFS(dir)); err != nil {
		t.Errorf("following: %v", err)
	}
	for _, name := range []string{"policy.json", "schemas/a/huge.json"} {
		if _, err := LoadDir(os.DirFS(filepath.Join(dir, name))); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s in the place of the folder: %v", name, err)
		}
	}
}

// A mounted config map of Kubernetes is links to files behind a link to a folder.
func TestLinksToPlainFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "schemas", "a", "..2026_11_27"), 0o700),
		os.WriteFile(filepath.Join(dir, "schemas", "a", "..2026_11_27", "b.json"), []byte(`{}`), 0o600),
		os.Symlink("..2026_11_27", filepath.Join(dir, "schemas", "a", "..data")),
		os.Symlink(filepath.Join("..data", "b.json"), filepath.Join(dir, "schemas", "a", "b.json")),
		os.Symlink("a", filepath.Join(dir, "schemas", "linked")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := LoadDir(os.DirFS(dir))
	if err != nil || len(d.Files()) != 2 {
		t.Errorf("%v, %v", d, err)
	}
	before, err := digestFiles(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "schemas", "a", "..2026_11_27", "b.json"), []byte(`true`), 0o600); err != nil {
		t.Fatal(err)
	}
	if after, err := digestFiles(os.DirFS(dir)); err != nil || after == before {
		t.Errorf("a change behind the links is not seen: %v", err)
	}
}
