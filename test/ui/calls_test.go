package ui

import (
	"slices"
	"testing"
)

// A screen asks each of its questions once, and the first one asks few.
func TestScreensAskOnce(t *testing.T) {
	p := newFixture(t).open(t, "/ui/overview?"+pinned)
	p.awaitText(".panel-note .total", ",")
	const calls = `performance.getEntriesByType("resource").map((r) => new URL(r.name)).filter((a) => a.pathname.startsWith("/v1/")).map((a) => a.pathname + a.search)`
	p.await(`(` + calls + `).length >= 3`)
	p.awaitAnswers()
	if first := evaluate[[]string](p, calls); len(first) != 3 { // the token, the panels, the fields to choose from
		t.Errorf("the overview asks %q", first)
	}
	// No time passes after which a screen asks again by itself.
	evaluate[bool](p, `(() => {
		const later = window.setTimeout
		window.setTimeout = (work, ms, ...args) => (ms >= 1000 ? 0 : later(work, ms, ...args))
		window.calls = []
		const ask = window.fetch
		window.fetch = (target, init) => { calls.push([init?.method ?? "GET", target, init?.body ?? ""].join(" ")); return ask(target, init) }
		return true
	})()`)
	for _, screen := range []string{"Explorer", "Sessions", "Types and fields", "Trends", "Export", "Rejected", "Schemas", "Replays", "Audits", "Access", "Policy", "Changes", "Playground"} {
		evaluate[bool](p, `(() => { calls.length = 0; return true })()`)
		p.clickText(".side-link", screen)
		p.awaitText("h1", screen)
		p.await(`document.querySelector("#main").childElementCount > 0`)
		p.awaitAnswers()
		asked := evaluate[[]string](p, `calls`)
		slices.Sort(asked)
		if once := slices.Compact(slices.Clone(asked)); len(asked) == 0 || len(once) < len(asked) {
			t.Errorf("%s asks %q", screen, asked)
		}
	}
}
