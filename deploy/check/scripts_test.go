package check_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// script runs deploy/test-mongo.sh without this test's own database.
func script(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path("deploy/test-mongo.sh"), args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "EYE_TEST_MONGO_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), complaint.String(), cmd.ProcessState.ExitCode()
}

func TestScriptsAreShell(t *testing.T) {
	files, err := filepath.Glob(path("deploy/*.sh"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found %q, error %v", files, err)
	}
	for _, file := range files {
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s cannot be run", file)
		}
	}
}

func TestMongoUsesTheOneThatIsThere(t *testing.T) {
	given := []string{"EYE_TEST_MONGO_URI=mongodb://db.example.com/"}
	out, _, code := script(t, given, "run", "--", "sh", "-c", `echo "$EYE_TEST_MONGO_URI"; exit 7`)
	if out != "mongodb://db.example.com/\n" || code != 7 {
		t.Errorf("run: printed %q, exit code %d", out, code)
	}
	if out, _, code = script(t, given, "start"); out != "mongodb://db.example.com/\n" || code != 0 {
		t.Errorf("start: printed %q, exit code %d", out, code)
	}
}

func TestMongoSaysWhatToDo(t *testing.T) {
	out, complaint, code := script(t, []string{"EYE_TEST_MONGO_KIND=none"}, "run", "--", "echo", "ran")
	lines := strings.Split(strings.TrimSpace(complaint), "\n")
	last := lines[len(lines)-1]
	if out != "" || code != 1 || !strings.Contains(last, "set EYE_TEST_MONGO_URI") {
		t.Errorf("printed %q and %q, exit code %d", out, last, code)
	}
	if _, complaint, code = script(t, nil); code != 2 || !strings.Contains(complaint, "test-mongo.sh run -- CMD") {
		t.Errorf("without a verb: printed %q, exit code %d", complaint, code)
	}
}

// Two runs at once must get two servers, and leave none behind. A machine that
// can start none says so; the rest of the suite has another then.
func TestMongoRunsSideBySide(t *testing.T) {
	type result struct {
		uri, complaint string
		code           int
	}
	results := make([]result, 2)
	var both sync.WaitGroup
	for i := range results {
		both.Go(func() {
			out, complaint, code := script(t, nil, "run", "--", "sh", "-c", `printf %s "$EYE_TEST_MONGO_URI"; exit 7`)
			results[i] = result{out, complaint, code}
		})
	}
	both.Wait()
	for _, r := range results {
		if r.code == 1 && strings.Contains(r.complaint, "no MongoDB") && os.Getenv("EYE_TEST_MONGO_URI") != "" {
			return
		}
		if r.code != 7 || !strings.HasPrefix(r.uri, "mongodb://127.0.0.1:") {
			t.Fatalf("uri %q, exit code %d: %s", r.uri, r.code, r.complaint)
		}
		address := strings.TrimSuffix(strings.TrimPrefix(r.uri, "mongodb://"), "/")
		if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address); err == nil {
			_ = conn.Close()
			t.Errorf("the server at %s still runs", address)
		}
	}
	if results[0].uri == results[1].uri {
		t.Errorf("both ran on %s", results[0].uri)
	}
}
