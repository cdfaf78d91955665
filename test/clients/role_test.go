package clients

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	eye "github.com/theeye/theeye/clients/go"
	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/standalone"
	"github.com/theeye/theeye/test/harness"
)

// The roles that this program plays besides the tests: The Eye as a whole, and a site.
func TestMain(m *testing.M) {
	var err error
	switch os.Getenv("CLIENTS_ROLE") {
	case "":
		code := m.Run()
		harness.Clean()
		os.Exit(code)
	case "eye":
		err = runEye()
	case "site":
		err = runSite()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runEye() error {
	app, err := standalone.New(standalone.Config{
		Listen: os.Getenv("CLIENTS_LISTEN"), AdminListen: os.Getenv("CLIENTS_ADMIN"),
		DataDir: os.Getenv("CLIENTS_DATA"), Dev: true, MinFree: 1,
		Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil)), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		return err
	}
	return app.Run(context.Background())
}

// startEye starts The Eye in a process of its own.
func startEye(t *testing.T) (*harness.Process, string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	p := &harness.Process{
		Name: "theeye", Path: program, ReadyURL: "http://" + admin + "/readyz",
		Env: []string{"CLIENTS_ROLE=eye", "CLIENTS_LISTEN=" + listen, "CLIENTS_ADMIN=" + admin, "CLIENTS_DATA=" + filepath.Join(t.TempDir(), "data")},
	}
	t.Cleanup(p.Stop)
	if err := p.Start(waiting(t)); err != nil {
		t.Fatal(err)
	}
	return p, "http://" + listen
}

// patience bounds every wait. It is for slow machines: nothing is measured.
const patience = 5 * time.Minute

func waiting(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// numbered returns the event of a number.
func numbered(session string, n int) eye.Event {
	return eye.Event{
		SessionID: session, Category: "page interaction", Name: "pageview",
		Data: map[string]any{"host": "www.example.com", "path": fmt.Sprint("/", n)},
	}
}

// runSite enqueues events from a number on, for ever, and writes each number into a file
// once its Enqueue has returned. With CLIENTS_LAST it stops before that number, and
// sends everything.
func runSite() error {
	client, err := eye.New(eye.Config{
		URL: os.Getenv("CLIENTS_URL"), WriteKey: harness.WriteKey, Spool: os.Getenv("CLIENTS_SPOOL"),
		BatchEvents: 50, MaxWait: 5 * time.Millisecond, BackoffMin: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	returned, err := os.OpenFile(os.Getenv("CLIENTS_RETURNED"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	next, err := strconv.Atoi(os.Getenv("CLIENTS_FIRST"))
	if err != nil {
		return err
	}
	last, err := strconv.Atoi(os.Getenv("CLIENTS_LAST"))
	for ; err != nil || next < last; next++ {
		if err := client.Enqueue(numbered(os.Getenv("CLIENTS_SESSION"), next)); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(returned, next); err != nil {
			return err
		}
		if next%100 == 99 { // not far ahead of what can be sent
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			_ = client.Flush(ctx)
			cancel()
		}
	}
	return client.Close(context.Background())
}

// readReturned returns the numbers that sites have written.
func readReturned(path string) (numbers []int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}
