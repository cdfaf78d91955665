package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// ends runs a program to its end and returns its exit code and its output.
func ends(t *testing.T, path string, args, env []string) (int, string) {
	t.Helper()
	p := &harness.Process{Name: filepath.Base(path), Path: path, Args: args, Env: env, Dir: t.TempDir()}
	if err := p.Launch(); err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	code, err := p.Wait(waiting(t))
	if err != nil {
		t.Fatalf("%v\n%s", err, p.Output())
	}
	return code, p.Output()
}

// A program that is configured wrongly says everything that is wrong at once.
func TestEveryFaultOfTheSettingsAtOnce(t *testing.T) {
	b := binaries(t)
	for name, run := range map[string]struct {
		path      string
		args, env []string
		named     []string
	}{
		"collector": {
			b.Collector, nil,
			[]string{"EYE_NATS_URL=nats://%zz", "EYE_LISTEN=nowhere", "EYE_ADMIN_LISTEN=1", "EYE_LOG_LEVEL=loud"},
			[]string{"EYE_NATS_URL", "EYE_LISTEN", "EYE_ADMIN_LISTEN", "EYE_LOG_LEVEL"},
		},
		"processor": {
			b.Processor, nil,
			[]string{"EYE_MONGO_URI=http://x", "EYE_STREAM_MAX_BYTES=much", "EYE_STREAM_REPLICAS=2", "EYE_STREAM_RETENTION=1s", "EYE_ADMIN_LISTEN=1", "EYE_LOG_LEVEL=loud"},
			[]string{"EYE_MONGO_URI", "EYE_STREAM_MAX_BYTES", "EYE_STREAM_REPLICAS", "EYE_STREAM_RETENTION", "EYE_ADMIN_LISTEN", "EYE_LOG_LEVEL"},
		},
		"queryapi": {
			b.QueryAPI, nil,
			[]string{"EYE_NATS_URL=nats://%zz", "EYE_MONGO_URI=http://x", "EYE_LISTEN=nowhere", "EYE_OPERATOR_TOKEN=short", "EYE_CONFIG=/nowhere/at/all", "EYE_LOG_LEVEL=loud"},
			[]string{"EYE_NATS_URL", "EYE_MONGO_URI", "EYE_LISTEN", "EYE_OPERATOR_TOKEN", "EYE_CONFIG", "EYE_LOG_LEVEL"},
		},
		"theeye": {
			b.TheEye,
			[]string{"up", "--dev", "--listen", "0.0.0.0:0", "--config", "/nowhere/at/all"},
			[]string{"EYE_STREAM_MAX_BYTES=much", "EYE_STREAM_RETENTION=soon", "EYE_MIN_FREE=some", "EYE_MONGO_URI=http://x", "EYE_ADMIN_LISTEN=1", "EYE_LOG_LEVEL=loud"},
			[]string{"listen", "config", "EYE_STREAM_MAX_BYTES", "EYE_STREAM_RETENTION", "EYE_MIN_FREE", "mongo", "admin listen", "EYE_LOG_LEVEL"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out := ends(t, run.path, run.args, run.env)
			if code != 2 {
				t.Errorf("exit code %d", code)
			}
			for _, n := range run.named {
				if !strings.Contains(out, n) {
					t.Errorf("nothing is said of %s", n)
				}
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

func TestVersionAndHelp(t *testing.T) {
	b := binaries(t)
	for _, path := range []string{b.TheEye, b.Collector, b.Processor, b.QueryAPI} {
		for _, flag := range []string{"--version", "--help"} {
			code, out := ends(t, path, []string{flag}, nil)
			if code != 0 || strings.TrimSpace(out) == "" {
				t.Errorf("%s %s: exit code %d, %q", filepath.Base(path), flag, code, out)
			}
		}
		if code, out := ends(t, path, []string{"--nonsense"}, nil); code != 2 || !strings.Contains(out, "nonsense") {
			t.Errorf("%s --nonsense: exit code %d, %q", filepath.Base(path), code, out)
		}
	}
	if code, out := ends(t, b.TheEye, []string{"version"}, nil); code != 0 || !strings.Contains(out, "go1.") {
		t.Errorf("theeye version: exit code %d, %q", code, out)
	}
}

// A port or a folder that another process uses is named, and the process that
// has it goes on.
func TestUpBesideAnother(t *testing.T) {
	b := binaries(t)
	first, err := harness.Single(b, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Stop()
	if err := first.Start(waiting(t)); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(first.Processes[0].Dir, "data")
	listen := strings.TrimPrefix(first.Collector, "http://")
	for name, second := range map[string]struct{ listen, data, says string }{
		"same folder":    {"127.0.0.1:0", data, "used by another process"},
		"same port":      {listen, t.TempDir(), "address already in use"},
		"beyond":         {"0.0.0.0:0", t.TempDir(), "--dev"},
		"every address":  {":0", t.TempDir(), "--dev"},
		"another name":   {"eye.example:0", t.TempDir(), "--dev"},
		"not an address": {"here", t.TempDir(), "host:port"},
	} {
		want := 1
		if second.says == "--dev" || second.says == "host:port" {
			want = 2
		}
		code, out := ends(t, b.TheEye, []string{"up", "--dev", "--listen", second.listen, "--data", second.data}, []string{"EYE_ADMIN_LISTEN=127.0.0.1:0"})
		if code != want || !strings.Contains(out, second.says) || strings.Contains(out, "goroutine ") {
			t.Errorf("%s: exit code %d, %s", name, code, out)
		}
	}
	if err := first.AwaitReady(waiting(t)); err != nil {
		t.Errorf("the first one does not go on: %v", err)
	}
}

// A second SIGTERM ends a process that still drains, at once. What keeps it is
// a request whose body never comes.
func TestSecondSignal(t *testing.T) {
	first, err := harness.Single(binaries(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Stop()
	if err := first.Start(waiting(t)); err != nil {
		t.Fatal(err)
	}
	up := first.Processes[0]
	half := halfRequest(t, first.Collector, first.Key)
	defer func() { _ = half.Close() }()
	if err := up.Signal(os.Signal(syscall.SIGTERM)); err != nil {
		t.Fatal(err)
	}
	(&fixture{Pipeline: first}).logs(t, "Draining")
	// One that comes right after the first is taken for the same one.
	eventually(t, func() error {
		_ = up.Signal(os.Signal(syscall.SIGTERM)) // it may have ended
		if strings.Contains(up.Output(), "second signal") {
			return nil
		}
		return errNotLogged
	})
	code, err := up.Wait(waiting(t))
	if err != nil || code != 1 || !strings.Contains(up.Output(), "second signal") {
		t.Errorf("exit code %d, %v: %s", code, err, up.Output())
	}
}
