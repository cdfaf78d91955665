//go:build powercut && linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/theeye/theeye/test/harness"
)

// cuts is how often the power is cut.
const cuts = 8

// The data folder is on a file system of its own, which is shut down without
// writing anything more, as by a loss of power, while events are sent. What
// was accepted must be there when it is mounted again. Needs root.
func TestPowerCut(t *testing.T) {
	findings, err := cutPower(t, cuts, func(*harness.Process) {})
	if err != nil {
		t.Fatal(err)
	}
	reportFindings(t, findings)
}

// Without syncs a loss of power loses events, and the test finds it.
func TestPowerCutFindsMissingSyncs(t *testing.T) {
	for range tries { // the kernel may have written everything shortly before the cut
		findings, err := cutPower(t, 1, withoutSyncs)
		switch {
		case err != nil:
			t.Logf("it does not work after the cut, which is found as well: %v", err)
			return
		case found(Report{Findings: findings}, "missing"):
			t.Logf("%d findings, the first: %s", len(findings), findings[0])
			return
		}
	}
	t.Error("nothing was found missing")
}

// cutPower cuts the power of `theeye up` under load so many times, and returns the faults
// found then, or why the process did not work after a cut.
func cutPower(t *testing.T, cuts int, change func(*harness.Process)) ([]string, error) {
	t.Helper()
	bin, err := harness.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	disk := newDisk(t)
	pipeline, err := harness.Single(bin, disk.mountPoint)
	if err != nil {
		t.Fatal(err)
	}
	theeye := pipeline.Processes[0]
	theeye.Env = append(theeye.Env, "EYE_MIN_FREE=16MiB", "EYE_STREAM_MAX_BYTES=128MiB")
	change(theeye)
	t.Cleanup(pipeline.Stop)
	if err := pipeline.Start(ctx); err != nil {
		t.Fatal(err)
	}
	load := &Load{URL: pipeline.Collector, Key: pipeline.Key, Clients: 6, PerSecond: perSecond, Seed: seed(t), Ledger: NewLedger()}
	loadCtx, endLoad := context.WithCancel(ctx)
	defer endLoad()
	loadDone := make(chan error, 1)
	go func() { loadDone <- load.Run(loadCtx, ctx) }()
	for range cuts {
		pause(ctx, time.Second+rand.N(2*time.Second))
		disk.cut(t, theeye)
		if err := theeye.Start(ctx); err != nil {
			cancel()
			return nil, errors.Join(err, <-loadDone)
		}
	}
	endLoad()
	if err := <-loadDone; err != nil {
		t.Fatal(err)
	}
	trial := Trial{Fleet: &Fleet{pipeline}, Grace: 5 * time.Second}
	docs, findings, err := trial.awaitConsistency(ctx, load.Ledger)
	if err != nil {
		return nil, err
	}
	requests, failed := load.Requests()
	t.Logf("%d power cuts; %d requests, %d of them failed and were sent again; %d contents accepted, %d documents",
		cuts, requests, failed, load.Ledger.Accepted(), len(docs))
	return findings, nil
}

// disk is an ext4 file system in a file.
type disk struct{ image, mountPoint string }

func newDisk(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	d := disk{filepath.Join(dir, "image"), filepath.Join(dir, "mount")}
	if err := errors.Join(os.Mkdir(d.mountPoint, 0o750), os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, 1<<30)); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", d.image)
	d.mount(t)
	t.Cleanup(func() { _ = unix.Unmount(d.mountPoint, unix.MNT_DETACH) })
	return d
}

func (d disk) mount(t *testing.T) {
	t.Helper()
	run(t, "mount", "-o", "loop", d.image, d.mountPoint)
}

// ext4Shutdown is EXT4_IOC_SHUTDOWN, and withoutFlush its flag that drops what
// the journal has not written yet.
const (
	ext4Shutdown = 0x8004587d
	withoutFlush = 2
)

// cut stops the process, shuts the file system down, kills the process, empties its
// folders in memory, and mounts the disk again.
//
// Without power no answer leaves the machine, hence the stop comes first. A sync that is
// under way when the file system is shut down may return success though nothing is on
// disk: of 13,634 syncs over 40 shutdowns, 5 that returned after it, and none before.
func (d disk) cut(t *testing.T, p *harness.Process) {
	t.Helper()
	stopThreads(t, p)
	inMemory := d.foldersInMemory(t)
	root, err := os.Open(d.mountPoint)
	if err != nil {
		t.Fatal(err)
	}
	flag := uint32(withoutFlush)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, root.Fd(), ext4Shutdown, uintptr(unsafe.Pointer(&flag)))
	_ = root.Close()
	if errno != 0 {
		t.Fatalf("shut the file system down: %v", errno)
	}
	// It may have ended by itself: nothing can be written any more.
	if err := p.Kill(); err != nil && !errors.Is(err, harness.ErrExited) {
		t.Fatal(err)
	}
	run(t, "umount", d.mountPoint)
	for _, folder := range inMemory {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
	}
	d.mount(t)
}

// stopThreads stops a process, and waits until none of its threads runs: those inside a
// system call stop before they return from it.
func stopThreads(t *testing.T, p *harness.Process) {
	t.Helper()
	if err := p.Signal(unix.SIGSTOP); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	err := harness.Poll(t.Context(), func() error {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.PID()))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // the thread has ended
			}
			_, state, _ := strings.Cut(string(text), ") ")
			if !strings.ContainsAny(state[:1], "TDZX") {
				return fmt.Errorf("%s: a thread is in state %.1s", file, state)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// foldersInMemory returns the folders outside the disk that hold what links in it name:
// where batches are staged.
func (d disk) foldersInMemory(t *testing.T) []string {
	t.Helper()
	var folders []string
	err := filepath.WalkDir(d.mountPoint, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink == 0 {
			return nil //nolint:nilerr // a file that the process has removed
		}
		if target, err := os.Readlink(path); err == nil {
			folders = append(folders, filepath.Dir(target))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out))
	}
}
