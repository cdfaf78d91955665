//go:build !windows

package main

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
)

// installed runs everything in this process, and makes the commands of the
// test ask it as an operator.
func installed(t *testing.T) (address string) {
	t.Helper()
	out, _ := up(t, "up", "--dev", "--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir())
	out.await(t, "\n")
	var g greeting
	if err := json.Unmarshal([]byte(out.String()), &g); err != nil {
		t.Fatal(err)
	}
	t.Setenv("EYE_URL", g.URL)
	t.Setenv("EYE_TOKEN", registry.DevOperatorToken)
	return g.URL
}

// folder writes files into a new folder.
func folder(t *testing.T, files map[string]string) string {
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

// works runs a command that must end with exit code 0, and returns what it
// printed.
func works(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := call(t, args...)
	if code != daemon.ExitOK {
		t.Fatalf("%q: exit code %d\n%s%s", args, code, out, errs)
	}
	return out
}

// ended is the last line of a text.
func ended(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

const (
	anySchema   = `{"type": "object"}`
	otherSchema = `{"type": "object", "required": ["path"]}`
)

func TestApply(t *testing.T) {
	installed(t)
	files := map[string]string{
		"schemas/page=20interaction/pageview.json": otherSchema,
		"schemas/a=2Fb/=C3=BC=2Ex.json":            anySchema,
		"applications/site.json":                   `{"keys": [{"sha256": "` + sumA + `", "kind": "browser", "origins": ["https://site.example"]}]}`,
		"policy.json":                              `{"future_skew": "10m"}`,
	}
	dir := folder(t, files)
	before := works(t, "schema", "list")
	out := works(t, "apply", dir, "--dry-run")
	if !strings.Contains(out, `-    "host",`) || !strings.HasPrefix(ended(out), "3 created, 1 changed, 0 removed, 0 unchanged (dry run") {
		t.Errorf("dry run:\n%s", out)
	}
	if diff := cmp.Diff(before, works(t, "schema", "list")); diff != "" {
		t.Errorf("a dry run changes something: %s", diff)
	}
	if out := works(t, "apply", dir, "--note", "from git"); ended(out) != "3 created, 1 changed, 0 removed, 0 unchanged" {
		t.Errorf("first:\n%s", out)
	}
	if out := works(t, "apply", dir); out != "nothing to change: 4 unchanged\n" {
		t.Errorf("second:\n%s", out)
	}
	if out := works(t, "schema", "history", "a/b", "ü.x"); !strings.Contains(ended(out), "dev-operator  from git") {
		t.Errorf("history:\n%s", out)
	}
	files["applications/site.json"] = strings.ToLower(files["applications/site.json"])
	files["schemas/page=20interaction/pageview.json"] = "{\n\"required\":[\"path\"],\"type\":\"object\"}\n"
	if out := works(t, "apply", folder(t, files)); out != "nothing to change: 4 unchanged\n" {
		t.Errorf("in another order:\n%s", out)
	}
	prune(t, dir)
}

// Only --prune removes, and exactly what is not declared.
func prune(t *testing.T, dir string) {
	t.Helper()
	works(t, "app", "create", "other")
	works(t, "schema", "put", "a/b", "second", filepath.Join(dir, "schemas", "a=2Fb", "=C3=BC=2Ex.json"))
	if out := works(t, "apply", dir); ended(out) != "nothing to change: 4 unchanged" {
		t.Errorf("without prune:\n%s", out)
	}
	want := "applications/other.json: removed, was revision N\n" +
		"schemas/a=2Fb/second.json: removed, was revision N\n" +
		"schemas/form=20interaction/submit.json: removed, was revision N\n" +
		"schemas/page=20interaction/cta=20click.json: removed, was revision N\n" +
		"0 created, 0 changed, 4 removed, 4 unchanged\n"
	out := works(t, "apply", dir, "--prune")
	if diff := cmp.Diff(want, digits.ReplaceAllString(out, "revision N")); diff != "" {
		t.Error(diff)
	}
	if out := works(t, "apply", dir, "--prune", "--json"); out != `{"dry_run":false,"changes":[],"unchanged":4}`+"\n" {
		t.Errorf("twice:\n%s", out)
	}
	one := folder(t, map[string]string{"schemas/a/b.json": anySchema})
	if out := works(t, "apply", one, "--prune"); ended(out) != "1 created, 0 changed, 4 removed, 0 unchanged" || !strings.Contains(out, "policy.json: removed") {
		t.Errorf("all but one:\n%s", out)
	}
	if out := works(t, "apply", one, "--prune"); ended(out) != "nothing to change: 1 unchanged" {
		t.Errorf("all but one, twice:\n%s", out)
	}
	code, _, errs := call(t, "apply", t.TempDir(), "--prune")
	if code != daemon.ExitUsage || !strings.Contains(errs, "declares nothing") {
		t.Errorf("an empty folder: %d %s", code, errs)
	}
}

// All faults of all files are told before anything is asked or changed.
func TestApplyFaults(t *testing.T) {
	t.Setenv("EYE_URL", "http://127.0.0.1:1")
	dir := folder(t, map[string]string{
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

// Whoever changes the same thing between comparing and putting wins: what they
// did stays, and the command fails.
func TestApplyRace(t *testing.T) {
	address := installed(t)
	dir := folder(t, map[string]string{"schemas/page=20interaction/pageview.json": otherSchema})
	mine := filepath.Join(folder(t, map[string]string{"other.json": anySchema}), "other.json")
	var once atomic.Bool
	t.Setenv("EYE_URL", between(t, address, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && once.CompareAndSwap(false, true) {
			works(t, "schema", "put", "page interaction", "pageview", mine, "--url", address)
		}
		return false
	}))
	code, out, errs := call(t, "apply", dir)
	if code != daemon.ExitFailure || !strings.Contains(errs, "pageview.json: somebody else changed it") || ended(out) != "0 created, 0 changed, 0 removed, 0 unchanged, 1 not done" {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if got := works(t, "schema", "show", "page interaction", "pageview", "--json"); got != "{\"type\":\"object\"}\n" {
		t.Errorf("holds %s", got)
	}
	if out := works(t, "apply", dir); ended(out) != "0 created, 1 changed, 0 removed, 0 unchanged" {
		t.Errorf("again:\n%s", out)
	}
}

// A put whose answer is lost behind a 503 was carried out: the conflict that
// follows is not put down to somebody else, and the next run finds it done.
func TestApplyAfterLostAnswer(t *testing.T) {
	address := installed(t)
	dir := folder(t, map[string]string{"schemas/page=20interaction/pageview.json": otherSchema})
	same := filepath.Join(dir, "schemas", "page=20interaction", "pageview.json")
	puts := 0
	t.Setenv("EYE_URL", between(t, address, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		if puts++; puts == 1 {
			works(t, "schema", "put", "page interaction", "pageview", same, "--url", address)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"code": "registry_unavailable", "detail": "lost"}`))
		}
		return puts == 1
	}))
	code, out, errs := call(t, "apply", dir)
	if puts != 2 || code == daemon.ExitFailure && !strings.Contains(errs, "or an attempt before this one") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if out := works(t, "apply", dir); out != "nothing to change: 1 unchanged\n" {
		t.Errorf("again:\n%s", out)
	}
}

// An interrupt ends it between two changes; what is done is told, and the next
// run does the rest.
func TestApplyInterrupted(t *testing.T) {
	address := installed(t)
	dir := folder(t, map[string]string{"schemas/a/1.json": anySchema, "schemas/a/2.json": anySchema, "schemas/a/3.json": anySchema})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	puts := 0
	c := &applyCmd{Dir: dir, remote: remote{Token: registry.DevOperatorToken, URL: between(t, address, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			if puts++; puts == 2 {
				cancel()
				panic(http.ErrAbortHandler)
			}
		}
		return false
	})}}
	client, err := c.client()
	if err != nil {
		t.Fatal(err)
	}
	declared, err := c.load()
	if err != nil {
		t.Fatal(err)
	}
	quiet := &terminal{out: t.Output(), err: t.Output()}
	p, err := c.compare(ctx, quiet, client, declared)
	if err != nil {
		t.Fatal(err)
	}
	err = c.carryOut(ctx, quiet, client, p)
	if !errors.Is(err, errInterrupted) || !p.Changes[0].Done || p.Changes[1].Done || p.Changes[2].Done {
		t.Errorf("%v: %+v", err, p.Changes)
	}
	if out := works(t, "apply", dir); ended(out) != "2 created, 0 changed, 0 removed, 1 unchanged" {
		t.Errorf("the rest:\n%s", out)
	}
}

// between is an address that leads to another, and lets a test do something
// before each request, or answer it itself.
func between(t *testing.T, address string, before func(http.ResponseWriter, *http.Request) (answered bool)) string {
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
