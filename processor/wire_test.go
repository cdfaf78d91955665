package processor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/store/mongo"
	"github.com/theeye/theeye/shared/stream"
)

// All faults of the settings are reported at once, without a password.
func TestSettingsReportEveryFault(t *testing.T) {
	for _, replicas := range []string{"2", "many"} {
		_, err := daemon.ReadSettings[Settings]("processor", []string{
			"--mongo-uri=not-a-uri with secret:hunter2@", "--stream-max-bytes=lots", "--stream-replicas=" + replicas,
			"--stream-retention=1s", "--audit-rate=-1", "--admin-listen=nowhere",
		})
		var faults daemon.Faults
		if !errors.As(err, &faults) || daemon.ExitCode(err) != daemon.ExitUsage || len(faults) != 6 {
			t.Errorf("exit code %d, %v", daemon.ExitCode(err), err)
		}
		for _, name := range []string{"EYE_MONGO_URI", "EYE_STREAM_MAX_BYTES", "EYE_STREAM_REPLICAS", "EYE_STREAM_RETENTION", "EYE_AUDIT_RATE", "EYE_ADMIN_LISTEN"} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s is not named in %v", name, err)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a password in %v", err)
		}
	}
	_, err := daemon.ReadSettings[Settings]("processor", []string{"--stream-max-bytes=1MiB"})
	if err == nil || !strings.Contains(err.Error(), "EYE_STREAM_MAX_BYTES: must be at least 4194304") {
		t.Errorf("a small stream: %v", err)
	}
}

// The defaults of the flags are those of the stream.
func TestSettingsHaveTheStreamsDefaults(t *testing.T) {
	s, err := daemon.ReadSettings[Settings]("processor", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := stream.Config{MaxBytes: s.StreamMaxBytes.Value, Retention: s.StreamRetention.Value, Replicas: s.StreamReplicas.Value}
	if want := (stream.Config{}).WithDefaults(); got.MaxBytes != want.MaxBytes || got.Retention != want.Retention || got.Replicas != want.Replicas {
		t.Errorf("the defaults are %+v, want %+v", got, want)
	}
	if s.NATSURL.Value != "nats://127.0.0.1:4222" || s.MongoURI != "mongodb://127.0.0.1:27017/" || s.MongoDatabase != mongo.DefaultDatabase {
		t.Errorf("the defaults are %+v", s)
	}
}

// runProcess is the program with the fixture's settings.
func (fx *fixture) runProcess(ctx context.Context, admin string) error {
	fx.t.Setenv("GOMEMLIMIT", "off") // the limit of a process is not the tests'
	s, err := daemon.ReadSettings[Settings]("processor", []string{
		"--nats-url=" + fx.nats.ClientURL(), "--mongo-uri=" + fx.uri, "--mongo-database=" + fx.database,
		"--admin-listen=" + admin, "--stream-max-bytes=64MiB",
	})
	if err != nil {
		return err
	}
	return Run(ctx, daemon.NewProcess("processor", io.Discard, slog.LevelInfo), s)
}

// The program processes, says so on its admin listener, and ends cleanly.
func TestRun(t *testing.T) {
	fx := newFixture(t)
	admin := daemontest.FreeAddr()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- fx.runProcess(ctx, admin) }()
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
	err := fx.runProcess(fx.ctx(), daemontest.FreeAddr())
	if daemon.ExitCode(err) != daemon.ExitUsage || !errors.Is(err, ErrRevision) || !strings.Contains(fmt.Sprint(err), "wiped NATS") {
		t.Errorf("Run: %v", err)
	}
}
