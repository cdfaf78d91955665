package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// shownPanels are the headings and notes of the panels, and their lists.
const shownPanels = `[...document.querySelectorAll(".panel h2, .panel-note, .bars, .chip")].map((e) => e.innerText).join("|")`

// pinned is a range that does not move on, so that figures stay the same.
var pinned = fmt.Sprintf("from=%s&to=%s&tz=Europe/Berlin",
	time.Now().AddDate(0, 0, -demoDays).Format(time.DateOnly), time.Now().AddDate(0, 0, 2).Format(time.DateOnly))

func TestOverview(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/overview?"+pinned)
	p.awaitText(".panel-note .total", ",")
	p.await(`document.querySelectorAll(".bars").length === 2`)
	p.checkScreen("overview")
	p.checkSame(shownPanels)

	// The call of a panel returns the figures that the panel shows.
	var series struct {
		Total struct{ Total int }
		TZ    string
	}
	p.curl("Events", &series)
	if shown := p.text(".panel-note .total"); strings.ReplaceAll(shown, ",", "") != fmt.Sprint(series.Total.Total) || series.TZ != "Europe/Berlin" {
		t.Errorf("the panel shows %s, its call returns %+v", shown, series)
	}
	var top struct {
		Values []struct {
			Value string
			Count int
		}
	}
	p.curl("Top values", &top)
	if bars := evaluate[string](p, `document.querySelectorAll(".bars")[1].innerText`); len(top.Values) == 0 || !strings.Contains(bars, top.Values[0].Value) {
		t.Errorf("the bars are %s, the call returns %+v", bars, top)
	}
	// A click on a value filters by it, Alt-click excludes it.
	evaluate[bool](p, `(() => { document.querySelector(".bars .bar").click(); return true })()`)
	p.await(`document.querySelectorAll(".chip").length === 1`)
	evaluate[bool](p, `(() => { document.querySelectorAll(".bars")[1].querySelector(".bar").dispatchEvent(new MouseEvent("click", {bubbles: true, altKey: true})); return true })()`)
	p.awaitText(".chip", "!=")
	p.checkSame(shownPanels)
	p.run(chromedp.NavigateBack())
	p.await(`document.querySelectorAll(".chip").length === 1`)
	p.click(".chip-remove")
	p.await(`document.querySelectorAll(".chip").length === 0`)

	p.choose("Field of the top values", "data.country")
	p.await(`location.search.includes("field=data.country")`)
	p.awaitText(".bars", "DE")
	p.checkSame(shownPanels)
}

// Every chart has its table, with the figures that the call returns.
func TestChartsHaveTables(t *testing.T) {
	p := newFixture(t).open(t, "/ui/overview?"+pinned)
	p.click(`button[aria-label="Events: table"]`)
	p.awaitText("table th", "Interval")
	var series struct{ Total struct{ Values []int } }
	p.curl("Events", &series)
	if rows := evaluate[int](p, `document.querySelectorAll("table tbody tr").length`); rows != len(series.Total.Values) {
		t.Errorf("the table has %d rows, the call returns %d intervals", rows, len(series.Total.Values))
	}
	p.checkAccessibility()
}

// Brushing a chart sets the range, and Back returns from it.
func TestBrush(t *testing.T) {
	p := newFixture(t).open(t, "/ui/overview?from=30d&to=now&tz=UTC")
	p.await(`document.querySelector(".chart .u-over")?.getBoundingClientRect().width > 300`)
	p.awaitAnswers() // a chart with other figures is another one
	type box struct{ X, Y, Width float64 }
	at := evaluate[box](p, `(() => { const b = document.querySelector(".chart .u-over").getBoundingClientRect(); return {X: b.x, Y: b.y, Width: b.width} })()`)
	y := at.Y + 60
	for _, event := range []struct {
		kind input.DispatchMouseEventType
		x    float64
	}{{"mousePressed", 0.3}, {"mouseMoved", 0.4}, {"mouseMoved", 0.6}, {"mouseReleased", 0.6}} {
		p.run(chromedp.MouseEvent(event.kind, at.X+event.x*at.Width, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	}
	p.await(`/from=\d{4}-\d\d-\d\dT/.test(location.search)`)
	p.run(chromedp.NavigateBack())
	p.await(`location.search.startsWith("?from=30d&to=now")`)
}

// Without an event the screen has a command that works, and shows the first event when
// it comes.
func TestFirstEvent(t *testing.T) {
	f := newEmptyFixture(t)
	p := f.open(t, "/ui/")
	p.awaitText(".first-event", "Listening")
	p.checkScreen("first-event")
	command := p.text(".first-event .code")
	var answer struct{ Accepted int }
	p.runCurl(command, &answer)
	if answer.Accepted != 1 {
		t.Fatalf("%s accepts %d events", command, answer.Accepted)
	}
	p.awaitText(".first-event h2", "Your first event is stored")
	p.click(".first-event .primary")
	p.await(`document.querySelectorAll(".overview .panel").length === 6`)
}
