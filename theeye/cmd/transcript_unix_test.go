//go:build !windows

package cmd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/registry"
)

var update = flag.Bool("update", false, "write what the commands print into testdata/*.txt")

// raceOptions keep a program with the race detector from sleeping for a second
// before it exits. The commands leave no goroutine at work when they end; and they
// are many.
const raceOptions = "GORACE=atexit_sleep_ms=0"

// How long a command is repeated that the transcript marks as repeated.
const (
	stepTime   = time.Minute
	updateTime = 5 * time.Second // then its output is recorded
)

// TestMain makes the test binary work as theeye when it is called by that name:
// so transcripts run the real program, under the race detector where the tests are.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "theeye" {
		os.Exit(Run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// Each transcript has an Eye of its own, started with --dev, and a copy of
// testdata/input as working folder.
func TestTranscriptsMatchTheOutput(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tr, err := parseTranscript(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			eye := startEye(t)
			for i := range tr.steps {
				eye.runStep(t, file, &tr.steps[i])
			}
			if *update {
				if err := os.WriteFile(file, []byte(tr.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// eye is a running Eye and the environment of a shell that uses it.
type eye struct {
	dir, data  string
	env        []string
	url, admin string
	up         *exec.Cmd
	log        syncBuffer
}

// startEye starts `theeye up --dev`, which ends with the test.
func startEye(t *testing.T) *eye {
	t.Helper()
	return startEyeAt(t, "127.0.0.1:0")
}

// startEyeAt is startEye with an address, for a test that starts it there again.
func startEyeAt(t *testing.T, listen string) *eye {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "theeye")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS("testdata/input")); err != nil {
		t.Fatal(err)
	}
	e := &eye{dir: dir, data: t.TempDir(), env: []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "LC_ALL=C",
		raceOptions,
	}}
	e.startUp(t, listen)
	e.env = append(e.env, "EYE_URL="+e.url, "EYE_ADMIN="+e.admin, "EYE_TOKEN="+registry.DevOperatorToken, "EYE_WRITE_KEY="+registry.DevWriteKey)
	t.Cleanup(func() {
		_ = e.up.Process.Signal(syscall.SIGTERM)
		if err := e.up.Wait(); err != nil || t.Failed() {
			t.Errorf("up ended with %v, and logged:\n%s", err, e.log.String())
		}
	})
	return e
}

// startUp starts The Eye and returns once it is ready.
func (e *eye) startUp(t *testing.T, listen string) {
	t.Helper()
	e.up = e.shellCommand(context.WithoutCancel(t.Context()), "exec theeye up --json --dev --listen "+listen+" --admin-listen 127.0.0.1:0")
	e.up.Dir, e.up.Stderr = e.data, &e.log
	out, err := e.up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.up.Start(); err != nil {
		t.Fatal(err)
	}
	var b banner
	if line, err := bufio.NewReader(out).ReadBytes('\n'); err != nil || json.Unmarshal(line, &b) != nil {
		t.Fatalf("up printed %q: %v; it logged:\n%s", line, err, e.log.String())
	}
	e.url, e.admin = b.URL, strings.TrimPrefix(b.Admin, "http://")
}

func (e *eye) shellCommand(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env = e.dir, e.env
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// runStep runs one command, repeatedly if the transcript says so.
func (e *eye) runStep(t *testing.T, file string, s *transcriptStep) {
	t.Helper()
	limit := stepTime
	if *update {
		limit = updateTime
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for {
		var out bytes.Buffer
		cmd := e.shellCommand(t.Context(), s.command)
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
			t.Fatalf("%s:%d: %v", file, s.number, err)
		}
		got, code := outputLines(out.String()), cmd.ProcessState.ExitCode()
		switch {
		case matches(s.want, got) && code == s.code:
			return
		case s.repeat && ctx.Err() == nil:
			continue
		case *update:
			s.recordOutput(got, code)
			return
		}
		t.Fatalf("%s:%d: %s\nexit code %d, want %d; it printed\n%s\nwhere it should\n%s\nRun with -update to take what it prints.",
			file, s.number, s.command, code, s.code, strings.Join(got, "\n"), strings.Join(s.want, "\n"))
	}
}
