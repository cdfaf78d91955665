package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// call runs a program that fails the test if it starts the service.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute("collector", "Does the test's work.", args, &out, &errs, func(context.Context, *Process, *everyType) error {
		t.Errorf("%q starts the service", args)
		return nil
	})
	return code, out.String(), errs.String()
}

func TestVersionAndUnknownFlags(t *testing.T) {
	code, out, _ := call(t, "--version")
	if code != ExitOK || !strings.HasPrefix(out, "collector dev (commit ") || strings.Count(out, "\n") != 1 {
		t.Errorf("--version: %d %q", code, out)
	}
	for _, args := range [][]string{{"--nonsense"}, {"--listen"}, {"up"}, {"--version=maybe"}} {
		code, out, errs := call(t, args...)
		if code != ExitUsage || out != "" || !strings.Contains(errs, "collector --help") {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
}

// The help lists every setting with its flag, variable, default and unit.
func TestHelpListsEverySetting(t *testing.T) {
	for _, flag := range []string{"--help", "-h"} {
		code, out, errs := call(t, flag)
		if code != ExitOK || !strings.HasPrefix(out, "Usage: collector") || errs != "" {
			t.Errorf("%s: %d %q %q", flag, code, out, errs)
		}
		for _, want := range []string{
			"Does the test's work.", "--admin-listen=HOST:PORT", "$EYE_ADMIN_LISTEN", "127.0.0.1:8091", "--log-level", "$EYE_LOG_LEVEL",
			"--count", "$EYE_COUNT", "--health", "--version",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s lacks %s:\n%s", flag, want, out)
			}
		}
	}
}

func TestHealthFlagAsksTheAdminListener(t *testing.T) {
	a, stop := serveAdmin(t, nil)
	t.Setenv("EYE_ADMIN_LISTEN", a.Addr().String())
	if code, _, errs := call(t, "--health"); code != ExitOK {
		t.Errorf("alive: %d %s", code, errs)
	}
	// A running service stays alive, whatever its next start would complain of.
	if code, _, errs := call(t, "--health", "--count=nonsense"); code != ExitOK {
		t.Errorf("alive, with another setting that is faulty: %d %s", code, errs)
	}
	stop()
	if code, _, errs := call(t, "--health"); code != ExitFailure || errs == "" {
		t.Errorf("dead: %d %s", code, errs)
	}
	if code, _, _ := call(t, "--health", "--admin-listen=nonsense"); code != ExitFailure {
		t.Errorf("nonsense: %d", code)
	}
}

// inconsistent are settings of which two values do not fit together.
type inconsistent struct{ everyType }

func (inconsistent) Faults() Faults { return Faults{"EYE_COUNT: must fit EYE_BYTES"} }

// All faults are in one record, and the exit code says that the caller must
// correct them.
func TestFaultsAreListedAtOnce(t *testing.T) {
	t.Setenv("EYE_LOG_LEVEL", "loud")
	t.Setenv("EYE_BYTES", "x")
	t.Setenv("EYE_LISTN", "misspelt")
	var errs bytes.Buffer
	code := execute("collector", "", nil, nil, &errs, func(context.Context, *Process, *inconsistent) error {
		t.Error("the service starts")
		return nil
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
	code := execute("processor", "", nil, nil, &errs, func(_ context.Context, p *Process, s *everyType) error {
		if p.Name != "processor" || s.AdminListen.Value != "127.0.0.1:8093" {
			t.Errorf("%s listens on %s", p.Name, s.AdminListen.Value)
		}
		return errors.New("the reason")
	})
	if code != ExitFailure || strings.Count(errs.String(), "the reason") != 1 {
		t.Errorf("%d %s", code, errs.String())
	}
}
