//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package eye

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

// inChild runs a test in a process of its own, and reports whether this is it. The bound of
// limitFiles is that of a process, and go test has the one of a package write a log.
func inChild(t *testing.T) bool {
	t.Helper()
	const child = "EYE_TEST_FULL_DISK"
	if os.Getenv(child) != "" {
		return true
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("%v:\n%s", err, out)
	}
	return false
}

// limitFiles bounds the size of files, until the end of the test: what goes beyond is cut,
// and then refused, as by a disk that is full. It returns what sets the bound.
func limitFiles(t *testing.T) (limit func(bytes uint64), free func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	set := func(cur uint64) {
		now := before
		now.Cur = cur
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
			t.Fatal(err)
		}
	}
	free = func() { set(before.Cur) }
	t.Cleanup(func() {
		free()
		signal.Reset(syscall.SIGXFSZ)
	})
	return set, free
}

// A disk that is full gets no files, and a record that it cuts costs itself alone.
func TestSpoolOnAFullDisk(t *testing.T) {
	if !inChild(t) {
		return
	}
	limit, free := limitFiles(t)
	dir := t.TempDir()
	s, _, _ := open(t, dir)
	for seq := range uint64(5) {
		limit(seq % 2 * 10)
		if kept, err := s.appendEvent(seq, []byte("lost")); kept || err == nil {
			t.Fatal(kept, err)
		}
		if kept, err := s.appendEvent(seq, []byte("not tried")); kept || err != nil {
			t.Fatal(kept, err)
		}
		if names := segmentsIn(t, dir); len(names) != 0 || len(s.segments) != 0 {
			t.Fatalf("after %d events there are %q", seq+1, names)
		}
		s.endPause()
	}
	limit(20) // for one record, and a part of another
	fill(t, s, 5, 5)
	if kept, err := s.appendEvent(6, []byte("cut")); kept || err == nil {
		t.Fatal(kept, err)
	}
	free()
	s.endPause()
	fill(t, s, 7, 7)
	s.endSegment()
	_ = s.lock.Close()
	if _, events, found := open(t, dir); !slices.Equal(events, []string{"5:event 5", "7:event 7"}) || found.damaged != 0 {
		t.Errorf("%q, %d bytes are damaged", events, found.damaged)
	}
}

// What the disk did not take is written at the close, or counted.
func TestCloseAfterAFullDisk(t *testing.T) {
	if !inChild(t) {
		return
	}
	limit, free := limitFiles(t)
	synctest.Test(t, func(t *testing.T) { testCloseAfterAFullDisk(t, limit, free) })
}

func testCloseAfterAFullDisk(t *testing.T, limit func(uint64), free func()) {
	cfg := Config{WriteKey: "key", Spool: t.TempDir(), Transport: failTransport{}, Logger: slog.New(slog.DiscardHandler)}
	start := func() *Client {
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	enqueue := func(c *Client, n int) {
		if err := c.Enqueue(Event{EventID: strconv.Itoa(n)}); err != nil {
			t.Fatal(err)
		}
	}
	wantLeft := func(c *Client, queued int, dropped int64) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 1)
		defer cancel()
		if err := c.Close(ctx); !errors.Is(err, ErrLeft) {
			t.Errorf("%v", err)
		}
		if s := c.Stats(); s.Queued != queued || s.DroppedClosed != dropped || s.Dropped() != dropped {
			t.Errorf("%+v", s)
		}
		s, _, found := open(t, cfg.Spool)
		_ = s.lock.Close()
		if len(found.events) != 3 || eventID(found.events[0].json) != "0" || eventID(found.events[2].json) != "2" {
			t.Errorf("the spool has %d events", len(found.events))
		}
	}
	c := start()
	enqueue(c, 0)
	limit(0)
	enqueue(c, 1)
	enqueue(c, 2)
	free()
	wantLeft(c, 3, 0)
	c = start()
	limit(0)
	enqueue(c, 3)
	wantLeft(c, 3, 1)
}
