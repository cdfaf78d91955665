package natsd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/folderlock"
)

func TestStartConnectAndClose(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir()})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got := s.ClientURL(); got != "" {
		t.Errorf("a server without an address listens on %s", got)
	}
	if err := s.Guard(); err != nil {
		t.Errorf("Guard = %v", err)
	}
	publishMessages(t, nc, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Guard(); err == nil {
		t.Error("a closed server may be published to")
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
}

// Acknowledged messages are still stored after the next start.
func TestFolderKeepsMessages(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, Config{Dir: dir})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	publishMessages(t, nc, 5)
	nc.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, Config{Dir: dir})
	if nc, err = s.Connect(); err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got := storedMessages(t, nc); got != 5 {
		t.Errorf("%d of 5 messages after a restart", got)
	}
}

func TestSecondServerOfAFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, Config{Dir: dir})
	_, err := Start(Config{Dir: dir})
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("second Start = %v, want ErrLocked", err)
	}
	for _, want := range []string{dir, fmt.Sprintf("(pid %d)", os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %s", err, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	startServer(t, Config{Dir: dir}) // the lock is free again
}

// A lock file without a process id, as after a crash while it was written, can be
// locked, and the error of a second lock names no process.
func TestLockFileWithoutProcessID(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, folderlock.Name), []byte("\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	if err := os.Truncate(filepath.Join(dir, folderlock.Name), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := lockFolder(dir); !errors.Is(err, ErrLocked) || strings.Contains(err.Error(), "pid") {
		t.Errorf("lockFolder = %v", err)
	}
}

func TestServerOptions(t *testing.T) {
	c, err := Config{Dir: t.TempDir()}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.serverOptions()
	if err != nil {
		t.Fatal(err)
	}
	type settings struct {
		SyncAlways, DontListen, NoSigs bool
		MaxPayload                     int32
		MaxStore, MaxMemory            int64
	}
	got := settings{o.SyncAlways, o.DontListen, o.NoSigs, o.MaxPayload, o.JetStreamMaxStore, o.JetStreamMaxMemory}
	want := settings{true, true, true, 2 << 20, DefaultMaxStore, 64 << 20}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	url := s.ClientURL()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := s.restartServer(); err != nil {
		t.Fatal(err)
	}
	if got := s.ClientURL(); got != url {
		t.Errorf("address after a restart = %s, want %s", got, url)
	}
	for _, listen := range []string{"0.0.0.0:4222", ":4222", "192.0.2.1:4222", "example.com:4222", "127.0.0.1", "127.0.0.1:70000", "[::]:1"} {
		if s, err := Start(Config{Dir: t.TempDir(), Listen: listen}); err == nil {
			_ = s.Close()
			t.Errorf("listens on %q", listen)
		}
	}
}

// A port in use is an error at once, and the folder is unlocked afterwards.
func TestListenOnUsedPort(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	dir, used := t.TempDir(), strings.TrimPrefix(s.ClientURL(), "nats://")
	if other, err := Start(Config{Dir: dir, Listen: used}); err == nil {
		_ = other.Close()
		t.Fatalf("two servers listen on %s", used)
	}
	startServer(t, Config{Dir: dir})
}

func TestGuardFailsBelowTheFloor(t *testing.T) {
	s := startServer(t, Config{Dir: t.TempDir(), MinFree: 1 << 60})
	if err := s.Guard(); !errors.Is(err, ErrNoSpace) {
		t.Errorf("Guard = %v, want ErrNoSpace", err)
	}
	if free, err := s.Free(); err != nil || free == 0 {
		t.Errorf("Free = %d, %v", free, err)
	}
}

func TestGuardFailsOnUnreadableDisk(t *testing.T) {
	sp := diskSpace{dir: filepath.Join(t.TempDir(), "missing")}
	if err := sp.checkFloor(); err == nil {
		t.Error("a disk of unknown free space may be written to")
	}
}

func TestStartNeedsFolder(t *testing.T) {
	if _, err := Start(Config{}); err == nil {
		t.Error("started without a folder")
	}
}
