package ui

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// shownRows are the rows in sight, the heads of the columns, the chips and the event
// that is open.
const shownRows = `[...document.querySelectorAll(".windowed th, .windowed td, .chip, .drawer")].map((e) => e.innerText).join("|")`

// eventList is an answer with events.
type eventList struct {
	Events []struct {
		EventID   string `json:"event_id"`
		SessionID string `json:"session_id"`
		Category  string
		Name      string
		Data      map[string]any
	}
}

func TestExplorer(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/explorer?"+pinned+"&column=type&column=session_id&column=event_id&column=data.path")
	p.awaitText(".windowed", "page interaction")
	p.checkScreen("explorer")
	p.checkSame(shownRows)

	// The call returns the events that the screen shows, in their order.
	var list eventList
	p.curl("Events", &list)
	shown := evaluate[[]string](p, `[...document.querySelectorAll(".windowed tbody tr:not(.space)")].slice(0, 20).map((r) => r.cells[3].innerText)`)
	for i, id := range shown {
		if list.Events[i].EventID != id {
			t.Fatalf("row %d is %s, the call returns %s", i, id, list.Events[i].EventID)
		}
	}
	// A click on a value filters by it, Alt-click excludes it, Back returns.
	first := list.Events[0]
	p.click(".windowed tbody tr:not(.space) td:nth-child(2) .value")
	p.awaitText(".chip", fmt.Sprintf("type=%q", first.Category+" / "+first.Name))
	p.await(fmt.Sprintf(`[...document.querySelectorAll(".windowed tbody tr:not(.space)")].every((r) => r.cells[1].innerText === %s)`, quote(first.Category+" / "+first.Name)))
	p.run(chromedp.NavigateBack())
	p.await(`document.querySelectorAll(".chip").length === 0 && document.querySelector(".windowed")`)
	evaluate[bool](p, `(() => { document.querySelector(".windowed tbody td:nth-child(2) .value").dispatchEvent(new MouseEvent("click", {bubbles: true, altKey: true})); return true })()`)
	p.awaitText(".chip", "type!=")
	p.click(".chip-remove")
	p.await(`document.querySelectorAll(".chip").length === 0`)

	// The oldest event first.
	p.clickText(".segments button", "Oldest")
	p.await(`location.search.includes("order=asc")`)
	p.curl("Events", &list)
	p.await(fmt.Sprintf(`document.querySelector(".windowed tbody tr:not(.space)").cells[3].innerText === %s`, quote(list.Events[0].EventID)))
	p.checkSame(shownRows)
}

// Columns are chosen by their boxes and stand in the address.
func TestExplorerColumns(t *testing.T) {
	p := newFixture(t).open(t, "/ui/explorer?"+pinned)
	p.awaitText(".windowed th", "Data")
	p.click(`button[aria-label="Columns"]`)
	p.awaitText(".column-list", "data.country")
	p.checkAccessibility()
	p.clickText(".column-list label", "data.country")
	p.awaitText(".windowed th", "data.country")
	p.clickText(".column-list label", "Data")
	p.await(`!new URLSearchParams(location.search).getAll("column").includes("data")`)
	p.press("\x1b")
	p.checkSame(shownRows)
	p.click(`button[aria-label="Columns"]`)
	p.clickText(".column-list .link", "Usual columns")
	p.await(`!location.search.includes("column=")`)
}

// A row opens its event, by the keyboard alone; the link to it shows it again.
func TestExplorerOpensEvents(t *testing.T) {
	p := newFixture(t).open(t, "/ui/explorer?"+pinned+"&filter="+url.QueryEscape(`type="page interaction / pageview"`))
	p.awaitText(".windowed", "pageview")
	p.press("jj\r")
	p.awaitText(".drawer", "Data")
	p.await(`document.activeElement === document.querySelector(".drawer")`)
	p.awaitText(".tree", "path")
	p.checkScreen("explorer-event")
	p.checkSame(shownRows)

	var event struct {
		EventID string `json:"event_id"`
	}
	p.clickText(".drawer button", "Copy as curl")
	p.await(`window.copied.includes("/v1/events/")`)
	p.runCurl(evaluate[string](p, `window.copied`), &event)
	p.clickText(".tree-key", "path")
	p.await(`window.copied === "data.path"`)
	p.press("\x1b")
	p.await(`!document.querySelector(".drawer") && !location.search.includes("event=")`)
	var list eventList
	p.curl("Events", &list)
	if event.EventID != list.Events[1].EventID {
		t.Errorf("the second row opens %s, not %s", event.EventID, list.Events[1].EventID)
	}
	// A value of the tree is filtered by.
	p.click(".windowed .row-link")
	p.awaitText(".tree", "path")
	p.click(".tree .value")
	p.await(`document.querySelectorAll(".chip").length === 2`)
	p.click(`.drawer button[aria-label="Close the event"]`)
	p.await(`!document.querySelector(".drawer")`)
}

// Ten thousand rows are in the document as a few dozen, and each is the one that its
// place says.
func TestExplorerScrollsFar(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/explorer?"+pinned+"&column=event_id")
	p.awaitText(".windowed-foot", "Load older")
	evaluate[bool](p, `(() => {
		window.mostRows = 0
		window.fewer = 0 // how often the list became shorter
		let rows = 0
		new MutationObserver(() => {
			mostRows = Math.max(mostRows, document.querySelectorAll(".windowed tr").length)
			const now = +document.querySelector(".windowed table").ariaRowCount
			if (now < rows) fewer++
			rows = now
		}).observe(document.querySelector(".windowed"), {childList: true, attributes: true, subtree: true})
		return true
	})()`)
	p.clickText(".windowed-foot .button", "Load older") // by the mouse it would come into sight, and load by itself
	p.checkRowsAreReused()
	const toEnd = `(() => { const w = document.querySelector(".windowed"); w.scrollTop = w.scrollHeight; return w.querySelector("table").ariaRowCount > %d })()`
	p.await(fmt.Sprintf(toEnd, 1500))
	p.run(chromedp.EmulateViewport(1280, 1100)) // with the end in sight
	p.await(`innerHeight === 1100`)
	p.await(fmt.Sprintf(toEnd, 10000))
	const place = 7000
	p.await(fmt.Sprintf(`(() => { document.querySelector(".windowed").scrollTop = %d * 34; return document.querySelector("[aria-rowindex='%d']") })()`, place, place))
	if rows := evaluate[int](p, `mostRows`); rows == 0 || rows > 120 {
		t.Errorf("the document had %d rows", rows)
	}
	if n := evaluate[int](p, `fewer`); n > 0 {
		t.Errorf("the list became shorter %d times", n)
	}
	if twice := evaluate[[]string](p, `performance.getEntriesByType("resource").map((r) => r.name).filter((name, i, all) => name.includes("/v1/events?") && all.indexOf(name) < i)`); len(twice) > 0 {
		t.Errorf("read twice: %v", twice)
	}
	// The row at a place is that of the list, counted by pages of the API.
	var cursor string
	var ids []string
	for len(ids) < place {
		var page struct {
			Events []struct {
				EventID string `json:"event_id"`
			}
			NextCursor string `json:"next_cursor"`
		}
		target := "/v1/events?order=desc&limit=1000&" + strings.ReplaceAll(eventRange(p), "+", "%2B")
		if cursor != "" {
			target += "&cursor=" + url.QueryEscape(cursor)
		}
		if err := f.get(t.Context(), target, &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			ids = append(ids, e.EventID)
		}
		cursor = page.NextCursor
	}
	if shown := evaluate[string](p, fmt.Sprintf(`document.querySelector("[aria-rowindex='%d']").cells[1].innerText`, place)); shown != ids[place-2] {
		t.Errorf("row %d is %s, not %s, which is %d", place, shown, ids[place-2], slices.Index(ids, shown))
	}
}

// checkRowsAreReused says that scrolling makes no rows, and takes no focus to another one.
func (p *page) checkRowsAreReused() {
	p.t.Helper()
	const at = `document.querySelector("[aria-rowindex='%d']")`
	p.await(`document.querySelector(".windowed table").ariaRowCount > 500`)
	scrollTo := func(row int) {
		p.await(fmt.Sprintf(`(() => { document.querySelector(".windowed").scrollTop = %d * 34; return `+at+` })()`, row, row))
	}
	scrollTo(100)
	evaluate[int](p, `[...document.querySelectorAll(".windowed tr")].map((e) => (e.old = true)).length`)
	scrollTo(120)
	scrollTo(300)
	if n := evaluate[int](p, `[...document.querySelectorAll(".windowed tr:not(.space)")].filter((e) => !e.old).length`); n > 0 {
		p.t.Errorf("scrolling made %d rows", n)
	}
	evaluate[bool](p, fmt.Sprintf(at+`.querySelector("a").focus() ?? true`, 300))
	scrollTo(310)
	if !evaluate[bool](p, fmt.Sprintf(at+`.matches(":focus-within")`, 300)) {
		p.t.Error("a row that stays in sight loses the focus")
	}
	scrollTo(450)
	if evaluate[bool](p, `document.querySelector(".windowed tr:focus-within") !== null`) {
		p.t.Error("the focus passes to a row that takes the place of another one")
	}
	scrollTo(20)
}

// eventRange returns from and to of the call of the events that the screen shows.
func eventRange(p *page) string {
	p.t.Helper()
	p.copies("Events: more", "Copy as curl")
	return evaluate[string](p, `(() => { const q = new URL(window.copied.match(/'(http[^']*)'/)[1]).searchParams; return "from=" + q.get("from") + "&to=" + q.get("to") })()`)
}

// Without a matching event the screen says what to do.
func TestExplorerEmpty(t *testing.T) {
	p := newFixture(t).open(t, "/ui/explorer?"+pinned+"&filter="+url.QueryEscape(`data.path="/nowhere"`))
	p.awaitText(".empty", "matches the filters")
	p.checkScreen("explorer-empty")
	p.clickText(".empty button", "Clear the filters")
	p.await(`document.querySelectorAll(".chip").length === 0 && document.querySelector(".windowed")`)
}
