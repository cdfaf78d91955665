package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// lacks waits until a process is alive but not ready, and names one of parts as
// the missing one.
func lacks(t *testing.T, proc *harness.Process, parts ...string) {
	t.Helper()
	eventually(t, func() error {
		if err := harness.Get(t.Context(), strings.TrimSuffix(proc.ReadyURL, "/readyz")+"/healthz"); err != nil {
			return fmt.Errorf("%s is not alive: %w", proc.Name, err)
		}
		status, missing, err := readiness(t, proc)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if status == http.StatusServiceUnavailable && strings.Contains(strings.ToLower(missing), part) {
				return nil
			}
		}
		return fmt.Errorf("%s is ready with %d, lacks %q, want one of %q", proc.Name, status, missing, parts)
	})
}

// readiness reads the status, and names and errors of what a process lacks.
func readiness(t *testing.T, proc *harness.Process) (status int, missing string, err error) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proc.ReadyURL, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", err
	}
	var answer struct {
		Checks []struct {
			Name  string `json:"name"`
			OK    bool   `json:"ok"`
			Error string `json:"error"`
		} `json:"checks"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, "", fmt.Errorf("%s: %q: %w", proc.ReadyURL, text, err)
	}
	for _, c := range answer.Checks {
		if !c.OK {
			missing += c.Name + ": " + c.Error + "; "
		}
	}
	return resp.StatusCode, missing, nil
}
