package queryapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
)

// process is queryapi.Run with settings; stop ends it and returns its error.
func process(t *testing.T, settings ...string) (stop func() error) {
	t.Helper()
	p := daemon.NewProcess("queryapi", daemon.NewEnv(settings), io.Discard)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- queryapi.Run(ctx, p) }()
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

// freePort is an address that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
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

// The service as a process: it starts without a prepared store, says what is
// missing, serves once it is there, and takes declarations from its folder.
func TestRun(t *testing.T) {
	w := newWorld(t)
	database := mongotest.Config(t)
	config := t.TempDir()
	if err := os.Mkdir(filepath.Join(config, "applications"), 0o700); err != nil {
		t.Fatal(err)
	}
	declaration := `{"keys": [{"sha256": "` + strings.Repeat("a", 64) + `", "kind": "server"}]}`
	if err := os.WriteFile(filepath.Join(config, "applications", "declared.json"), []byte(declaration), 0o600); err != nil {
		t.Fatal(err)
	}
	listen, admin := freePort(t), freePort(t)
	stop := process(t, "EYE_NATS_URL="+w.nats.ClientURL(), "EYE_MONGO_URI="+database.URI,
		"EYE_MONGO_DATABASE="+database.Database, "EYE_MONGO_TIME_WINDOWS="+strconv.FormatBool(database.TimeWindows),
		"EYE_LISTEN="+listen, "EYE_ADMIN_LISTEN="+admin, "EYE_OPERATOR_TOKEN=a-token-for-operators", "EYE_CONFIG="+config)

	if missing := poll(t, "http://"+admin+"/readyz", "", http.StatusServiceUnavailable); !strings.Contains(missing, "store") {
		t.Errorf("what is missing is not named: %s", missing)
	}
	s := mongotest.Open(t, database)
	if err := s.Prepare(w.ctx()); err != nil {
		t.Fatal(err)
	}
	poll(t, "http://"+listen+"/v1/events", "a-token-for-operators", http.StatusOK)
	poll(t, "http://"+admin+"/readyz", "", http.StatusOK)
	if metrics := poll(t, "http://"+admin+"/metrics", "", http.StatusOK); !strings.Contains(metrics, "eye_queryapi_request_seconds_count") {
		t.Error("no metrics")
	}
	applications, err := w.js.KeyValue(w.ctx(), "APPLICATIONS")
	if err != nil {
		t.Fatal(err)
	}
	for ctx := w.ctx(); ; {
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

// Every fault of the settings is reported at once, and no secret.
func TestRunReportsEveryFault(t *testing.T) {
	var logs bytes.Buffer
	p := daemon.NewProcess("queryapi", daemon.NewEnv([]string{
		"EYE_NATS_URL=nats://user:secret@[::1", "EYE_MONGO_URI=mongodb://user:secret@", "EYE_LISTEN=8081", "EYE_ADMIN_LISTEN=x",
		"EYE_OPERATOR_TOKEN=short-secret", "EYE_CONFIG=" + filepath.Join(t.TempDir(), "none"),
	}), &logs)
	err := queryapi.Run(t.Context(), p)
	if !errors.Is(err, daemon.ErrUsage) {
		t.Fatalf("error = %v", err)
	}
	for _, name := range []string{"EYE_NATS_URL", "EYE_MONGO_URI", "EYE_LISTEN", "EYE_ADMIN_LISTEN", "EYE_OPERATOR_TOKEN", "EYE_CONFIG"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	if strings.Contains(err.Error()+logs.String(), "secret") {
		t.Errorf("a secret is shown: %v", err)
	}
	err = queryapi.Run(t.Context(), daemon.NewProcess("queryapi", daemon.NewEnv(nil), io.Discard))
	if err == nil || !strings.Contains(err.Error(), "EYE_NATS_URL") || !strings.Contains(err.Error(), "EYE_MONGO_URI") {
		t.Errorf("nothing set: %v", err)
	}
}
