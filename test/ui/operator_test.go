package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/harness"
)

// The operator's path from end to end: rejected, its reason, an event beside its schema, the
// editor at the failing keyword, samples judged as one types, the dry run, saving, the replay
// with the selection of the reason, its report, the audit.
func TestOperatorsPath(t *testing.T) {
	onEveryStore(t, func(t *testing.T, f *fixture) {
		p := f.open(t, "/ui/rejected?from=7d&to=now&tz=UTC")
		p.clickText(".group", "/data/total")
		p.awaitText(".explained", "does not match the schema")
		p.clickNext(`button[aria-label="Older event"]`, `document.querySelector(".faults")?.innerText.includes("must be of type string")`)
		p.awaitText("figcaption .path", "/properties/total/type")
		p.awaitText("[aria-label='The schema of this type'] mark", `"type": "string"`)
		p.clickText("figcaption a", "Open the schema at this place")

		p.await(editorText + `.querySelector(".cm-activeLine")?.textContent.includes('"type": "string"')`)
		p.awaitText(".sample-open .faults", "must be of type string")
		p.retype(bothTotals)
		p.await(`document.querySelectorAll(".samples .badge.good").length === 10`)
		p.clickText(".dry-run-panel button", "Run")
		p.await(`document.querySelector(".dry-run-panel [data-change=newly_valid] dd")?.innerText === "10"`)
		p.clickText(".crumbs button", "Save")
		p.awaitText("dialog .diff", `["string", "number"]`)
		p.run(chromedp.SendKeys("dialog input[name=note]", "totals are numbers, too"))
		p.submit("dialog button[type=submit]")
		p.awaitText(".saved", "Saved as revision")

		p.clickText(".saved a", "Replay the rejected events")
		p.awaitText(".panel-note .total", "11")
		if code := evaluate[string](p, `document.querySelector("input[name=code]").value`); code != "schema_violation" {
			t.Errorf("the replay selects the code %q", code)
		}
		p.clickText("form button", "Replay…")
		p.clickText("dialog button", "Replay")
		p.awaitText(".job .badge", "Done")
		if valid, still := p.changed("newly_valid"), p.changed("still_rejected"); valid != "10" || still != "1" {
			t.Errorf("%s are newly valid, %s still rejected", valid, still)
		}
		p.clickText("a.button", "Audit")
		p.submit("form button[type=submit]")
		p.awaitText(".verdict", "is accounted for")
		if missing := p.text("[data-figure=missing] dd"); missing != "0" {
			t.Errorf("%s are missing", missing)
		}

		// What the screens said is what the store has.
		err := harness.Poll(t.Context(), func() error {
			var got struct{ Events []struct{} }
			return firstError(f.get(t.Context(), "/v1/events?category=travel", &got), wantCount(39, len(got.Events)))
		})
		if err != nil {
			t.Error(err)
		}
		text, _ := f.schemaOf(t, "travel", "booking")
		if !strings.Contains(text, `["string","number"]`) {
			t.Errorf("the schema is %s", text)
		}
	})
}

// clickNext clicks a button until an expression is true.
func (p *page) clickNext(selector, expression string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for !evaluate[bool](p, "!!("+expression+")") {
		if time.Now().After(deadline) {
			p.t.Fatalf("clicking %s does not lead to %s\n%s", selector, expression, p.shownNow())
		}
		p.await(`document.querySelector(` + quote(selector) + `)`)
		evaluate[bool](p, `(() => { document.querySelector(`+quote(selector)+`).click(); return true })()`)
	}
}
