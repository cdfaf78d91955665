package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// call runs a program that fails the test when it should not start.
func call(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute("collector", args, NewEnv(env), &out, &errs, func(context.Context, *Process) error {
		t.Errorf("%q starts the service", args)
		return nil
	})
	return code, out.String(), errs.String()
}

func TestFlags(t *testing.T) {
	for _, flag := range []string{"--version", "-version"} {
		code, out, _ := call(t, nil, flag)
		if code != ExitOK || !strings.HasPrefix(out, "collector dev (commit ") || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %d %q", flag, code, out)
		}
	}
	for _, flag := range []string{"--help", "-h"} {
		code, out, errs := call(t, nil, flag)
		if code != ExitOK || !strings.HasPrefix(out, "usage: collector") || errs != "" {
			t.Errorf("%s: %d %q %q", flag, code, out, errs)
		}
	}
	for _, args := range [][]string{{"--listen"}, {"up"}, {"--version=maybe"}} {
		code, out, errs := call(t, nil, args...)
		if code != ExitUsage || out != "" || !strings.Contains(errs, "usage: collector") {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
}

func TestHealthFlag(t *testing.T) {
	a, stop := serveAdmin(t, nil)
	if code, _, errs := call(t, []string{"EYE_ADMIN_LISTEN=" + a.Addr().String()}, "--health"); code != ExitOK {
		t.Errorf("alive: %d %s", code, errs)
	}
	stop()
	if code, _, errs := call(t, []string{"EYE_ADMIN_LISTEN=" + a.Addr().String()}, "--health"); code != ExitFailure || errs == "" {
		t.Errorf("dead: %d %s", code, errs)
	}
	if code, _, _ := call(t, []string{"EYE_ADMIN_LISTEN=nonsense"}, "--health"); code != ExitFailure {
		t.Errorf("nonsense: %d", code)
	}
}

// All faults stand in one record, and the exit code says whose they are.
func TestFaultsAreListedAtOnce(t *testing.T) {
	var errs bytes.Buffer
	env := NewEnv([]string{"EYE_LOG_LEVEL=loud", "EYE_N=x", "EYE_LISTN=typo"})
	code := execute("collector", nil, env, nil, &errs, func(_ context.Context, p *Process) error {
		p.Env.Int("EYE_N", 1)
		p.Env.Required("EYE_NATS_URL")
		return p.Env.Err()
	})
	if code != ExitUsage {
		t.Errorf("exit code %d", code)
	}
	var faults []any
	warned := false
	for line := range strings.Lines(errs.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if record["service"] != "collector" {
			t.Errorf("record without service: %s", line)
		}
		warned = warned || record["name"] == "EYE_LISTN"
		if f, ok := record["faults"].([]any); ok {
			faults = f
		}
	}
	if len(faults) != 3 || !warned {
		t.Errorf("faults %v, warned %t", faults, warned)
	}
}

func TestFailureIsLoggedOnce(t *testing.T) {
	var errs bytes.Buffer
	code := execute("processor", nil, NewEnv(nil), nil, &errs, func(context.Context, *Process) error {
		return errors.New("the reason")
	})
	if code != ExitFailure || strings.Count(errs.String(), "the reason") != 1 {
		t.Errorf("%d %s", code, errs.String())
	}
}
