package harness

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestProcessLifeAndDeath(t *testing.T) {
	p := &Process{Name: "cat", Path: "/bin/sh", Args: []string{"-c", "echo alive; exec sleep 60"}}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := p.PID()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(first, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("killed process %d is still there: %v", first, err)
	}
	if err := p.Kill(); !errors.Is(err, ErrExited) {
		t.Errorf("killing what ended before = %v, want ErrExited", err)
	}
	if err := p.Start(t.Context()); err != nil || p.PID() == first {
		t.Errorf("second start: %v, pid %d", err, p.PID())
	}
	p.Stop()
	p.Stop()
}

func TestExitCodeAndOutput(t *testing.T) {
	p := &Process{Name: "sh", Path: "/bin/sh", Args: []string{"-c", `trap 'echo bye; exit 7' TERM; echo "$SET"; while :; do sleep 0.01; done`}, Env: []string{"SET=as told"}}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if err := Poll(t.Context(), func() error {
		if !strings.Contains(p.Output(), "as told") {
			return errors.New("nothing printed yet")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(os.Signal(syscall.SIGTERM)); err != nil {
		t.Fatal(err)
	}
	code, err := p.Wait(t.Context())
	if err != nil || code != 7 || !strings.Contains(p.Output(), "bye") {
		t.Errorf("exit code %d, %v, output %q", code, err, p.Output())
	}
}

// A process that dies at its start is reported at once, with its output.
func TestAwaitReadyOfDeadProcess(t *testing.T) {
	p := &Process{Name: "sh", Path: "/bin/sh", Args: []string{"-c", "echo no luck; exit 1"}, ReadyURL: "http://127.0.0.1:1/"}
	err := p.Start(t.Context())
	if !errors.Is(err, ErrExited) || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("Start = %v", err)
	}
}

func TestPollGivesTheLastError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cause := errors.New("still not")
	err := Poll(ctx, func() error { cancel(); return cause })
	if !errors.Is(err, cause) {
		t.Errorf("Poll = %v", err)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var out outputTail
	for range 3 {
		_, _ = out.Write([]byte(strings.Repeat("x", maxTail/2)))
	}
	_, _ = out.Write([]byte("end"))
	if s := out.String(); len(s) != maxTail || !strings.HasSuffix(s, "xend") {
		t.Errorf("kept %d bytes", len(s))
	}
}
