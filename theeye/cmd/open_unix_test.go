//go:build unix

package cmd

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/theeye/theeye/shared/daemon"
)

// A single file may be a pipe; what can never be read is said.
func TestSingleFilesMayBePipes(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(pipe, []byte(`{"type": "object"}`), 0o600) }()
	if raw, _, err := readSchemaFile(pipe); err != nil || string(raw) != `{"type": "object"}` {
		t.Errorf("%s, %v", raw, err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for name, want := range map[string]string{dir: "is a folder", "socket": "is a socket", "none": "no such file", "/dev/zero": "has more than"} {
		if _, _, err := readSchemaFile(name); daemon.ExitCode(err) != daemon.ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Without a writer, an interrupt ends the wait.
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if _, err := awaitWriter(ctx, pipe); !errors.Is(err, errInterrupted) {
		t.Errorf("awaitWriter: %v", err)
	}
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // lets the goroutine end
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
}
