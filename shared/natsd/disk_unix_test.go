//go:build !windows

package natsd

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel refuses to let files grow, for a reason other than space: publishing
// fails, and succeeds again once the cause has ended.
func TestRecoversFromWriteErrors(t *testing.T) {
	testRecovery(t, t.TempDir(), fileSizeLimit)
}

// The disk is full: as above, with the most frequent error.
func TestRecoversFromFullDisk(t *testing.T) {
	dir, full := smallDisk(t)
	testRecovery(t, dir, full)
}

// A condition makes writes fail until end is called.
type condition func(t *testing.T, dir string) (end func())

func testRecovery(t *testing.T, dir string, bad condition) {
	s := startServer(t, Config{Dir: dir, MaxStore: 1 << 30})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	publishMessages(t, nc, 20)
	acked := uint64(20)

	end := bad(t, dir)
	refused := false
	for range 2000 {
		if err := tryPublish(nc); err != nil {
			refused = true
			break
		}
		acked++
	}
	if !refused {
		end()
		t.Fatal("2,000 messages were acknowledged by a disk that takes none")
	}
	runServer(t, s)
	end()
	await(t, "publishing again", func() error { return tryPublish(nc) })
	acked++
	if got := storedMessages(t, nc); got < acked {
		t.Errorf("%d of %d acknowledged messages are there", got, acked)
	}
	await(t, "Guard", s.Guard)
}

// fileSizeLimit limits the size of every file of this process. It needs neither
// permissions nor a separate disk.
func fileSizeLimit(t *testing.T, _ string) func() {
	signal.Ignore(syscall.SIGXFSZ) // write returns EFBIG instead
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	tight := old
	tight.Cur = 512 << 10 // the test binary writes a log of its own
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &tight); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
}

// fillDisk leaves no byte of the disk free.
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
