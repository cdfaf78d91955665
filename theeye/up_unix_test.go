//go:build !windows

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/daemon"
)

// Flags win over the environment, which wins over defaults; all faults are
// told at once, with exit code 2.
func TestUpFaults(t *testing.T) {
	t.Setenv("EYE_LISTEN", "from-the-environment")
	t.Setenv("EYE_ADMIN_LISTEN", "from-the-environment")
	t.Setenv("EYE_STREAM_MAX_BYTES", "many")
	t.Setenv("EYE_LISTN", "misspelt")
	code, out, errs := call(t, "up", "--admin-listen", "from-a-flag", "--config", filepath.Join(t.TempDir(), "missing"), "--data", t.TempDir())
	if code != daemon.ExitUsage || out != "" {
		t.Errorf("exit code %d, %q", code, out)
	}
	var faults []string
	warned := false
	for line := range strings.Lines(errs) {
		var record struct {
			Name   string
			Faults []string
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		warned = warned || record.Name == "EYE_LISTN"
		faults = append(faults, record.Faults...)
	}
	if len(faults) != 4 || !warned {
		t.Errorf("warned %t, faults:\n%s", warned, strings.Join(faults, "\n"))
	}
	for _, want := range []string{"EYE_STREAM_MAX_BYTES: ", `listen: "from-the-environment"`, `admin listen: "from-a-flag"`, "config: "} {
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, want) }) {
			t.Errorf("faults lack %q:\n%s", want, strings.Join(faults, "\n"))
		}
	}
}

func TestUpDevRefusesTheNetwork(t *testing.T) {
	code, _, errs := call(t, "up", "--dev", "--listen", "0.0.0.0:0", "--data", t.TempDir())
	if code != daemon.ExitUsage || !strings.Contains(errs, "0.0.0.0:0") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestUpPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	code, out, errs := call(t, "up", "--listen", l.Addr().String(), "--admin-listen", "127.0.0.1:0", "--data", t.TempDir())
	if code != daemon.ExitFailure || !strings.Contains(errs, l.Addr().String()) || !strings.Contains(errs, "address already in use") || out != "" {
		t.Errorf("%d %q %s", code, out, errs)
	}
}

// What up prints works as printed: the two command lines, run by a shell. It
// ends by signal with exit code 0.
func TestUpPrintsWhatWorks(t *testing.T) {
	out, end := up(t, "up", "--dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir())
	out.await(t, "dev-analyst'\n")
	var commands []string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "curl ") {
			commands = append(commands, line)
		}
	}
	if len(commands) != 2 {
		t.Fatalf("prints %d commands:\n%s", len(commands), out.String())
	}
	if answer := shell(t, commands[0]); !strings.Contains(answer, `"accepted":1`) {
		t.Errorf("%s answers %s", commands[0], answer)
	}
	await(t, func() error {
		if answer := shell(t, commands[1]); !strings.Contains(answer, `"status":"stored"`) {
			return errors.New(answer)
		}
		return nil
	})
	for _, want := range []string{"demo", "dev-write-key", "dev-analyst", "dev-operator"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not print %s", want)
		}
	}
	if code := end(); code != daemon.ExitOK {
		t.Errorf("exit code %d", code)
	}
}

// For machines: one object, with the token that was made.
func TestUpJSON(t *testing.T) {
	out, end := up(t, "up", "--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir())
	out.await(t, "\n")
	if code := end(); code != daemon.ExitOK {
		t.Errorf("exit code %d", code)
	}
	var g greeting
	if err := json.Unmarshal([]byte(out.String()), &g); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	if g.Dev != nil || g.NewToken == "" || !strings.HasPrefix(g.URL, "http://127.0.0.1:") || !filepath.IsAbs(g.Data) || g.Store != "SQLite" {
		t.Errorf("%+v", g)
	}
}

// up runs a command until end, which signals this process as a person would.
func up(t *testing.T, args ...string) (out *output, end func() int) {
	t.Helper()
	out = &output{}
	done := make(chan int, 1)
	go func() { done <- run(args, out, t.Output()) }()
	ended := false
	end = func() int {
		ended = true
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		return <-done
	}
	t.Cleanup(func() {
		if !ended {
			end()
		}
	})
	return out, end
}

func shell(t *testing.T, line string) string {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, b)
	}
	return string(b)
}

// output is a buffer that one goroutine writes and another reads.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (o *output) await(t *testing.T, text string) {
	t.Helper()
	await(t, func() error {
		if !strings.Contains(o.String(), text) {
			return errors.New("printed so far: " + o.String())
		}
		return nil
	})
}

// await calls f until it returns nil; it gives up after a minute.
func await(t *testing.T, f func() error) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}
