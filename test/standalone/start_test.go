package standalone_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/test/harness"
)

// Without any operator token one is made, once, and kept.
func TestOperatorToken(t *testing.T) {
	cfg := config(t, t.TempDir())
	cfg.Dev = false
	var made []string
	cfg.NewOperatorToken = func(secret string) { made = append(made, secret) }
	p := start(t, cfg)
	if len(made) != 1 {
		t.Fatalf("%d tokens were made", len(made))
	}
	for range 2 {
		if code, answer := p.call("GET", "/v1/events", made[0], ""); code != http.StatusOK {
			t.Errorf("the token that was made gets %d %v", code, answer)
		}
		for _, dev := range []string{registry.DevOperatorToken, registry.DevAnalystToken} {
			if code, _ := p.call("GET", "/v1/events", dev, ""); code != http.StatusUnauthorized {
				t.Errorf("%s without --dev gets %d", dev, code)
			}
		}
		p.stop()
		cfg.Metrics = prometheus.NewRegistry()
		p = start(t, cfg)
	}
	if len(made) != 1 {
		t.Errorf("%d tokens were made over restarts", len(made))
	}
	p.stop()
	// One in the environment is enough; it is not kept.
	cfg.DataDir, cfg.OperatorToken, cfg.Metrics = t.TempDir(), "a token of one's own", prometheus.NewRegistry()
	p = start(t, cfg)
	if code, _ := p.call("GET", "/v1/events", cfg.OperatorToken, ""); code != http.StatusOK || len(made) != 1 {
		t.Errorf("own token gets %d, %d were made", code, len(made))
	}
}

// An installation whose operator token is lost is reached again: by a token of the
// settings, with which the lost one is revoked, and by a restart, which makes one.
func TestLostOperatorTokenIsReplaced(t *testing.T) {
	cfg := config(t, t.TempDir())
	cfg.Dev = false
	var made []string
	cfg.NewOperatorToken = func(secret string) { made = append(made, secret) }
	start(t, cfg).stop()

	cfg.OperatorToken, cfg.Metrics = "a token of one's own", prometheus.NewRegistry()
	p := start(t, cfg)
	if code, _ := p.call("DELETE", "/v1/tokens/first-operator", cfg.OperatorToken, ""); code != http.StatusConflict {
		t.Errorf("the last operator token is removed without a word: %d", code)
	}
	if code, answer := p.call("DELETE", "/v1/tokens/first-operator?last_operator=true", cfg.OperatorToken, ""); code != http.StatusOK {
		t.Errorf("it cannot be removed: %d %v", code, answer)
	}
	p.stop()

	cfg.OperatorToken, cfg.Metrics = "", prometheus.NewRegistry()
	p = start(t, cfg)
	if len(made) != 2 {
		t.Fatalf("%d tokens were made", len(made))
	}
	for i, want := range []int{http.StatusUnauthorized, http.StatusOK} {
		if code, _ := p.call("GET", "/v1/tokens", made[i], ""); code != want {
			t.Errorf("token %d gets %d, want %d", i, code, want)
		}
	}
}

// The declarations of --config hold for the first event, and a change of the
// folder for those after it.
func TestConfigFolder(t *testing.T) {
	cfg, dir := config(t, t.TempDir()), t.TempDir()
	cfg.ConfigDir = dir
	declare := func(required string) {
		t.Helper()
		path := filepath.Join(dir, "schemas", "shop")
		if err := os.MkdirAll(path, 0o750); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(`{"type": "object", "required": [%q]}`, required)
		if err := os.WriteFile(filepath.Join(path, "purchase.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	send := func(p *app, id string) {
		t.Helper()
		body := strings.ReplaceAll(strings.ReplaceAll(event(id), "page interaction", "shop"), "pageview", "purchase")
		if code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, body); code != http.StatusAccepted {
			t.Fatalf("%d %v", code, answer)
		}
	}
	declare("host")
	p := start(t, cfg)
	send(p, "before")
	p.awaitStatus("before", "stored")
	declare("price")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := 0
	if err := harness.Poll(ctx, func() error {
		n++
		send(p, fmt.Sprintf("after-%d", n))
		code, answer := p.call("GET", "/v1/rejected?category=shop", registry.DevAnalystToken, "")
		if rejected, ok := answer["events"].([]any); !ok || len(rejected) == 0 {
			return fmt.Errorf("nothing is rejected by the new schema: %d %v", code, answer)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
