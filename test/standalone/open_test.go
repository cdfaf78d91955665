package standalone_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/natsd"
	"github.com/theeye/theeye/standalone"
)

func TestFolderAndPortInUse(t *testing.T) {
	dir := t.TempDir()
	p := start(t, config(t, dir))
	if _, err := standalone.New(config(t, dir)); !errors.Is(err, natsd.ErrLocked) {
		t.Errorf("New over a folder in use = %v", err)
	}
	for _, set := range []func(*standalone.Config, string){
		func(c *standalone.Config, addr string) { c.Listen = addr },
		func(c *standalone.Config, addr string) { c.AdminListen = addr },
	} {
		cfg := config(t, t.TempDir())
		used := p.Addr().String()
		set(&cfg, used)
		if _, err := standalone.New(cfg); err == nil || !strings.Contains(err.Error(), used) {
			t.Errorf("New on a port in use = %v", err)
		}
		if _, err := os.Stat(filepath.Join(cfg.DataDir, "jetstream")); err == nil {
			t.Error("something was started before the port was refused")
		}
	}
}

// A New that fails late holds nothing.
func TestFailedNewFreesEverything(t *testing.T) {
	cfg := config(t, t.TempDir())
	if err := os.Mkdir(filepath.Join(cfg.DataDir, "events.db"), 0o750); err != nil {
		t.Fatal(err)
	}
	addr := daemontest.FreeAddr()
	cfg.Listen = addr
	if _, err := standalone.New(cfg); err == nil {
		t.Fatal("New over a folder in place of the database")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cfg.DataDir, "events.db")); err != nil {
		t.Fatal(err)
	}
	cfg.Metrics = prometheus.NewRegistry()
	start(t, cfg) // the lock is free
}

func TestMetrics(t *testing.T) {
	p := start(t, config(t, t.TempDir()))
	p.send("counted")
	p.awaitStatus("counted", "stored")
	resp, err := http.Get("http://" + p.AdminAddr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"eye_disk_free_bytes ", "eye_collector_", "eye_processor_", "eye_queryapi_"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("metrics lack %s", want)
		}
	}
}
