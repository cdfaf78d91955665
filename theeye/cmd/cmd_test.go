package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api/client/clienttest"
	"github.com/theeye/theeye/shared/daemon"
)

// call runs a command and returns its outputs.
func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(args, &o, &e)
	return code, o.String(), e.String()
}

func TestVersionIsPrinted(t *testing.T) {
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

func TestHelpIsPrinted(t *testing.T) {
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

func TestWrongUsageIsExplained(t *testing.T) {
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

// brokenWriter is an output whose reader has closed it.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestCommandsFailWhenTheOutputIsBroken(t *testing.T) {
	d := clienttest.NewServer(t, clienttest.Answer{Status: 200, Body: `{"events":[],"next_cursor":null}`})
	t.Setenv("EYE_URL", d.URL)
	for _, args := range [][]string{{"events"}, {"version"}} {
		var errs bytes.Buffer
		if code := Run(args, brokenWriter{}, &errs); code != daemon.ExitFailure || !strings.Contains(errs.String(), "broken pipe") {
			t.Errorf("%v: %d %s", args, code, errs.String())
		}
	}
}
