package standalone

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/stream"
)

// All faults are reported at once, and each names its setting.
func TestReportsEveryFault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	faults := Config{
		Listen: "8080", AdminListen: "nowhere:http", DataDir: file, ConfigDir: file, MongoURI: "http://secret@x",
		OperatorToken: "short", AuditRate: -1, Stream: stream.Config{Replicas: 3},
	}.Faults()
	all := faults.Error()
	for _, want := range []string{
		`listen: "8080"`, `admin listen: "nowhere:http"`, "data: ", "config: ", "mongo: ", "EYE_OPERATOR_TOKEN: ", "EYE_STREAM_REPLICAS: ", "EYE_AUDIT_RATE: ",
	} {
		if strings.Count(all, want) < 1 {
			t.Errorf("faults lack %q:\n%s", want, strings.Join(faults, "\n"))
		}
	}
	if len(faults) != 8 || strings.Contains(all, "secret") || strings.Contains(all, "short") {
		t.Errorf("%d faults:\n%s", len(faults), strings.Join(faults, "\n"))
	}
	if faults := (Config{DataDir: t.TempDir()}).Faults(); len(faults) != 0 {
		t.Errorf("the defaults are faulty: %q", faults)
	}
}

// The public keys of --dev can be used from this machine only.
func TestDevListensOnLoopbackOnly(t *testing.T) {
	for listen, ok := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:0": true, "[::1]:8080": true, "127.8.9.1:1": true,
		"0.0.0.0:8080": false, ":8080": false, "[::]:8080": false, "192.0.2.1:80": false, "example.com:80": false,
		"localhost.example.com:80": false, "[::ffff:192.0.2.1]:80": false,
	} {
		if got := len(Config{Listen: listen, Dev: true}.Faults()) == 0; got != ok {
			t.Errorf("--dev --listen %s is allowed: %t, want %t", listen, got, ok)
		}
		if got := len(Config{AdminListen: listen, Dev: true}.Faults()) == 0; got != ok {
			t.Errorf("--dev --admin-listen %s is allowed: %t, want %t", listen, got, ok)
		}
		if faults := (Config{Listen: listen, AdminListen: listen}).Faults(); len(faults) != 0 {
			t.Errorf("--listen %s: %q", listen, faults)
		}
	}
}

// A token that everybody knows opens nothing but --dev.
func TestPublicOperatorTokenNeedsDev(t *testing.T) {
	for _, token := range []string{"dev-operator", "dev-analyst", "dev-write-key"} {
		faults := Config{OperatorToken: token}.Faults()
		if len(faults) == 0 || strings.Contains(faults.Error(), token) {
			t.Errorf("%s: %q", token, faults)
		}
	}
	if faults := (Config{OperatorToken: "a-token-of-a-test", Dev: true}).Faults(); len(faults) != 0 {
		t.Errorf("with --dev: %q", faults)
	}
}

func TestNewRejectsFaultyConfig(t *testing.T) {
	_, err := New(Config{Listen: "x", Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if daemon.ExitCode(err) != daemon.ExitUsage {
		t.Errorf("New = %v", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("New without a logger")
	}
}
