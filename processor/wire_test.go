package processor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/daemon"
)

// Every fault of the settings is told at once.
func TestRunReportsEveryFault(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "off")
	p := daemon.NewProcess("processor", daemon.NewEnv([]string{
		"EYE_MONGO_URI=not-a-uri with secret:hunter2@", "EYE_STREAM_MAX_BYTES=lots", "EYE_STREAM_REPLICAS=2", "EYE_STREAM_RETENTION=1s", "EYE_AUDIT_RATE=-1", "EYE_ADMIN_LISTEN=nowhere",
	}), io.Discard)
	err := Run(t.Context(), p)
	if daemon.ExitCode(err) != daemon.ExitUsage {
		t.Errorf("exit code %d", daemon.ExitCode(err))
	}
	for _, name := range []string{"EYE_MONGO_URI", "EYE_STREAM_MAX_BYTES", "EYE_STREAM_REPLICAS", "EYE_STREAM_RETENTION", "EYE_AUDIT_RATE", "EYE_ADMIN_LISTEN"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("no word of %s in %v", name, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password in %v", err)
	}
}

// freeAddr is an address that nobody uses.
func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// processUnderTest is the program with the world's settings.
func (fx *fixture) processUnderTest(admin string) *daemon.Process {
	fx.t.Setenv("GOMEMLIMIT", "off") // the limit of a process is not the tests'
	return daemon.NewProcess("processor", daemon.NewEnv([]string{
		"EYE_NATS_URL=" + fx.nats.ClientURL(), "EYE_MONGO_URI=" + fx.uri, "EYE_MONGO_DATABASE=" + fx.database,
		"EYE_ADMIN_LISTEN=" + admin, "EYE_STREAM_MAX_BYTES=64MiB",
	}), io.Discard)
}

// The program processes, says so on its admin listener, and ends cleanly.
func TestRun(t *testing.T) {
	fx := newFixture(t)
	admin := freeAddr(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, fx.processUnderTest(admin)) }()
	fx.publishAll(pageviews("e", 20))
	fx.awaitSettled()
	if stored, _ := fx.counts(); stored != 20 {
		t.Errorf("%d stored, want 20", stored)
	}
	for path, want := range map[string]string{
		"/healthz": "", "/readyz": "", "/metrics": `eye_processor_events_total{code="",outcome="stored"} 20`,
	} {
		status, body := get(t, "http://"+admin+path)
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, %q is not in the answer", path, status, want)
		}
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		t.Error("it does not end")
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// What only a person can mend is exit code 2.
func TestRunBesideAWipedRegistry(t *testing.T) {
	fx := newFixture(t)
	if err := errors.Join(fx.store.Prepare(fx.ctx()), fx.store.RaiseRevision(fx.ctx(), 1_000_000)); err != nil {
		t.Fatal(err)
	}
	err := Run(fx.ctx(), fx.processUnderTest(freeAddr(t)))
	if daemon.ExitCode(err) != daemon.ExitUsage || !errors.Is(err, ErrRevision) || !strings.Contains(fmt.Sprint(err), "wiped NATS") {
		t.Errorf("Run: %v", err)
	}
}
