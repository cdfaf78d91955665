//go:build !windows

package standalone_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/test/harness"
)

// The disk is full under stream and store: events are answered 503, which
// claims nothing. When there is space again everything goes on by itself, and
// the accepted events are stored.
func TestFullDisk(t *testing.T) {
	dir, fill := smallDisk(t)
	cfg := config(t, dir)
	cfg.Stream.MaxBytes = 512 << 20
	p := start(t, cfg)
	p.send("before")
	p.awaitStatus("before", "stored")
	accepted := []string{"before"}

	free := fill(t, dir)
	refused := false
	for n := 0; n < 500 && !refused; n++ {
		id := fmt.Sprintf("full-%d", n)
		code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, strings.Replace(event(id), `"/"`, `"/`+strings.Repeat("x", 4<<10)+`"`, 1))
		switch code {
		case http.StatusAccepted:
			accepted = append(accepted, id)
		case http.StatusServiceUnavailable:
			refused = true
		default:
			t.Errorf("a full disk answers %d %v", code, answer)
		}
	}
	free()
	if !refused {
		t.Fatal("500 events were accepted by a disk that takes none")
	}
	if err := harness.Poll(t.Context(), func() error {
		if code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, event("after")); code != http.StatusAccepted {
			return fmt.Errorf("%d %v", code, answer)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range append(accepted, "after") {
		p.awaitStatus(id, "stored")
	}
}

// smallDisk is a disk of its own and the way to fill it. Where the machine
// does not allow mounting, it is a folder with a limit on the size of files: the
// server gets an error of the kernel at the same call.
func smallDisk(t *testing.T) (dir string, fill func(*testing.T, string) func()) {
	dir = t.TempDir()
	if err := mountMemory(dir, "size=64m"); err != nil {
		t.Logf("no disk of its own (%v): files are limited instead", err)
		return dir, limitFiles
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir, fillDisk
}

func fillDisk(t *testing.T, dir string) func() {
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for chunk := make([]byte, 4<<10); ; {
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// limitFiles leaves room for what the test binary itself writes.
func limitFiles(t *testing.T, _ string) func() {
	signal.Ignore(syscall.SIGXFSZ) // write returns EFBIG instead
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 512 << 10, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
}
