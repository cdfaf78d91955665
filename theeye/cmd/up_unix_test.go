//go:build !windows

package cmd

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

// A flag overrides the environment, which overrides the default.
func TestUpReportsAllFaultsAtOnce(t *testing.T) {
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

func TestUpNamesThePortInUse(t *testing.T) {
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

// A shell runs the two printed command lines. A signal ends up with exit code 0.
func TestUpPrintsCommandsThatWork(t *testing.T) {
	out, end := startUp(t, "up", "--dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir())
	out.awaitText(t, "dev-analyst'\n")
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
	eventually(t, func() error {
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

func TestUpPrintsOneJSONObjectWithTheNewToken(t *testing.T) {
	out, end := startUp(t, "up", "--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir())
	out.awaitText(t, "\n")
	if code := end(); code != daemon.ExitOK {
		t.Errorf("exit code %d", code)
	}
	var b banner
	if err := json.Unmarshal([]byte(out.String()), &b); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	if b.Dev != nil || b.NewToken == "" || !strings.HasPrefix(b.URL, "http://127.0.0.1:") || !filepath.IsAbs(b.Data) || b.Store != "SQLite" {
		t.Errorf("%+v", b)
	}
}

// startUp runs a command until end, which sends SIGTERM to this process.
func startUp(t *testing.T, args ...string) (out *syncBuffer, end func() int) {
	t.Helper()
	out = &syncBuffer{}
	done := make(chan int, 1)
	go func() { done <- Run(args, out, t.Output()) }()
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

// syncBuffer is a buffer that one goroutine can write while another reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *syncBuffer) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *syncBuffer) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// awaitText waits until the buffer contains a text.
func (o *syncBuffer) awaitText(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() error {
		if !strings.Contains(o.String(), text) {
			return errors.New("printed so far: " + o.String())
		}
		return nil
	})
}

// eventually calls f until it returns nil, for at most a minute.
func eventually(t *testing.T, f func() error) {
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
