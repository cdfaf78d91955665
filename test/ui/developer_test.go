package ui

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

// eventOf is an event as a developer types it, with an element of the click.
func eventOf(element string) string {
	return fmt.Sprintf("{\n  \"session_id\": \"e2085be5-9137-4e4e-80b5-f1ffddc25423\",\n  \"category\": \"page interaction\",\n  \"name\": \"cta click\",\n"+
		"  \"data\": {\n    \"host\": \"www.example.com\",\n    \"path\": \"/\",\n    \"element\": %s\n  },\n  \"timestamp\": \"2026-01-01T00:00:00Z\"\n}", element)
}

// The developer's path from end to end: an event is judged as one types, with its faults at
// their places; the code goes into a page of another origin; its event is seen as it
// happens, and of one that is rejected, why.
func TestDevelopersPath(t *testing.T) {
	onEveryStore(t, func(t *testing.T, f *fixture) {
		site := newSite(t, f)
		key := f.createKey(t, site.base)
		p := f.open(t, "/ui/playground?from=7d&to=now&tz=UTC")
		p.fill("input[name=write-key]", key)
		p.retype(`{"session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423",` + "\n" + `"category": }`)
		p.awaitText(".verdict-box .fault", "Line 2")
		p.await(faultText + ` === "}"`)
		p.retype(eventOf("17"))
		p.awaitText(".verdict-box .badge.bad", "would be rejected")
		p.awaitText(".verdict-box .faults", "Line 8 /data/element must be of type string")
		p.await(faultText + ` === '"element"'`)
		p.retype(eventOf(`"it's <b>bold</b>"`))
		p.awaitText(".verdict-box .badge.good", "would be stored")
		p.await(faultText + ` === undefined`)

		live := f.open(t, "/ui/live?from=7d&to=now&tz=UTC")
		live.awaitText("[role=status]", "listening")
		p.clickShown(".segments button", "Script")
		p.awaitText("pre.code", key)
		p.checkAccessibility()
		site.show(t, p.copyCode())
		live.awaitText(".windowed tr:not(.rejected-row)", "cta click")
		live.awaitText(".windowed tr:not(.rejected-row)", "it's <b>bold</b>")

		p.retype(eventOf("17"))
		p.awaitText("pre.code", `"element": 17`)
		site.show(t, p.copyCode())
		live.awaitText(".rejected-row .why", "/data/element must be of type string")
		live.clickShown(".rejected-row a", ":")
		live.awaitText(".drawer .failure", "/data/element must be of type string")
		live.awaitText(".drawer .explained", "does not match the schema")
		live.awaitText(".drawer figcaption .path", "/properties/element/type")
		live.awaitText(".drawer [aria-label='The schema of this type'] mark", `"type": "string"`)
		live.checkScreen("live-why")
		live.clickShown(".drawer figcaption a", "Open the schema at this place")
		live.await(editorText + `.querySelector(".cm-activeLine")?.textContent.includes('"type": "string"')`)
		live.awaitText(".crumbs", "page interaction / cta click")
	})
}

// faultText is what the editor marks as a fault.
const faultText = `document.querySelector(".editor")?.shadowRoot?.querySelector(".j-fault")?.textContent`

// copyCode copies the code of the playground.
func (p *page) copyCode() string {
	p.t.Helper()
	evaluate[bool](p, `(() => { window.copied = ""; return true })()`)
	p.clickShown("section[aria-label=Code] button", "Copy")
	p.await(`window.copied`)
	return evaluate[string](p, `window.copied`)
}

// createKey creates an application with a browser key for an origin, and returns the key.
func (f *fixture) createKey(t *testing.T, origin string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), f.binary, "app", "create", "site", "--kind", "browser", "--origin", origin, "--url", f.base, "--token", operatorToken).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// webSite is a site of another origin than that of the UI.
type webSite struct {
	base    string
	f       *fixture
	snippet atomic.Value
}

func newSite(t *testing.T, f *fixture) *webSite {
	t.Helper()
	s := &webSite{f: f}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>A site</title><link rel=icon href='data:,'>"+s.snippet.Load().(string))
	}))
	t.Cleanup(server.Close)
	s.base = server.URL
	return s
}

// show opens the page of the site with a snippet in it.
func (s *webSite) show(t *testing.T, snippet string) {
	t.Helper()
	s.snippet.Store(snippet)
	there := *s.f
	there.base = s.base
	there.openAs(t, "", "/")
}
