package ui

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// shownAnswer are the settings, the steps and what the panel shows.
const shownAnswer = `[...document.querySelectorAll(".options, .steps, .panel h2, .panel-note, .trend-groups, .funnel, .cohorts, .flow, .chip")].map((e) => e.innerText).join("|")`

// typeFilter is a condition on a type, as an address holds it.
func typeFilter(name string) string { return url.QueryEscape(fmt.Sprintf("type=%q", name)) }

func TestTrends(t *testing.T) {
	p := newFixture(t).open(t, "/ui/trends?"+pinned)
	p.awaitText(".panel-note .total", ",")
	p.checkSame(shownAnswer)
	var series struct {
		Interval string
		Total    struct{ Total float64 }
		Series   []struct {
			Group any
			Total float64
		}
	}
	p.curl("Events", &series)
	if shown := strings.ReplaceAll(p.text(".panel-note .total"), ",", ""); shown != fmt.Sprint(series.Total.Total) {
		t.Errorf("the panel shows %s, its call returns %v", shown, series.Total.Total)
	}
	evaluate[bool](p, `(() => { document.querySelector(".check-line input").click(); return true })()`)
	p.await(`location.search.includes("compare=previous")`)
	p.choose("Interval", "week")
	p.choose("Metric", "p90")
	p.awaitText(".empty", "Choose the field")
	p.choose("Field of the metric", "data.load_ms")
	p.awaitText(".panel h2", "90th percentile of data.load_ms")
	p.choose("Group by", "data.device")
	p.choose("Number of groups", "3")
	p.awaitText(".trend-groups", "mobile")
	p.awaitAnswers()
	p.checkScreen("trends")
	p.checkSame(shownAnswer)
	p.curl("90th percentile of data.load_ms", &series)
	if series.Interval != "week" || len(series.Series) == 0 || !strings.Contains(p.text(".trend-groups li"), fmt.Sprint(series.Series[0].Group)) {
		t.Errorf("the call returns %+v, the groups are %s", series, p.text(".trend-groups"))
	}
	p.click(`button[aria-label="90th percentile of data.load_ms: table"]`)
	p.awaitText(".table th", fmt.Sprint(series.Series[0].Group))
	p.click(`button[aria-label="90th percentile of data.load_ms: table"]`)
	p.click(".trend-groups .value")
	p.awaitText(".chip", "data.device=")
}

func TestFunnel(t *testing.T) {
	p := newFixture(t).open(t, "/ui/funnel?"+pinned)
	p.awaitText(".step-hint", "two steps at least")
	p.checkScreen("funnel-empty")
	p.choose("Add a step of a type", `type="page interaction / pageview"`)
	p.await(`document.querySelectorAll(".step").length === 1`)
	p.choose("Add a step of a type", `type="shop / purchase"`)
	p.await(`document.querySelectorAll(".funnel-step").length === 2`)
	// A condition more for the first step, typed and completed by the keyboard.
	p.clickText(".step button", "where")
	p.await(`document.activeElement.getAttribute("aria-label") === "Condition of step 1"`)
	p.press("data.path=/pricing\r")
	p.awaitText(".step .chip", "data.path=/pricing")
	p.choose("Group by", "data.device")
	p.choose("Window", "1h")
	p.awaitText(".funnel + .table-scroll", "mobile")
	p.awaitAnswers()
	p.checkScreen("funnel")
	p.checkSame(shownAnswer)
	var funnel struct {
		Entered, Completed int
		Steps              []struct{ Count int }
	}
	p.curl("Funnel", &funnel)
	if shown := p.text(".panel-note"); !strings.Contains(strings.ReplaceAll(shown, ",", ""), fmt.Sprintf("%d of %d", funnel.Completed, funnel.Entered)) || funnel.Entered == 0 {
		t.Errorf("the panel shows %s, its call returns %+v", shown, funnel)
	}
	if shown := evaluate[[]string](p, `[...document.querySelectorAll(".funnel-head .numeric:nth-child(2)")].map((e) => e.innerText.replaceAll(",", ""))`); len(shown) != 2 || shown[1] != fmt.Sprint(funnel.Steps[1].Count) {
		t.Errorf("the steps are %q, the call returns %+v", shown, funnel.Steps)
	}
	p.clickText(".segments button", "Directly")
	p.await(`location.search.includes("order=strict")`)
	p.choose("Counted by", "data.user")
	p.awaitText(".panel-note", "data.user")
	p.click(`button[aria-label="Move step 2 up"]`)
	p.awaitText(".step:first-child", "shop / purchase")
	p.run(chromedp.NavigateBack())
	p.awaitText(".step:first-child", "pageview")
	// A bar opens the sessions with such an event.
	p.click(".funnel-step:last-child .funnel-bar")
	p.awaitText("h1", "Sessions")
	p.awaitText(".chip", "shop / purchase")
	p.run(chromedp.NavigateBack())
	p.click(`button[aria-label="Remove step 2"]`)
	p.await(`document.querySelectorAll(".step").length === 1 && !document.querySelector(".funnel")`)
}

// Two events that are clicked are the steps of a funnel.
func TestFunnelOfClickedEvents(t *testing.T) {
	p := newFixture(t).open(t, "/ui/explorer?"+pinned+"&filter="+url.QueryEscape(`type in ["page interaction / cta click","session / login"]`))
	p.awaitText(".windowed", "cta click")
	p.clickText(".windowed tr a", ":")
	p.clickText(".drawer button", "Begin a funnel here")
	p.awaitText(".drawer", "Add as step 2")
	p.clickText(".drawer button", "Add as step 2")
	p.clickText(".drawer a", "Open the funnel of 2 steps")
	p.await(`document.querySelectorAll(".step").length === 2`)
}

func TestRetention(t *testing.T) {
	p := newFixture(t).open(t, "/ui/retention?"+pinned)
	p.awaitText(".notice-line", "Sessions rarely return")
	p.choose("Visitor", "data.user")
	p.await(`location.search.includes("by=data.user") && !document.querySelector("[aria-busy=true]") && document.querySelector(".cohorts")`)
	p.checkScreen("retention")
	p.checkSame(shownAnswer)
	var retention struct {
		Cohorts []struct {
			Size     int
			Returned []int
			Complete []bool
		}
	}
	p.curl("Retention", &retention)
	sizes := evaluate[[]string](p, `[...document.querySelectorAll(".cohorts tbody tr")].slice(0, -1).map((r) => r.cells[1].innerText)`)
	incomplete := 0
	for i, c := range retention.Cohorts {
		if sizes[i] != fmt.Sprint(c.Size) {
			t.Errorf("row %d has size %s, the call returns %+v", i, sizes[i], c)
		}
		for _, complete := range c.Complete {
			if !complete {
				incomplete++
			}
		}
	}
	if shown := evaluate[int](p, `document.querySelectorAll(".cohorts .incomplete").length`); shown != incomplete || incomplete == 0 {
		t.Errorf("%d cells are hatched, %d are incomplete", shown, incomplete)
	}
	p.choose("Interval", "day")
	p.choose("Periods", "4")
	p.choose("First event", `type="page interaction / pageview"`)
	p.choose("Event of a return", `type="shop / purchase"`)
	p.await(`!document.querySelector("[aria-busy=true]") && document.querySelector(".cohorts thead tr").cells.length === 6`)
	p.checkSame(shownAnswer)
}

func TestPaths(t *testing.T) {
	p := newFixture(t).open(t, "/ui/paths?"+pinned)
	p.awaitText(".empty", "Choose the event")
	p.choose("Event", `type="page interaction / pageview"`)
	p.awaitText(".flow", "cta click")
	p.choose("Steps show", "data.path")
	p.awaitText(".flow", "/products")
	p.choose("Steps", "2")
	p.choose("Values a step", "4")
	p.awaitAnswers()
	p.checkScreen("paths")
	p.checkSame(shownAnswer)
	var paths struct {
		Sessions int
		Nodes    []struct{ Sessions int }
		Links    []struct{ Sessions int }
	}
	p.curl("What follows", &paths)
	if nodes := evaluate[int](p, `document.querySelectorAll(".flow-node").length`); nodes != len(paths.Nodes) || !strings.Contains(p.text(".panel-note"), fmt.Sprint(paths.Sessions)) {
		t.Errorf("the flow has %d nodes, the call returns %d; %s", nodes, len(paths.Nodes), p.text(".panel-note"))
	}
	p.click(`button[aria-label="What follows: table"]`)
	p.await(fmt.Sprintf(`document.querySelectorAll(".table tbody tr").length === %d`, len(paths.Links)))
	p.click(`button[aria-label="What follows: table"]`)
	p.clickText(".flow-node", "/products")
	p.awaitText(".options .chip", `data.path="/products`)
	p.clickText(".segments button", "Before")
	p.awaitText(".panel h2", "What comes before")
	evaluate[bool](p, `(() => { document.querySelector(".check-line input").click(); return true })()`)
	p.await(`location.search.includes("collapse=false")`)
	p.click(".options .chip-remove")
	p.awaitText(".empty", "Choose the event")
}

// An export is counted before it starts; the file has the rows that were counted.
func TestExport(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "/ui/export?"+pinned+"&filter="+typeFilter("shop / purchase"))
	p.awaitText(".panel-note .total", "")
	p.choose("Add a column", "data.revenue")
	p.awaitText(".export-form .chip", "data.revenue")
	p.checkScreen("export")
	p.checkSame(`document.querySelector(".panel-note").innerText + document.querySelector(".code").innerText`)
	total := p.text(".panel-note .total")
	evaluate[bool](p, `(() => { window.saved = []; const make = URL.createObjectURL; URL.createObjectURL = (b) => { saved.push(b); return make.call(URL, b) }; HTMLAnchorElement.prototype.click = function () { saved.push(this.download) }; return true })()`)
	p.clickText("button", "Export "+total)
	p.awaitText("[role=status]", "events.csv is saved")
	rows, err := csv.NewReader(strings.NewReader(evaluate[string](p, `saved[0].text()`))).ReadAll()
	if err != nil || fmt.Sprint(len(rows)-1) != total || rows[0][len(rows[0])-2] != "data.revenue" && rows[0][len(rows[0])-1] != "data.revenue" {
		t.Errorf("%d rows are saved, %s are counted; the head is %q: %v", len(rows), total, rows[0], err)
	}
	if command := p.text(".code"); !strings.Contains(command, "--columns 'data.revenue'") || !strings.Contains(command, `--filter 'type="shop / purchase"'`) {
		t.Errorf("the command is %s", command)
	}
	p.click(".export-form .chip-remove")
	p.await(`!document.querySelector(".export-form .chip")`)
	p.clickText(".segments button", "NDJSON")
	p.await(`location.search.includes("format=ndjson")`)
	p.clickText("button", "Export "+total)
	p.awaitText("[role=status]", "events.ndjson is saved")
	lines := strings.Split(strings.TrimSpace(evaluate[string](p, `saved.at(-2).text()`)), "\n")
	var end struct{ Events int }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || end.Events != len(lines)-1 || fmt.Sprint(end.Events) != total {
		t.Errorf("the last of %d lines is %s", len(lines), lines[len(lines)-1])
	}
	p.clickText(".segments button", "Parquet")
	p.await(`location.search.includes("format=parquet")`)
	p.clickText("button", "Export "+total)
	p.awaitText("[role=status]", "events.parquet is saved")
	if magic := evaluate[string](p, `saved.at(-2).slice(0, 4).text()`); magic != "PAR1" {
		t.Errorf("the file begins with %q", magic)
	}
}

// A transfer that is stopped or cut off saves nothing.
func TestExportStops(t *testing.T) {
	p := newFixture(t).open(t, "/ui/export?"+pinned+"&format=ndjson")
	p.awaitText("button", "events")
	// The answer of the server is held back after its first part, and later cut off.
	evaluate[bool](p, `(() => {
		window.saved = 0
		HTMLAnchorElement.prototype.click = () => { saved++ }
		const ask = window.fetch
		window.fetch = async (target, init) => {
			const answer = await ask(target, init)
			if (!String(target).startsWith("/v1/export")) return answer
			const reader = answer.body.getReader()
			const body = new ReadableStream({
				async start(c) { const part = await reader.read(); c.enqueue(part.value); window.cut = () => c.close() },
			})
			return new Response(body, {headers: answer.headers})
		}
		return true
	})()`)
	p.clickText("button.primary", "Export")
	p.await(`document.querySelector("progress[value]")`)
	p.clickText("button", "Stop")
	p.awaitText(".notice", "Nothing was saved")
	p.await(`!document.querySelector("progress")`)
	p.clickText("button.primary", "Export")
	p.await(`document.querySelector("progress[value]")`)
	evaluate[bool](p, `(() => { window.cut(); return true })()`)
	p.awaitText(".failure", "ended the export before it was complete")
	if saved := evaluate[int](p, `saved`); saved != 0 {
		t.Errorf("%d files are saved", saved)
	}
}
