package tracker

import (
	"context"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// The example site of `theeye up --dev` sends a page view, a click, a route and a form.
func TestExampleSite(t *testing.T) {
	binaries, err := harness.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := harness.Single(binaries, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, f: &fixture{eye: p.Query, token: p.Token}, name: "demo", base: p.Collector}
	s.f.startBrowser(t)
	page := s.open("/example/")
	page.click("[data-eye-element]")
	page.click(`[href$="/pricing"]`)
	page.click("form button")
	s.wantEvents(
		`page interaction / pageview {"host":"HOST","path":"/example/"}`,
		`page interaction / cta click {"host":"HOST","path":"/example/","element":"chat bubble"}`,
		`page interaction / pageview {"host":"HOST","path":"/example/pricing","referrer":"BASE/example/"}`,
		`form interaction / submit {"host":"HOST","path":"/example/pricing","name":"newsletter","form":{"name":null,"interest":"news"}}`,
	)
	page.waitFor("document.querySelector('[role=status]').textContent === 'Thank you.' && document.querySelector('h1').textContent === 'Pricing'")
}
