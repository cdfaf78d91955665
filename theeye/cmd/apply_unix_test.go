//go:build !windows

package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/theeye/output"
)

// startInProcess runs everything in this process. The commands of the test call
// it as an operator.
func startInProcess(t *testing.T) (address string) {
	t.Helper()
	out, _ := startUp(t, "up", "--dev", "--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir())
	out.awaitText(t, "\n")
	var b banner
	if err := json.Unmarshal([]byte(out.String()), &b); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EYE_URL", b.URL)
	t.Setenv("EYE_TOKEN", registry.DevOperatorToken)
	return b.URL
}

// writeFolder writes files into a new folder.
func writeFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// mustRun runs a command that must succeed, and returns its output.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := call(t, args...)
	if code != daemon.ExitOK {
		t.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
	}
	return out
}

// lastLine returns the last line of a text.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

const (
	anySchema   = `{"type": "object"}`
	otherSchema = `{"type": "object", "required": ["path"]}`
)

func TestApplyChangesOnlyDifferences(t *testing.T) {
	startInProcess(t)
	files := map[string]string{
		"schemas/page=20interaction/pageview.json": otherSchema,
		"schemas/a=2Fb/=C3=BC=2Ex.json":            anySchema,
		"applications/site.json":                   `{"keys": [{"sha256": "` + sumA + `", "kind": "browser", "origins": ["https://site.example"]}]}`,
		"policy.json":                              `{"future_skew": "10m"}`,
	}
	dir := writeFolder(t, files)
	before := mustRun(t, "schema", "list")
	out := mustRun(t, "apply", dir, "--dry-run")
	if !strings.Contains(out, `-    "host",`) || !strings.HasPrefix(lastLine(out), "3 created, 1 changed, 0 removed, 0 unchanged (dry run") {
		t.Errorf("dry run:\n%s", out)
	}
	if diff := cmp.Diff(before, mustRun(t, "schema", "list")); diff != "" {
		t.Errorf("a dry run changes something: %s", diff)
	}
	if out := mustRun(t, "apply", dir, "--note", "from git"); lastLine(out) != "3 created, 1 changed, 0 removed, 0 unchanged" {
		t.Errorf("first:\n%s", out)
	}
	if out := mustRun(t, "apply", dir); out != "nothing to change: 4 unchanged\n" {
		t.Errorf("second:\n%s", out)
	}
	if out := mustRun(t, "schema", "history", "a/b", "ü.x"); !strings.Contains(lastLine(out), "dev-operator  from git") {
		t.Errorf("history:\n%s", out)
	}
	files["applications/site.json"] = strings.ToLower(files["applications/site.json"])
	files["schemas/page=20interaction/pageview.json"] = "{\n\"required\":[\"path\"],\"type\":\"object\"}\n"
	if out := mustRun(t, "apply", writeFolder(t, files)); out != "nothing to change: 4 unchanged\n" {
		t.Errorf("in another order:\n%s", out)
	}
	testPrune(t, dir)
}

// testPrune checks that only --prune removes records, and only undeclared ones.
func testPrune(t *testing.T, dir string) {
	t.Helper()
	mustRun(t, "app", "create", "other")
	mustRun(t, "schema", "put", "--yes", "a/b", "second", filepath.Join(dir, "schemas", "a=2Fb", "=C3=BC=2Ex.json"))
	if out := mustRun(t, "apply", dir); lastLine(out) != "nothing to change: 4 unchanged" {
		t.Errorf("without prune:\n%s", out)
	}
	want := "applications/other.json: removed, was revision N\n" +
		"schemas/a=2Fb/second.json: removed, was revision N\n" +
		"schemas/form=20interaction/submit.json: removed, was revision N\n" +
		"schemas/page=20interaction/cta=20click.json: removed, was revision N\n" +
		"schemas/page=20interaction/download.json: removed, was revision N\n" +
		"schemas/page=20interaction/outbound=20link.json: removed, was revision N\n" +
		"schemas/session/login.json: removed, was revision N\n" +
		"schemas/shop/add=20to=20cart.json: removed, was revision N\n" +
		"schemas/shop/purchase.json: removed, was revision N\n" +
		"0 created, 0 changed, 9 removed, 4 unchanged\n"
	if code, out, errs := call(t, "apply", dir, "--prune"); code != daemon.ExitUsage || !strings.Contains(errs, "9 of the changes remove") || !strings.Contains(errs, "--yes") ||
		strings.Contains(out, "9 removed") {
		t.Errorf("without a terminal and --yes: %d %s%s", code, out, errs)
	}
	out := mustRun(t, "apply", dir, "--prune", "--yes")
	if diff := cmp.Diff(want, digits.ReplaceAllString(out, "revision N")); diff != "" {
		t.Error(diff)
	}
	if out := mustRun(t, "apply", dir, "--prune", "--json"); out != `{"dry_run":false,"changes":[],"unchanged":4}`+"\n" {
		t.Errorf("twice:\n%s", out)
	}
	// A folder of schemas alone says nothing about applications and policy.
	one := writeFolder(t, map[string]string{"schemas/a/b.json": anySchema})
	code, out, errs := call(t, "apply", one, "--prune", "--yes")
	if code != 0 || lastLine(out) != "1 created, 0 changed, 2 removed, 0 unchanged" || strings.Contains(out, "policy.json") || strings.Contains(out, "applications/") ||
		!strings.Contains(errs, "no applications are removed") {
		t.Errorf("schemas alone: %d %s%s", code, out, errs)
	}
	if out := mustRun(t, "app", "list"); !strings.Contains(out, "site") {
		t.Errorf("applications after a folder of schemas alone:\n%s", out)
	}
	empty := filepath.Join(one, "applications")
	if err := os.Mkdir(empty, 0o750); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "apply", one, "--prune", "--yes"); lastLine(out) != "0 created, 0 changed, 1 removed, 1 unchanged" {
		t.Errorf("no application declared:\n%s", out)
	}
	code, _, errs = call(t, "apply", t.TempDir(), "--prune")
	if code != daemon.ExitUsage || !strings.Contains(errs, "declares nothing") {
		t.Errorf("an empty folder: %d %s", code, errs)
	}
}

// No request is sent.
func TestApplyReportsAllFaultsOfTheFolder(t *testing.T) {
	t.Setenv("EYE_URL", "http://127.0.0.1:1")
	dir := writeFolder(t, map[string]string{
		"schemas/a/b.json":    `{"type": 7, "$ref": "file:///etc/passwd"}`,
		"applications/x.json": `{"keys": [{"sha256": "eye_SECRET", "kind": "server"}]}`,
		"policy.json":         `[]`,
	})
	code, out, errs := call(t, "apply", dir)
	if code != daemon.ExitUsage || out != "" || strings.Contains(errs, "SECRET") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	for _, want := range []string{"schemas/a/b.json /type", "schemas/a/b.json /$ref", "applications/x.json /keys/0/sha256", "policy.json"} {
		if !strings.Contains(errs, "\n"+want) {
			t.Errorf("lacks %s:\n%s", want, errs)
		}
	}
	if code, _, errs := call(t, "apply", filepath.Join(dir, "missing")); code != daemon.ExitUsage || !strings.Contains(errs, "missing") {
		t.Errorf("%d %s", code, errs)
	}
	if code, _, errs := call(t, "apply", filepath.Join(dir, "schemas", "..", "..", filepath.Base(dir), "policy.json")); code != daemon.ExitUsage {
		t.Errorf("%d %s", code, errs)
	}
}

// The other change happens between the comparison and the put.
func TestApplyKeepsConcurrentChanges(t *testing.T) {
	address := startInProcess(t)
	dir := writeFolder(t, map[string]string{"schemas/page=20interaction/pageview.json": otherSchema})
	mine := filepath.Join(writeFolder(t, map[string]string{"other.json": anySchema}), "other.json")
	var once atomic.Bool
	t.Setenv("EYE_URL", startProxy(t, address, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && once.CompareAndSwap(false, true) {
			mustRun(t, "schema", "put", "--yes", "page interaction", "pageview", mine, "--url", address)
		}
		return false
	}))
	code, out, errs := call(t, "apply", dir)
	if code != daemon.ExitFailure || !strings.Contains(errs, "pageview.json: another client changed it") || lastLine(out) != "0 created, 0 changed, 0 removed, 0 unchanged, 1 not done" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if got := mustRun(t, "schema", "show", "page interaction", "pageview", "--json"); got != "{\"type\":\"object\"}\n" {
		t.Errorf("holds %s", got)
	}
	if out := mustRun(t, "apply", dir); lastLine(out) != "0 created, 1 changed, 0 removed, 0 unchanged" {
		t.Errorf("again:\n%s", out)
	}
}

// A put that was answered 503 has been carried out: the conflict of the second
// attempt names that attempt as a possible cause, and the next run has nothing
// to change.
func TestApplyExplainsAConflictAfterALostAnswer(t *testing.T) {
	address := startInProcess(t)
	dir := writeFolder(t, map[string]string{"schemas/page=20interaction/pageview.json": otherSchema})
	same := filepath.Join(dir, "schemas", "page=20interaction", "pageview.json")
	puts := 0
	t.Setenv("EYE_URL", startProxy(t, address, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		if puts++; puts == 1 {
			mustRun(t, "schema", "put", "--yes", "page interaction", "pageview", same, "--url", address)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"code": "registry_unavailable", "detail": "lost"}`))
		}
		return puts == 1
	}))
	code, out, errs := call(t, "apply", dir)
	if puts != 2 || code == daemon.ExitFailure && !strings.Contains(errs, "or an attempt before this one") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if out := mustRun(t, "apply", dir); out != "nothing to change: 1 unchanged\n" {
		t.Errorf("again:\n%s", out)
	}
}

// The next run makes the remaining changes.
func TestInterruptedApplyKeepsTheChangesThatAreDone(t *testing.T) {
	address := startInProcess(t)
	dir := writeFolder(t, map[string]string{"schemas/a/1.json": anySchema, "schemas/a/2.json": anySchema, "schemas/a/3.json": anySchema})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	puts := 0
	c := &applyCmd{Dir: dir, serverFlags: serverFlags{Token: registry.DevOperatorToken, URL: startProxy(t, address, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			if puts++; puts == 2 {
				cancel(errInterrupted)
				panic(http.ErrAbortHandler)
			}
		}
		return false
	})}}
	server, err := newClient(endpoint{"--url", c.URL}, endpoint{"--token", c.Token})
	if err != nil {
		t.Fatal(err)
	}
	declared, err := c.loadFolder()
	if err != nil {
		t.Fatal(err)
	}
	quiet := &output.Printer{Out: t.Output(), Err: t.Output()}
	p, err := c.makePlan(ctx, quiet, server, declared)
	if err != nil {
		t.Fatal(err)
	}
	err = c.applyPlan(ctx, quiet, server, p)
	if !errors.Is(err, errInterrupted) || !p.Changes[0].Done || p.Changes[1].Done || p.Changes[2].Done {
		t.Errorf("%v: %+v", err, p.Changes)
	}
	if out := mustRun(t, "apply", dir); lastLine(out) != "2 created, 0 changed, 0 removed, 1 unchanged" {
		t.Errorf("the rest:\n%s", out)
	}
}

// startProxy starts a proxy of another address and returns its own. before is
// called before each request, and can answer it.
func startProxy(t *testing.T, address string, before func(http.ResponseWriter, *http.Request) (answered bool)) string {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.URL.RawPath = r.In.URL.RawPath },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !before(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}
