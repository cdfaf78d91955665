package tracker

import (
	"bufio"
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
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/test/clients"
	"github.com/theeye/theeye/test/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.Clean()
	os.Exit(code)
}

// patience bounds every wait. It is for slow machines: nothing is measured.
const patience = 2 * time.Minute

const operatorToken = "the-token-of-an-operator"

// fixture is a running `theeye up` and a browser, which all sites share.
type fixture struct {
	eye     string // base address
	token   string // reads everything
	port    string // of the pages
	browser context.Context
	sites   sync.Map // by their names
}

// newFixture starts both. Every site of names has an application and a key of its own.
func newFixture(t testing.TB, names []string) *fixture {
	t.Helper()
	f := &fixture{token: operatorToken}
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(r.Host, ".")
		if s, ok := f.sites.Load(name); ok {
			s.(*site).servePage(w, r)
		}
	}))
	t.Cleanup(pages.Close)
	at, err := url.Parse(pages.URL)
	if err != nil {
		t.Fatal(err)
	}
	f.port = at.Port()
	f.startEye(t, names)
	f.startBrowser(t)
	return f
}

func (f *fixture) startBrowser(t testing.TB) {
	t.Helper()
	chromium := os.Getenv("EYE_TEST_CHROMIUM")
	if chromium == "" {
		t.Fatal("set EYE_TEST_CHROMIUM to the output of deploy/test-chromium.sh, or run make test")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox) //nolint:gocritic // a copy
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(closeAllocator)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	f.browser = ctx
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start %s: %v", chromium, err)
	}
}

func (f *fixture) startEye(t testing.TB, names []string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"schemas/page=20interaction/pageview.json":        `{"type": "object", "required": ["host", "path"]}`,
		"schemas/page=20interaction/cta=20click.json":     `{"type": "object", "required": ["host", "path", "element"]}`,
		"schemas/page=20interaction/outbound=20link.json": `{"type": "object", "required": ["host", "path", "url"]}`,
		"schemas/page=20interaction/download.json":        `{"type": "object", "required": ["host", "path", "url"]}`,
		"schemas/form=20interaction/submit.json":          `{"type": "object", "required": ["host", "path", "form"]}`,
		"schemas/test/step.json":                          `{"type": "object", "properties": {"n": {"type": "integer"}}}`,
	}
	for _, name := range names {
		sum := sha256.Sum256([]byte(keyOf(name)))
		files["applications/"+name+".json"] = fmt.Sprintf(
			`{"keys": [{"sha256": %q, "kind": "browser", "events_per_second": 100000, "origins": ["http://%s.localhost:%s", "null"]}]}`, hex.EncodeToString(sum[:]), name, f.port)
	}
	for name, text := range files {
		path := filepath.Join(dir, "config", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binaries, err := harness.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listen, admin := daemontest.FreeAddr(), daemontest.FreeAddr()
	f.eye = "http://" + listen
	up := &harness.Process{
		Name: "theeye", Path: binaries.TheEye, Dir: dir, ReadyURL: "http://" + admin + "/readyz",
		Args: []string{"up", "--listen", listen, "--data", filepath.Join(dir, "data"), "--config", filepath.Join(dir, "config")},
		Env:  []string{"EYE_ADMIN_LISTEN=" + admin, "EYE_OPERATOR_TOKEN=" + operatorToken},
	}
	t.Cleanup(up.Stop)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := up.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

func keyOf(site string) string { return "the-key-of-" + site }

// site is a site with pages of its own, whose events pass a gate.
type site struct {
	t    testing.TB
	f    *fixture
	name string
	gate *clients.Gate
	// Both are for pages that are opened later: what stands in the head before the
	// script, and attributes of the script element.
	head, attributes string
	// headers are of the pages.
	headers map[string]string
	// withoutScript is for pages that load the modules of the client themselves.
	withoutScript bool

	base, gateURL string
}

// body is that of every page.
const body = `<a id=out href="http://elsewhere.localhost:1/there?q=1" target=frame>out</a>
<a id=file href="/price%20list.pdf?x=1" target=frame>file</a>
<a id=in href="/inside" target=frame>in</a>
<button id=cta data-eye-element="chat bubble" data-eye-price-list=7><b id=inner>chat</b></button>
<i id=typed data-eye-category=test data-eye-name=step data-eye-value-of=x>typed</i>
<form id=form name=signup action=/sent target=frame>
<input name=email value=a@example.com><input name=plan value=pro data-eye-value><input name=secret type=password value=s data-eye-value>
<input type=checkbox name=news value=weekly checked data-eye-value><input type=radio name=size value=l data-eye-value><input type=radio name=size value=m checked data-eye-value>
<button id=send>send</button></form>
<iframe name=frame></iframe>`

// countFailures counts in window.failures the requests of a page that fail.
const countFailures = `<script>
var failures = 0, plain = fetch
fetch = (...args) => plain(...args).then((r) => (r.ok || failures++, r), (e) => { failures++; throw e })
</script>`

func (f *fixture) newSite(t testing.TB, name string) *site {
	t.Helper()
	s := &site{t: t, f: f, name: name, head: countFailures, gate: &clients.Gate{Target: f.eye}, headers: map[string]string{}}
	gate := httptest.NewServer(s.gate)
	t.Cleanup(gate.Close)
	s.base, s.gateURL = "http://"+name+".localhost:"+f.port, gate.URL
	f.sites.Store(name, s)
	return s
}

// servePage serves every page of a site.
func (s *site) servePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if r.Header.Get("Sec-Fetch-Dest") == "iframe" {
		return // what links and the form lead to
	}
	for name, value := range s.headers {
		w.Header().Set(name, value)
	}
	if module, isModule := strings.CutPrefix(r.URL.Path, "/client/"); isModule {
		w.Header().Set("Content-Type", "text/javascript")
		http.ServeFileFS(w, r, os.DirFS(filepath.Join("..", "..", "clients", "js", "dist")), module)
		return
	}
	if s.withoutScript {
		return
	}
	_, _ = fmt.Fprintf(w, `<!doctype html><title>page</title>%s<script defer src="%s/tracker.js" data-url="%s" data-key="%s" %s></script>%s`,
		s.head, s.f.eye, s.gateURL, keyOf(s.name), s.attributes, body)
}

// tab is an open page.
type tab struct {
	*site
	ctx   context.Context
	close func()
	lines *lines
}

// lines are what events of the browser have said.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

func (l *lines) get() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// open opens a page of a site in a new tab.
func (s *site) open(path string) tab {
	s.t.Helper()
	ctx, closeTab := chromedp.NewContext(s.f.browser)
	s.t.Cleanup(closeTab)
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		s.t.Fatalf("open a tab: %v", err)
	}
	p := tab{site: s, ctx: ctx, lines: &lines{}, close: closeTab}
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*runtime.EventConsoleAPICalled); ok {
			var words []string
			for _, arg := range e.Args {
				words = append(words, string(arg.Value))
			}
			p.lines.add(strings.Join(words, " "))
		}
	}); err != nil {
		s.t.Fatal(err)
	}
	p.navigate(path)
	return p
}

func (p tab) navigate(path string) {
	p.t.Helper()
	run(p, chromedp.Navigate(p.base+path))
}

func run[T any](p tab, action chromedp.Action[T]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, action); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// do evaluates an expression in the page.
func (p tab) do(format string, args ...any) {
	p.t.Helper()
	run(p, chromedp.Evaluate[chromedp.Void]("{"+fmt.Sprintf(format, args...)+"}"))
}

// leaveFor has a script of the page go elsewhere. The page may be gone before the browser
// has answered, which it then does with code -32000.
func (p tab) leaveFor(url string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("{location.href = %q}", url)))
	if err != nil && !strings.Contains(err.Error(), "(-32000)") {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// step sends events of the type test, step with the numbers from first to before last.
func (p tab) step(first, last int) {
	p.t.Helper()
	p.do("for (let n = %d; n < %d; n++) eye.track('test', 'step', {n})", first, last)
}

// waitFor waits until an expression in the page is true. It asks again and again, since
// chromedp.Poll asks once, by the number of a context that may be that of the page before.
func (p tab) waitFor(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		met, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err != nil {
			return harness.Final(err)
		}
		if !met {
			return fmt.Errorf("not met: %s", expression)
		}
		return nil
	}); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// console returns what the page has printed.
func (p tab) console() string {
	return strings.Join(p.lines.get(), "\n")
}

// record is a stored event.
type record struct {
	EventID    string    `json:"event_id"`
	SessionID  string    `json:"session_id"`
	Category   string    `json:"category"`
	Name       string    `json:"name"`
	Timestamp  time.Time `json:"timestamp"`
	ReceivedAt time.Time `json:"received_at"`
	Data       json.RawMessage
}

// stored returns the events of the site in the order of their ids, which is that of the
// calls of a page.
func (s *site) stored(ctx context.Context) (records []record, err error) {
	address := s.f.eye + "/v1/export?" + url.Values{"format": {"ndjson"}, "application": {s.name}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.f.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the export is answered %s", resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 2<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("a line of the export: %w", err)
		}
		if r.EventID != "" { // the last line says that the export is complete
			records = append(records, r)
		}
	}
	return records, lines.Err()
}

// waitStored waits until n events are stored, and returns them. More are a failure.
func (s *site) waitStored(n int) []record {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	var records []record
	if err := harness.Poll(ctx, func() (err error) {
		if records, err = s.stored(ctx); err != nil {
			return err
		}
		if len(records) > n {
			return harness.Final(fmt.Errorf("%d events are stored, %d were sent", len(records), n))
		}
		if len(records) < n {
			return fmt.Errorf("%d of %d events are stored", len(records), n)
		}
		return nil
	}); err != nil {
		s.t.Fatalf("%s: %v: %s", s.name, err, describe(records))
	}
	return records
}

// describe returns the types and data of events, one a line.
func describe(records []record) string {
	var b strings.Builder
	for _, r := range records[:min(len(records), 30)] {
		fmt.Fprintf(&b, "\n%s / %s %s", r.Category, r.Name, r.Data)
	}
	return b.String()
}

// wantSteps waits until the numbered events before n are stored, each once, with as many
// page views.
func (s *site) wantSteps(n, views int) {
	s.t.Helper()
	counts := map[int]int{}
	for _, r := range s.waitStored(n + views) {
		var data struct{ N *int }
		if err := json.Unmarshal(r.Data, &data); err != nil {
			s.t.Fatal(err)
		}
		if data.N != nil {
			counts[*data.N]++
		}
	}
	for i := range n {
		if counts[i] != 1 {
			s.t.Errorf("event %d is stored %d times", i, counts[i])
		}
	}
	if len(counts) != n {
		s.t.Errorf("%d numbers are stored, want %d", len(counts), n)
	}
}
