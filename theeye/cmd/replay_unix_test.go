//go:build !windows

package cmd

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/theeye/theeye/shared/daemon"
)

// runCommand returns both outputs of a command, and its exit code.
func (e *eye) runCommand(t *testing.T, line string) (string, int) {
	t.Helper()
	cmd := e.shellCommand(t.Context(), line)
	out, err := cmd.CombinedOutput()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		t.Fatalf("%s: %v", line, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// A second replay waits behind the first one, and both are cancelled.
func TestInterruptDoesNotEndTheReplay(t *testing.T) {
	eye := startEye(t)
	var events strings.Builder
	for i := range 200 {
		_, _ = fmt.Fprintf(&events, `{"event_id": "e%d"}`+"\n", i)
	}
	send := eye.shellCommand(t.Context(), "theeye send")
	send.Stdin = strings.NewReader(events.String())
	if out, err := send.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	var out syncBuffer
	cmd := eye.shellCommand(t.Context(), "exec theeye replay --rate 1")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.awaitText(t, "is started\n")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	id := regexp.MustCompile(`[0-9a-f]{17}`).FindString(out.String())
	for _, want := range []string{"interrupted", "replay " + id + " goes on", "theeye replay show " + id, "theeye replay cancel " + id} {
		if code := cmd.ProcessState.ExitCode(); code != daemon.ExitFailure || !strings.Contains(out.String(), want) {
			t.Fatalf("%d, without %q:\n%s", code, want, out.String())
		}
	}

	second, code := eye.runCommand(t, "theeye replay --no-wait")
	if code != daemon.ExitOK || !strings.Contains(second, "queued behind "+id) {
		t.Fatalf("%d %s", code, second)
	}
	next := regexp.MustCompile(`[0-9a-f]{17}`).FindString(second)
	if out, code := eye.runCommand(t, "theeye replay cancel "+next); code != daemon.ExitOK || out != "replay "+next+": cancelled\n" {
		t.Errorf("%d %s", code, out)
	}
	eventually(t, func() error {
		if out, _ := eye.runCommand(t, "theeye replay show "+id); !strings.Contains(out, ": running, by revision") {
			return errors.New(out)
		}
		return nil
	})
	if out, code := eye.runCommand(t, "theeye replay cancel "+id); code != daemon.ExitOK || !strings.Contains(out, "will end in a moment") {
		t.Errorf("%d %s", code, out)
	}
	if out, code := eye.runCommand(t, "theeye replay show --wait "+id); code != daemon.ExitFailure || !strings.Contains(out, "theeye: replay "+id+" was cancelled") {
		t.Errorf("%d %s", code, out)
	}
}
