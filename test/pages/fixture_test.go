package pages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/test/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.Clean()
	os.Exit(code)
}

// patience bounds every wait. It is for slow machines: nothing is measured.
const patience = 2 * time.Minute

// The secrets of the installation. shop, off, ended and slow are keys of kind
// browser that list the same origins.
const (
	shopKey, serverKey = "the-key-of-the-shop", "the-key-of-a-server"
	offKey, endedKey   = "the-key-that-is-disabled", "the-key-that-has-ended"
	slowKey            = "the-key-with-a-limit"
	operatorToken      = "the-token-of-an-operator"
)

// fixture is a running `theeye up`, a server of pages, and a browser.
type fixture struct {
	t       *testing.T
	eye     string // base address
	port    string // of the pages
	browser context.Context
}

// newFixture starts all three. Pages are served at every name below localhost;
// those of shop.localhost, *.wide.localhost, münchen.localhost and null are
// listed.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	chromium := os.Getenv("EYE_TEST_CHROMIUM")
	if chromium == "" {
		t.Fatal("set EYE_TEST_CHROMIUM to the output of deploy/test-chromium.sh, or run make test")
	}
	pages := httptest.NewServer(http.HandlerFunc(servePage))
	t.Cleanup(pages.Close)
	at, err := url.Parse(pages.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, port: at.Port()}
	f.startEye()

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox) //nolint:gocritic // a copy
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(closeAllocator)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	f.browser = ctx
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start %s: %v", chromium, err)
	}
	return f
}

// servePage serves an empty page at every path.
func servePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, "<!doctype html><title>page</title>")
}

func (f *fixture) startEye() {
	f.t.Helper()
	dir := f.t.TempDir()
	origins := fmt.Sprintf(`["http://shop.localhost:%[1]s", "http://*.wide.localhost:%[1]s", "http://münchen.localhost:%[1]s", "null"]`, f.port)
	key := func(secret, more string) string {
		sum := sha256.Sum256([]byte(secret))
		return fmt.Sprintf(`{"sha256": %q, "kind": "browser", "origins": %s%s}`, hex.EncodeToString(sum[:]), origins, more)
	}
	sum := sha256.Sum256([]byte(serverKey))
	for name, text := range map[string]string{
		"applications/shop.json": fmt.Sprintf(`{"keys": [%s, %s, %s, %s, {"sha256": %q, "kind": "server"}]}`,
			key(shopKey, ""), key(offKey, `, "disabled": true`), key(endedKey, `, "expires_at": "2020-01-01T00:00:00Z"`),
			key(slowKey, `, "events_per_second": 1`), hex.EncodeToString(sum[:])),
		"schemas/page/view.json":                   `{"type": "object"}`,
		"schemas/page=20interaction/pageview.json": `{"type": "object", "required": ["host", "path"]}`,
	} {
		path := filepath.Join(dir, "config", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	binaries, err := harness.Build(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	f.eye = "http://" + listen
	up := &harness.Process{
		Name: "theeye", Path: binaries.TheEye, Dir: dir, ReadyURL: "http://" + admin + "/readyz",
		Args: []string{"up", "--listen", listen, "--data", filepath.Join(dir, "data"), "--config", filepath.Join(dir, "config")},
		Env:  []string{"EYE_ADMIN_LISTEN=" + admin, "EYE_OPERATOR_TOKEN=" + operatorToken},
	}
	f.t.Cleanup(up.Stop)
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	if err := up.Start(ctx); err != nil {
		f.t.Fatal(err)
	}
}

// open opens a page of a host in a new tab.
func (f *fixture) open(t *testing.T, host string) page {
	t.Helper()
	tab, closeTab := chromedp.NewContext(f.browser)
	t.Cleanup(closeTab)
	if _, err := chromedp.Run(tab, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	ctx, cancel := context.WithTimeout(tab, patience)
	t.Cleanup(cancel)
	p := page{f: f, t: t, ctx: ctx}
	if _, err := chromedp.Run(ctx, chromedp.Navigate("http://"+host+":"+f.port+"/")); err != nil {
		t.Fatalf("open %s: %v", host, err)
	}
	return p
}

// page is an open page.
type page struct {
	f   *fixture
	t   *testing.T
	ctx context.Context
}

// reading is what a page reads of an answer; Error is set instead where it may
// read nothing.
type reading struct {
	Status     int
	Code       string
	RetryAfter string
	Error      string
}

// String returns the status and code, or "unreadable".
func (r reading) String() string {
	if r.Error != "" {
		return "unreadable"
	}
	return strings.TrimSpace(fmt.Sprint(r.Status, " ", r.Code))
}

// fetchFunction is a JavaScript function that calls fetch and returns a reading.
const fetchFunction = `async (url, options) => {
	try {
		const answer = await fetch(url, options)
		const text = await answer.text()
		return {Status: answer.status, Code: text ? JSON.parse(text).code ?? "" : "", RetryAfter: answer.headers.get("Retry-After") ?? ""}
	} catch (e) {
		return {Error: String(e)}
	}
}`

// fetch calls fetch in the page. options is a JavaScript object without its
// braces; "" posts the event with this id.
func (p page) fetch(path, id, options string) reading {
	p.t.Helper()
	return evaluate[reading](p, fmt.Sprintf(`(%s)(%s, {method: "POST", body: %s, %s})`, fetchFunction, text(p.f.eye+path), text(event(id)), options))
}

// evaluate evaluates an expression in a page and awaits its promise.
func evaluate[T any](p page, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// wantStored waits until an event is stored.
func (p page) wantStored(id string) {
	p.t.Helper()
	p.f.poll(p.t, func(ctx context.Context) error {
		var event struct{ Status string }
		if err := p.f.get(ctx, "/v1/events/"+id+"?application=shop", &event); err != nil {
			return err
		}
		if event.Status != "stored" {
			return fmt.Errorf("event %s is %q", id, event.Status)
		}
		return nil
	})
}

// poll waits until done returns nil.
func (f *fixture) poll(t *testing.T, done func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := harness.Poll(ctx, func() error { return done(ctx) }); err != nil {
		t.Error(err)
	}
}

// get asks the query API.
func (f *fixture) get(ctx context.Context, path string, value any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.eye+path, nil)
	if err != nil {
		return harness.Final(err)
	}
	req.Header.Set("Authorization", "Bearer "+operatorToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(value)
}

// event returns the text of an event.
func event(id string) string {
	return fmt.Sprintf(`{"event_id": %q, "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423", "category": "page", "name": "view",
		"data": {}, "timestamp": "2021-01-01T09:15:27Z"}`, id)
}

// text returns s as a JavaScript string.
func text(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings can always be written
	}
	return string(b)
}
