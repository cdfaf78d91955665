package ui

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// In these tests keys are pressed and nothing else is done: no mouse, no click by a script.

// mostStops bounds the stops of Tab on one screen: a walk that does not end is a trap.
const mostStops = 400

// walk judges each stop of Tab within a part of the page, when the key is released: then the
// focus has moved, and the page has scrolled.
const walk = `(root) => {
	document.stop?.abort()
	document.stop = new AbortController()
	const walk = window.walk = {seen: [], faults: [], ended: false}
	const focused = () => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e }
	const name = (e) => e.outerHTML.replace(e.innerHTML, "").slice(0, 160) + " " + e.textContent.trim().slice(0, 40)
	const ink = document.createElement("canvas").getContext("2d", {willReadFrequently: true})
	const rgba = (color) => { ink.clearRect(0, 0, 1, 1); ink.fillStyle = color; ink.fillRect(0, 0, 1, 1); return [...ink.getImageData(0, 0, 1, 1).data] }
	const above = (e) => e.parentElement ?? e.getRootNode().host
	const ground = (e) => { for (; e; e = above(e)) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c } return [255, 255, 255, 255] }
	const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
	const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05) }
	// What shows the focus: an outline of the element, or of the editor around it.
	const judge = (e) => {
		const marked = e.closest(".cm-editor") ?? e
		const style = getComputedStyle(marked)
		if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return "has no visible focus"
		const ratio = contrast(rgba(style.outlineColor), ground(parseFloat(style.outlineOffset) < 0 ? marked : above(marked)))
		if (ratio < 3) return "has a focus of a contrast of " + ratio.toFixed(2)
		const box = e.getClientRects()[0]
		if (!box) return "is not shown"
		const high = box.height > innerHeight - 200
		if (!high && (box.top < -1 || box.bottom > innerHeight + 1 || box.left < -1 || box.left > innerWidth)) return "is out of sight at " + [box.left, box.top, box.bottom].map(Math.round)
		const x = Math.min(innerWidth, box.left + Math.min(box.width, 200) / 2)
		for (const y of high ? [] : [box.top + 2, box.top + box.height / 2, box.bottom - 2]) {
			const hit = e.getRootNode().elementFromPoint(x, y)
			if (hit && !e.contains(hit) && !hit.contains(e)) return "is covered by " + name(hit)
		}
	}
	addEventListener("keyup", (k) => {
		if (k.key !== "Tab" || walk.ended) return
		const e = focused()
		if (!e || !root.contains(document.activeElement) || e === document.body || walk.seen.includes(e)) { walk.ended = true; return }
		const fault = judge(e)
		if (fault) walk.faults.push(name(e) + " " + fault)
		const before = walk.seen.at(-1)
		if (before && before.getRootNode() === e.getRootNode() && !(before.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) walk.faults.push(name(e) + " comes after " + name(before))
		walk.seen.push(e)
	}, {capture: true, signal: document.stop.signal})
	// What a mouse could use and the walk did not reach. In a windowed table, the arrow keys lead to it.
	walk.missed = () => [...root.querySelectorAll("*")].filter((e) => {
		if (!clickable.has(e) && !e.matches("a[href], button, input, select, textarea, summary, [contenteditable=true], [tabindex='0']")) return false
		if (!e.checkVisibility({visibilityProperty: true}) || e.disabled || walk.seen.includes(e) || e.shadowRoot) return false
		if (e.type === "radio" && walk.seen.some((s) => s.name === e.name)) return false
		return !walk.seen.includes(e.closest(".chart")) && !(e.closest(".windowed tbody") && walk.seen.includes(e.closest(".windowed")))
	}).map(name)
	return true
}`

// checkKeys walks by Tab through a part of the page, from where the focus is.
func (p *page) checkKeys(name, root string) {
	p.t.Helper()
	p.awaitAnswers()
	evaluate[bool](p, fmt.Sprintf(`(%s)(%s)`, walk, root))
	const many = 10
	for stops := 0; !evaluate[bool](p, `walk.ended`); stops += many {
		if stops > mostStops {
			p.t.Fatalf("%s: Tab does not get out of %s", name, root)
		}
		p.strike(strings.Repeat("\t", many))
	}
	p.t.Logf("%s: %d stops", name, evaluate[int](p, `walk.seen.length`))
	for _, fault := range evaluate[[]string](p, `walk.faults`) {
		p.t.Errorf("%s: %s", name, fault)
	}
	for _, missed := range evaluate[[]string](p, `walk.missed()`) {
		p.t.Errorf("%s: Tab does not reach %s", name, missed)
	}
}

// Every screen is reached by its letter, has the focus then, and all that a mouse could use
// on it has the focus in turn, visibly.
func TestKeyboardReachesEverything(t *testing.T) {
	f := newFixture(t)
	step := func(name string) string { return "&step=" + url.QueryEscape(`type="`+name+`"`) }
	p := f.open(t, "/ui/overview?from=7d&to=now&tz=UTC&filter="+url.QueryEscape(`data.path!="/nowhere"`))
	p.awaitText(".bars .bar", "/")
	if at := evaluate[string](p, `document.activeElement.tagName`); at != "BODY" {
		t.Errorf("the first screen gives the focus to %s", at)
	}
	p.checkKeys("the frame and the overview", `document.body`)

	type place struct{ Name, Title, Key string }
	screens := evaluate[[]place](p, `[...document.querySelectorAll(".side-link")].map((a) => ({Name: a.pathname.split("/")[2], Title: a.innerText.trim(), Key: a.title.match(/\(g (.)\)/)[1]}))`)
	if len(screens) < 19 {
		t.Fatalf("the screens are %v", screens)
	}
	for i, s := range screens[1:] {
		p.strike("\x1b")
		p.strike("g" + s.Key)
		p.await(fmt.Sprintf(`location.pathname === %s`, quote("/ui/"+s.Name)))
		p.await(`document.activeElement.id === "main" && document.activeElement.innerText`)
		if name := evaluate[string](p, `document.activeElement.getAttribute("aria-label")`); name != s.Title {
			t.Errorf("the focus on %s is called %s", s.Title, name)
		}
		evaluate[bool](p, fmt.Sprintf(`(() => { document.documentElement.dataset.theme = %s; return true })()`, quote([]string{"light", "dark"}[i%2])))
		p.checkKeys(s.Name, `document.querySelector("#main")`)
	}

	// What the letters do not lead to, by the link that skips the frame.
	var list struct {
		Events []struct {
			EventID   string `json:"event_id"`
			SessionID string `json:"session_id"`
		}
	}
	if err := f.get(t.Context(), "/v1/events?limit=1&from=7d&filter="+url.QueryEscape(`data.path="/pricing"`), &list); err != nil || len(list.Events) == 0 {
		t.Fatal(err, list)
	}
	const last = "?from=30d&to=now&tz=UTC"
	for _, at := range []struct{ target, shown string }{
		{"sessions/" + list.Events[0].SessionID + last, ".moment"},
		{"funnel" + last + step("page interaction / pageview") + step("shop / add to cart") + "&group=data.device", ".funnel + .table-scroll"},
		{"retention" + last, ".cohorts"},
		{"paths" + last + "&event=" + url.QueryEscape(`type="page interaction / pageview"`), ".flow-node"},
		{"schemas" + last + "&category=shop&name=purchase", ".dry-run-panel button:enabled"}, // the draft is judged
		{"replays/new" + last, "form"},
		{"audits/new" + last, "form"},
	} {
		p.run(chromedp.Navigate(f.base + "/ui/" + at.target))
		p.await(`document.querySelector(` + quote("#main "+at.shown) + `)`)
		p.strike("\t\r")
		p.await(`document.activeElement.id === "main"`)
		p.checkKeys(at.target, `document.querySelector("#main")`)
	}
}

// tabTo presses Tab, with the modifier for the way back, until the element e that has the
// focus is the one that is sought.
func (p *page) tabTo(sought string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.awaitAnswers()
	found := `(() => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return !!(` + sought + `) })()`
	for range mostStops {
		p.strike("\t", modifiers...)
		if evaluate[bool](p, found) {
			return
		}
	}
	p.t.Fatalf("Tab does not reach %s\n%s", sought, p.shownNow())
}

// tabToText presses Tab until an element with a text, or a name, has the focus.
func (p *page) tabToText(selector, text string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.awaitText(selector, text)
	p.tabTo(fmt.Sprintf(`e.matches(%s) && e.innerText.includes(%s)`, quote(selector), quote(text)), modifiers...)
}

// strike presses keys, one after the other, as a keyboard does: a key and the character that
// it types are one event. Otherwise an element that takes the focus between them would have
// the character.
func (p *page) strike(keys string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	for _, key := range keys {
		events := kb.Encode(key)
		down, up := *events[0], *events[len(events)-1]
		if len(events) > 2 {
			down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
		}
		for _, event := range []input.DispatchKeyEventParams{down, up} {
			for _, modifier := range modifiers {
				event.Modifiers |= int64(modifier)
				if modifier == chromedp.ModifierCtrl {
					event.Text, event.UnmodifiedText = "", ""
				}
			}
			p.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, event)
				return err
			}))
		}
	}
}

// awaitFocus waits until the element e that has the focus is the one that is sought.
func (p *page) awaitFocus(sought string) {
	p.t.Helper()
	p.await(`((e) => ` + sought + `)(document.activeElement)`)
}

// The keys that work everywhere work outside fields alone, and not at all once they are
// switched off; a dialog or menu that they open gives the focus back.
func TestKeyboardShortcuts(t *testing.T) {
	const start = "/ui/overview?from=7d&to=now&tz=UTC"
	p := newFixture(t).open(t, start)
	p.awaitText(".bars .bar", "/")
	p.tabToText(".bars button", "/")
	bar := evaluate[string](p, `document.activeElement.innerText`)

	p.strike("?")
	p.awaitFocus(`e.closest("dialog")`)
	letters := evaluate[[]string](p, `[...document.querySelectorAll("dialog .keys dt")].map((e) => e.innerText.replace(/\s+/g, " ").trim())`)
	seen := map[string]bool{}
	for _, keys := range letters {
		if seen[keys] {
			t.Errorf("%q stands twice among the keys %q", keys, letters)
		}
		seen[keys] = true
	}
	for range 6 {
		p.strike("\t")
		if outside := evaluate[bool](p, `document.activeElement !== document.body && !document.activeElement.closest("dialog")`); outside {
			t.Error("Tab leads out of the dialog")
		}
	}
	p.strike("\x1b")
	p.awaitFocus(`e.innerText === ` + quote(bar))

	// A filter takes the letters; Esc leaves it.
	p.strike("/")
	p.awaitFocus(`e.getAttribute("role") === "combobox"`)
	p.strike("go?/[]rjk")
	if typed := evaluate[string](p, `document.activeElement.value`); typed != "go?/[]rjk" {
		t.Errorf("the field has %q", typed)
	}
	if shown := evaluate[string](p, `location.pathname + location.search`); shown != start {
		t.Errorf("typing leads to %s", shown)
	}
	for range 10 {
		p.strike("\b")
	}
	p.strike("data.path=/pricing\r")
	p.awaitText(".filters .chip", "/pricing")
	p.awaitFocus(`e.id === "add-filter"`)
	p.strike("\t\t", chromedp.ModifierShift)
	p.awaitFocus(`e.matches(".chip-text")`)
	p.strike("\r")
	p.awaitFocus(`e.getAttribute("role") === "combobox" && e.value.includes("/pricing")`)
	p.strike("\x1b")
	if evaluate[bool](p, `document.activeElement.getAttribute("role") === "combobox"`) {
		p.strike("\x1b") // the first closed the suggestions
	}
	p.awaitFocus(`e.matches(".chip-text")`)
	p.strike("\t\r")
	p.await(`!document.querySelector(".filters .chip")`)
	p.awaitFocus(`e.id === "add-filter"`)

	// A value is excluded by Alt and Enter.
	p.tabToText(".bars button", "/pricing")
	p.strike("\r", chromedp.ModifierAlt)
	p.awaitText(".filters .chip", `data.path!="/pricing"`)
	p.await(`document.activeElement !== document.body`)

	p.strike("[")
	p.await(`!new URLSearchParams(location.search).get("to").includes("now")`)
	asked := evaluate[int](p, `performance.getEntriesByType("resource").length`)
	p.strike("r")
	p.await(fmt.Sprintf(`performance.getEntriesByType("resource").length > %d`, asked))

	// A menu has one stop; its entries are reached by arrows.
	p.tabTo(`e.ariaLabel === "Events: more"`)
	p.strike("\r")
	p.awaitFocus(`e.matches("[role=menuitem]")`)
	first := evaluate[string](p, `document.activeElement.innerText`)
	p.strike(kb.ArrowUp)
	p.awaitFocus(`!e.nextElementSibling`)
	p.strike(kb.Home)
	p.awaitFocus(`e.innerText === ` + quote(first))
	p.strike(kb.End + kb.ArrowDown)
	p.awaitFocus(`e.innerText === ` + quote(first))
	p.strike("\x1b")
	p.awaitFocus(`e.ariaLabel === "Events: more"`)
	p.strike("\r\t")
	p.await(`!document.querySelector("[role=menu]")`)

	// A chart shows its figures, and Enter chooses an interval.
	p.tabTo(`e.matches(".chart")`)
	p.strike(kb.ArrowRight + kb.ArrowRight)
	p.await(`document.querySelector(".chart-tip")?.checkVisibility({visibilityProperty: true})`)
	before := evaluate[string](p, `location.search`)
	p.strike("\r")
	p.await(`location.search !== ` + quote(before))
	p.awaitFocus(`e.matches(".chart")`)

	// Single keys are switched off, and on again without them.
	p.strike("?")
	p.awaitFocus(`e.closest("dialog")`)
	p.tabTo(`e.matches("dialog input")`)
	p.strike(" \x1b")
	p.awaitFocus(`e.matches(".chart")`)
	p.strike("?gerj")
	if shown := evaluate[string](p, `location.pathname + document.querySelectorAll("dialog").length`); shown != "/ui/overview0" {
		t.Errorf("keys that are off lead to %s", shown)
	}
	p.strike(strings.Repeat("\t", 3), chromedp.ModifierShift)
	p.tabTo(`e.innerText === "Keys"`)
	p.strike("\r")
	p.awaitFocus(`e.closest("dialog")`)
	p.tabTo(`e.matches("dialog input")`)
	p.strike(" \x1b")
	p.awaitFocus(`e.innerText === "Keys"`)
	p.strike("gs")
	p.await(`location.pathname === "/ui/sessions"`)
	p.awaitFocus(`e.id === "main"`)
}

// A table of any length is one stop of Tab; the arrow keys lead through its rows and what
// they have. The event that a row opens has the focus until Esc gives it back to the row.
func TestKeyboardRows(t *testing.T) {
	p := newFixture(t).open(t, "/ui/explorer?from=30d&to=now&tz=UTC")
	p.awaitText(".windowed", "pageview")
	p.tabTo(`e.matches(".windowed")`)
	p.strike(kb.ArrowDown + kb.ArrowDown)
	p.awaitFocus(`e.matches("tr[aria-rowindex='3'] .row-link")`)
	p.strike(kb.ArrowRight)
	p.awaitFocus(`e.matches("tr[aria-rowindex='3'] .value")`)
	p.strike(kb.ArrowRight + kb.ArrowDown)
	p.awaitFocus(`e.matches("tr[aria-rowindex='4'] td:nth-child(3) a")`)
	p.strike(kb.ArrowLeft + kb.ArrowLeft)
	p.strike(strings.Repeat(kb.ArrowDown, 60)) // farther than the rows that are drawn, and faster
	for !evaluate[bool](p, `document.activeElement.closest("tr").ariaRowIndex >= 64`) {
		p.strike(kb.ArrowDown)
	}
	for !evaluate[bool](p, `document.activeElement.closest("tr").ariaRowIndex <= 64`) {
		p.strike(kb.ArrowUp)
	}
	p.awaitFocus(`e.matches("tr[aria-rowindex='64'] .row-link")`)
	for range 60 {
		p.strike(kb.ArrowUp)
		covered := evaluate[bool](p, `(() => { const e = document.activeElement, box = e.getBoundingClientRect(); return !e.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)) })()`)
		if covered {
			t.Fatal("the heading covers the row")
		}
	}
	p.awaitFocus(`e.matches("tr[aria-rowindex='4'] .row-link")`)
	p.strike("k\r")
	p.awaitFocus(`e.matches(".drawer")`)
	p.awaitText(".tree", "path")
	p.checkKeys("an event", `document.querySelector(".drawer")`)
	p.strike("\x1b")
	p.awaitFocus(`e.matches("tr[aria-rowindex='3'] .row-link")`)
	p.strike("\t")
	if evaluate[bool](p, `!!document.activeElement.closest("tbody")`) {
		t.Error("Tab leads to the next row")
	}

	// On a narrow screen, the list of screens takes the focus and gives it back.
	p.run(chromedp.EmulateViewport(360, 780))
	p.await(`innerWidth === 360`)
	p.tabTo(`e.matches(".menu-button")`)
	p.strike("\r")
	p.awaitFocus(`e.matches(".side-link")`)
	for range 30 {
		p.strike("\t")
		if evaluate[bool](p, `!!document.activeElement.closest(".page")`) {
			t.Fatal("Tab leads below the list of screens")
		}
	}
	p.strike("\x1b")
	p.awaitFocus(`e.matches(".menu-button")`)
	p.strike("\r")
	p.awaitFocus(`e.matches(".side-link")`)
	p.tabToText(".side-link", "Sessions")
	p.strike("\r")
	p.await(`location.pathname === "/ui/sessions"`)
	p.awaitFocus(`e.id === "main"`)
	p.run(chromedp.EmulateViewport(1440, 900))
}

// The operator's path by keys alone: a reason, an event of it, the editor at the failing
// keyword, which Tab leaves, the dry run, saving with a note, the replay, its report.
func TestKeyboardOperatorsPath(t *testing.T) {
	p := newOperatorFixture(t).open(t, "/ui/rejected?from=7d&to=now&tz=UTC")
	p.tabToText(".group", "/data/total")
	p.strike("\r")
	p.awaitText(".explained", "does not match the schema")
	p.awaitFocus(`e.matches(".group")`)
	p.tabTo(`e.ariaLabel === "Older event"`)
	for !evaluate[bool](p, `document.querySelector(".faults").innerText.includes("must be of type string")`) {
		at := p.text(".sample h3")
		p.strike("\r")
		p.await(`document.querySelector(".sample h3").innerText !== ` + quote(at))
		p.awaitFocus(`e.ariaLabel === "Older event"`)
	}
	p.tabToText("figcaption a", "Open the schema at this place")
	p.strike("\r")
	p.await(editorText + `.querySelector(".cm-activeLine")?.textContent.includes('"type": "string"')`)
	p.awaitFocus(`e.matches(".editor")`)
	p.strike("a", chromedp.ModifierCtrl)
	p.strike(bothTotals)
	p.await(`document.querySelectorAll(".samples .badge.good").length === 10`)
	p.strike("\t")
	p.awaitFocus(`!e.matches(".editor")`)
	p.tabToText(".dry-run-panel button", "Run")
	p.strike("\r")
	p.await(`document.querySelector(".dry-run-panel [data-change=newly_valid] dd")?.innerText === "10"`)
	p.awaitFocus(`e.innerText === "Run"`) // it was disabled during the run
	p.tabToText(".crumbs button", "Save", chromedp.ModifierShift)
	p.strike("\r")
	p.awaitFocus(`e.closest("dialog")`)
	p.tabTo(`e.name === "note"`)
	p.strike("totals are numbers, too")
	p.await(`!document.querySelector("dialog [type=submit]").disabled`)
	p.strike("\r")
	p.awaitText(".saved", "Saved as revision")
	p.awaitFocus(`e.id === "main"`)
	p.tabToText(".saved a", "Replay the rejected events")
	p.strike("\r")
	p.await(`location.pathname === "/ui/replays/new"`)
	p.awaitFocus(`e.id === "main"`)
	p.awaitText(".panel-note .total", "11")
	p.tabToText("form button", "Replay…")
	p.strike("\r")
	p.awaitFocus(`e.closest("dialog")`)
	p.tabTo(`e.matches("dialog button") && e.innerText === "Replay"`)
	p.strike("\r")
	p.awaitText(".job .badge", "Done")
	p.awaitFocus(`e.id === "main"`)
	if valid, still := p.changed("newly_valid"), p.changed("still_rejected"); valid != "10" || still != "1" {
		t.Errorf("%s are newly valid, %s still rejected", valid, still)
	}
}

// The analyst's path by keys alone: a value of the overview, the events that have it, one of
// them, its session, a funnel of two events, the sessions behind a bar, their events as a file.
func TestKeyboardAnalystsPath(t *testing.T) {
	p := newFixture(t).openAs(t, analystToken, "/ui/overview?from=30d&to=now&tz=UTC")
	p.tabToText(".bars .bar", "/pricing")
	p.strike("\r")
	p.awaitText(".filters .chip", `data.path="/pricing"`)
	p.strike("ge")
	p.awaitText("h1", "Explorer")
	p.awaitFocus(`e.id === "main"`)
	p.tabTo(`e.matches(".windowed")`)
	p.strike(kb.ArrowDown + "\r")
	p.awaitFocus(`e.matches(".drawer")`)
	p.tabToText(".drawer button", "Begin a funnel here")
	p.strike("\r")
	p.awaitText(".drawer a", "Open the funnel of 1 step")
	p.awaitFocus(`e.closest(".drawer")`)
	p.tabTo(`e.matches(".drawer dd a")`, chromedp.ModifierShift)
	p.strike("\r")
	p.awaitText("h1", "Sessions")
	p.awaitFocus(`e.id === "main"`)
	p.tabTo(`e.matches(".moment-link")`)
	p.strike("\r")
	p.awaitFocus(`e.matches(".drawer")`)
	p.tabToText(".drawer button", "Add as step 2 of the funnel")
	p.strike("\r")
	p.tabToText(".drawer a", "Open the funnel of 2 steps")
	p.strike("\r")
	p.awaitText(".funnel", "data.path")
	p.awaitFocus(`e.id === "main"`)
	p.tabTo(`e.matches(".funnel-bar")`)
	p.strike("\r")
	p.awaitText("h1", "Sessions")
	p.awaitFocus(`e.id === "main"`)
	p.strike("gw")
	p.awaitText(".panel-note", "as NDJSON")
	p.awaitFocus(`e.id === "main"`)
	p.tabToText("button.primary", "Export ")
	saved := p.download("events.csv", func() { p.strike("\r") })
	if lines := strings.Count(saved, "\n"); lines < 2 {
		t.Errorf("the file has %d lines", lines)
	}
}
