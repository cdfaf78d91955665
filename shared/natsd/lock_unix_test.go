//go:build !windows

package natsd

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// holdVariable makes this test binary a process that locks the folder in its
// value.
const holdVariable = "NATSD_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdVariable); dir != "" {
		holdLock(dir)
	}
	os.Exit(m.Run())
}

// holdLock locks dir, prints the result, and waits to be killed.
func holdLock(dir string) {
	_, err := lockFolder(dir)
	fmt.Println("locked", err)
	select {}
}

// The error for the lock of another process names the process, and kill -9
// releases the lock.
func TestLockOfAnotherProcessIsReleasedByKill(t *testing.T) {
	dir := t.TempDir()
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), holdVariable+"="+dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "locked <nil>\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	_, err = lockFolder(dir)
	if want := fmt.Sprintf("(pid %d)", other.Process.Pid); !errors.Is(err, ErrLocked) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("lockFolder = %v, want ErrLocked %s", err, want)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	mine, err := lockFolder(dir)
	if err != nil {
		t.Fatalf("the lock of a killed process holds: %v", err)
	}
	if err := mine.Close(); err != nil {
		t.Error(err)
	}
}
