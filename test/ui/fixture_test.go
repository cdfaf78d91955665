package ui

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/test/harness"
)

// patience bounds every wait. It is for slow machines: nothing is measured.
const patience = 2 * time.Minute

// Tokens and the application of `theeye up --dev`.
const (
	operatorToken = "dev-operator"
	analystToken  = "dev-analyst"
	writeKey      = "dev-write-key"
)

// demoEvents is the number of events of `theeye demo`, over demoDays.
const (
	demoEvents = 12_000
	demoDays   = 30
)

// TestMain stops what the tests started.
func TestMain(m *testing.M) {
	code := m.Run()
	for i := len(atEnd) - 1; i >= 0; i-- {
		atEnd[i]()
	}
	harness.Clean()
	os.Exit(code)
}

// atEnd are what TestMain calls, in reverse.
var atEnd []func()

// fixture is a running `theeye up --dev` with events, and a browser.
type fixture struct {
	base    string
	binary  string
	up      *harness.Process
	browser context.Context
}

var (
	shared      *fixture
	errShared   error
	startShared sync.Once
)

// newFixture returns the fixture that the tests share. They leave its events as they are.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	startShared.Do(func() { shared, errShared = startFixture(true) })
	if errShared != nil {
		t.Fatal(errShared)
	}
	return shared
}

// newEmptyFixture returns a fixture of one test, without events, in the browser of the
// shared one.
func newEmptyFixture(t *testing.T) *fixture {
	t.Helper()
	browser := newFixture(t).browser
	f, err := startFixture(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.up.Stop) // idle processes cost the tests that follow their processor
	f.browser = browser
	return f
}

// startFixture starts a process, with more of its environment.
func startFixture(full bool, env ...string) (*fixture, error) {
	binaries, err := harness.Build(context.Background()) // a wait for compilers and other packages' builds
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir, err := os.MkdirTemp("", "eye-ui-")
	if err != nil {
		return nil, err
	}
	atEnd = append(atEnd, func() { _ = os.RemoveAll(dir) })
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	f := &fixture{base: "http://" + listen, binary: binaries.TheEye}
	f.up = &harness.Process{
		Name: "theeye", Path: binaries.TheEye, Dir: dir, ReadyURL: "http://" + admin + "/readyz",
		Args: []string{"up", "--dev", "--listen", listen, "--data", filepath.Join(dir, "data")},
		Env:  append([]string{"EYE_ADMIN_LISTEN=" + admin}, env...),
	}
	atEnd = append(atEnd, f.up.Stop)
	if err := f.up.Start(ctx); err != nil {
		return nil, err
	}
	if !full {
		return f, nil
	}
	if err := f.sendDemo(ctx, demoEvents); err != nil {
		return nil, err
	}
	return f, f.startBrowser(chromedp.Flag("renderer-process-limit", "1")) // tabs in one process take half the time to open
}

// sendDemo sends a number of events and waits until statistics count them.
func (f *fixture) sendDemo(ctx context.Context, events int) error {
	demo := exec.CommandContext(ctx, f.binary, "demo", "--events", fmt.Sprint(events), "--days", fmt.Sprint(demoDays))
	demo.Env = append(os.Environ(), "EYE_COLLECTOR_URL="+f.base, "EYE_WRITE_KEY="+writeKey)
	if out, err := demo.CombinedOutput(); err != nil {
		return fmt.Errorf("send events: %w\n%s", err, out)
	}
	return harness.Poll(ctx, func() error {
		var list struct {
			Types []struct{ Stored, Rejected int }
		}
		if err := f.get(ctx, fmt.Sprintf("/v1/types?from=%dd", demoDays+1), &list); err != nil {
			return err
		}
		n := 0
		for _, t := range list.Types {
			n += t.Stored + t.Rejected
		}
		if n < events {
			return fmt.Errorf("%d events of %d have an outcome", n, events)
		}
		return nil
	})
}

func (f *fixture) startBrowser(more ...chromedp.ExecAllocatorOption) error {
	chromium := os.Getenv("EYE_TEST_CHROMIUM")
	if chromium == "" {
		return fmt.Errorf("set EYE_TEST_CHROMIUM to the output of deploy/test-chromium.sh, or run make test")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox) //nolint:gocritic // a copy
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	atEnd = append(atEnd, closeAllocator)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	atEnd = append(atEnd, closeBrowser)
	f.browser = ctx
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		return fmt.Errorf("start %s: %w", chromium, err)
	}
	return nil
}

// get asks the API as an operator.
func (f *fixture) get(ctx context.Context, target string, value any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.base+target, http.NoBody)
	if err != nil {
		return harness.Final(err)
	}
	req.Header.Set("Authorization", "Bearer "+operatorToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s answers %d %s", target, resp.StatusCode, body)
	}
	return json.NewDecoder(resp.Body).Decode(value)
}

// axe returns the script of axe-core.
var axe = sync.OnceValues(func() (string, error) {
	file, err := os.Open("testdata/axe/axe.min.js.gz")
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	z, err := gzip.NewReader(file)
	if err != nil {
		return "", err
	}
	script, err := io.ReadAll(z)
	return string(script), err
})

// sendEvents sends events, one a line, and waits until each has an outcome that
// statistics count.
func (f *fixture) sendEvents(t *testing.T, events string) {
	t.Helper()
	outcomes := func(ctx context.Context) (n int, err error) {
		var list struct {
			Types []struct{ Stored, Rejected int }
		}
		err = f.get(ctx, "/v1/types", &list)
		for _, t := range list.Types {
			n += t.Stored + t.Rejected
		}
		return n, err
	}
	before, err := outcomes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.base+"/v1/events", strings.NewReader(events))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Accepted, Refused int }
	text := f.send(t, req, writeKey, http.StatusAccepted)
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Accepted == 0 || answer.Refused > 0 {
		t.Fatalf("the events are answered %s: %v", text, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		n, err := outcomes(ctx)
		if err == nil && n < before+answer.Accepted {
			err = fmt.Errorf("%d events of %d have an outcome", n-before, answer.Accepted)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
