package queryapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
)

// runProcess runs the process with the flags; stop ends it and returns its error.
func runProcess(t *testing.T, flags ...string) (stop func() error) {
	t.Helper()
	settings, err := daemon.ReadSettings[queryapi.Settings]("queryapi", flags)
	if err != nil {
		t.Fatal(err)
	}
	p := daemon.NewProcess("queryapi", io.Discard, slog.LevelInfo)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- queryapi.Run(ctx, p, settings) }()
	stop = func() error {
		cancel()
		select {
		case err := <-done:
			done <- err
			return err
		case <-time.After(20 * time.Second):
			return errors.New("it does not stop")
		}
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

// poll asks until the answer has the status.
func poll(t *testing.T, url, token string, want int) string {
	t.Helper()
	var last string
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == want {
			return string(body)
		}
		last = fmt.Sprintf("%d %s", resp.StatusCode, body)
	}
	t.Fatalf("%s does not come to %d: %s", url, want, last)
	return ""
}

// The service as a process: it starts without a prepared store, reports the
// missing part, serves once it is there, and takes declarations from its folder.
func TestRun(t *testing.T) {
	fx := newFixture(t)
	database := mongotest.Config(t)
	config := t.TempDir()
	if err := os.Mkdir(filepath.Join(config, "applications"), 0o700); err != nil {
		t.Fatal(err)
	}
	declaration := `{"keys": [{"sha256": "` + strings.Repeat("a", 64) + `", "kind": "server"}]}`
	if err := os.WriteFile(filepath.Join(config, "applications", "declared.json"), []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	stop := runProcess(t, "--nats-url="+fx.nats.ClientURL(), "--mongo-uri="+database.URI,
		"--mongo-database="+database.Database, "--mongo-time-windows="+strconv.FormatBool(database.TimeWindows),
		"--listen="+listen, "--admin-listen="+admin, "--operator-token=a-token-for-operators", "--config="+config, "--columns="+t.TempDir())

	if missing := poll(t, "http://"+admin+"/readyz", "", http.StatusServiceUnavailable); !strings.Contains(missing, "store") {
		t.Errorf("what is missing is not named: %s", missing)
	}
	s := mongotest.Open(t, database)
	if err := s.Prepare(fx.ctx()); err != nil {
		t.Fatal(err)
	}
	poll(t, "http://"+listen+"/v1/events", "a-token-for-operators", http.StatusOK)
	poll(t, "http://"+admin+"/readyz", "", http.StatusOK)
	if metrics := poll(t, "http://"+admin+"/metrics", "", http.StatusOK); !strings.Contains(metrics, "eye_queryapi_request_seconds_count") {
		t.Error("no metrics")
	}
	applications, err := fx.js.KeyValue(fx.ctx(), "APPLICATIONS")
	if err != nil {
		t.Fatal(err)
	}
	for ctx := fx.ctx(); ; {
		if _, err = applications.Get(ctx, "declared"); err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the declaration is not applied: %v", err)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// All faults of the settings are reported at once, without a secret.
func TestSettingsReportEveryFault(t *testing.T) {
	_, err := daemon.ReadSettings[queryapi.Settings]("queryapi", []string{
		"--nats-url=nats://user:secret@[::1", "--mongo-uri=mongodb://user:secret@", "--listen=8081", "--admin-listen=x",
		"--operator-token=short-secret", "--config=" + filepath.Join(t.TempDir(), "none"),
	})
	if !errors.Is(err, daemon.ErrUsage) {
		t.Fatalf("error = %v", err)
	}
	for _, name := range []string{"EYE_NATS_URL", "EYE_MONGO_URI", "EYE_LISTEN", "EYE_ADMIN_LISTEN", "EYE_OPERATOR_TOKEN", "EYE_CONFIG"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("a secret is shown: %v", err)
	}
	_, err = daemon.ReadSettings[queryapi.Settings]("queryapi", []string{"--operator-token=dev-operator-token", "--stream-replicas=2"})
	if err == nil || strings.Contains(err.Error(), "TOKEN") || !strings.Contains(err.Error(), "EYE_STREAM_REPLICAS") {
		t.Errorf("two replicas: %v", err)
	}
	for _, public := range []string{"dev-operator", "dev-write-key"} {
		_, err = daemon.ReadSettings[queryapi.Settings]("queryapi", []string{"--operator-token=" + public})
		if err == nil || !strings.Contains(err.Error(), "EYE_OPERATOR_TOKEN") || strings.Contains(err.Error(), public) {
			t.Errorf("a token that everybody knows: %v", err)
		}
	}
	s, err := daemon.ReadSettings[queryapi.Settings]("queryapi", nil)
	if err != nil || s.NATSURL.Value != "nats://127.0.0.1:4222" || s.MongoURI != "mongodb://127.0.0.1:27017/" || s.Listen.Value != "127.0.0.1:8081" {
		t.Errorf("the defaults are %+v, %v", s, err)
	}
}
