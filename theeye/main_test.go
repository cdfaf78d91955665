package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/daemon"
)

func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(args, &o, &e)
	return code, o.String(), e.String()
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}, {"up", "--version"}} {
		code, out, errs := call(t, args...)
		if code != daemon.ExitOK || !strings.HasPrefix(out, "theeye dev (commit ") || strings.Count(out, "\n") != 1 || errs != "" {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
	code, out, _ := call(t, "version", "--json")
	var build daemon.Build
	if err := json.Unmarshal([]byte(out), &build); err != nil || code != daemon.ExitOK || build != daemon.BuildInfo() {
		t.Errorf("--json: %d %q %v", code, out, err)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"-h"}} {
		code, out, errs := call(t, args...)
		if code != daemon.ExitOK || !strings.Contains(out, "version") || !strings.Contains(out, "up") || errs != "" {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
	code, out, _ := call(t, "up", "--help")
	for _, want := range []string{
		"--dev", "--listen", "127.0.0.1:8080", "--data", "./data", "--mongo", "--config", "--admin-listen", "127.0.0.1:8090",
		"$EYE_LISTEN", "$EYE_DATA", "$EYE_MONGO_URI", "$EYE_CONFIG", "EYE_OPERATOR_TOKEN", "EYE_MIN_FREE",
	} {
		if code != daemon.ExitOK || !strings.Contains(out, want) {
			t.Errorf("help of up (%d) lacks %s", code, want)
		}
	}
}

// Wrong usage is told on standard error, says what is wrong, and is 2.
func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"start"}, "start"},
		{[]string{"up", "--prot", "1"}, "--prot"},
		{[]string{"up", "--listen"}, "--listen"},
		{[]string{"up", "extra"}, "extra"},
		{[]string{"--dev"}, "--dev"},
	} {
		code, out, errs := call(t, c.args...)
		if code != daemon.ExitUsage || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%q: %d %q %q", c.args, code, out, errs)
		}
	}
}
