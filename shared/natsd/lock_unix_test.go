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

// holdVariable makes this test binary a process that locks the folder it
// names.
const holdVariable = "NATSD_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdVariable); dir != "" {
		hold(dir)
	}
	os.Exit(m.Run())
}

// hold locks dir, says so, and waits to be killed.
func hold(dir string) {
	_, err := lockFolder(dir)
	fmt.Println("locked", err)
	select {}
}

// The lock of another process is seen and named, and kill -9 frees it.
func TestLockOfAnotherProcess(t *testing.T) {
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
	if err := mine.close(); err != nil {
		t.Error(err)
	}
}
