package sdks

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/standalone"
	"github.com/theeye/theeye/test/harness"
)

// TestMain runs the tests or, in a process that they start, The Eye.
func TestMain(m *testing.M) {
	if os.Getenv("SDKS_DATA") == "" {
		code := m.Run()
		harness.Clean()
		os.Exit(code)
	}
	if err := runEye(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runEye() error {
	app, err := standalone.New(standalone.Config{
		Listen: os.Getenv("SDKS_LISTEN"), AdminListen: os.Getenv("SDKS_ADMIN"),
		DataDir: os.Getenv("SDKS_DATA"), Dev: true, MinFree: 1,
		Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil)), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		return err
	}
	return app.Run(context.Background())
}

// startEye starts The Eye in a process of its own, with types of any name.
func startEye(t *testing.T) (*harness.Process, string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	p := &harness.Process{
		Name: "theeye", Path: program, ReadyURL: "http://" + admin + "/readyz",
		Env: []string{"SDKS_LISTEN=" + listen, "SDKS_ADMIN=" + admin, "SDKS_DATA=" + filepath.Join(t.TempDir(), "data")},
	}
	t.Cleanup(p.Stop)
	ctx := waiting(t)
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+listen+"/v1/policy", strings.NewReader(`{"unknown_types": "store"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+harness.OperatorToken)
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		if err = resp.Body.Close(); resp.StatusCode >= http.StatusMultipleChoices {
			err = errors.New("the policy is answered " + resp.Status)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, "http://" + listen
}

// patience bounds every wait. It is for slow machines: nothing is measured.
const patience = 2 * time.Minute

func waiting(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// newLogger returns a logger of a test that others write to, also after its end.
func newLogger(t *testing.T) *log.Logger {
	t.Helper()
	return log.New(t.Output(), t.Name()+" ", 0)
}
