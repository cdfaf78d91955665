package ui

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/harness"
)

// What the screens are measured with, and the bars of docs/adr/0034-web-ui.md.
const (
	benchEvents = 200_000
	benchRounds = 5
	benchRows   = 10_000
	benchGroups = 200

	barFirstScreen = 1000 // ms from the navigation until the figures are shown
	barSwitch      = 100  // ms beside the answers of the API
	barLongTask    = 50   // ms
)

// record runs in every document before its own scripts. It keeps when a person clicks, when
// calls begin and end, and the tasks that are long; shown resolves with the time of the
// frame after the one that has everything.
const record = `
	window.times = {click: 0, first: 0, last: 0, calls: 0, long: []}
	addEventListener("click", (e) => Object.assign(times, {click: e.timeStamp, first: 0, last: 0, calls: 0}), true)
	window.under = 0
	const ask = window.fetch
	window.fetch = async (...args) => {
		if (/\/v1\/(live|export)/.test(args[0].url ?? args[0])) return ask(...args)
		times.first ||= performance.now()
		times.calls++
		under++
		try {
			const answer = await ask(...args)
			for (const read of ["json", "text"]) {
				const own = answer[read].bind(answer)
				answer[read] = async () => {
					const body = await own()
					times.last = performance.now()
					return body
				}
			}
			return answer
		} finally {
			under--
		}
	}
	new PerformanceObserver((list) => { for (const task of list.getEntries()) times.long.push(task.duration) }).observe({type: "longtask"})
	window.shown = (isThere) => new Promise((resolve) => {
		const look = () => {
			if (!isThere() || under > 0 || document.querySelector("[aria-busy=true]")) return requestAnimationFrame(look)
			const channel = new MessageChannel()
			channel.port1.onmessage = () => resolve({...times, shown: performance.now()})
			channel.port2.postMessage("") // runs once the frame is painted
		}
		requestAnimationFrame(look)
	})
	window.scrolled = (selector, rows) => new Promise((resolve) => {
		const box = document.querySelector(selector)
		const frames = []
		let before = performance.now(), still = 0
		times.long.length = 0
		const step = (now) => {
			frames.push(now - before)
			before = now
			const at = box.scrollTop
			box.scrollTop += 340 // ten rows a frame
			still = box.scrollTop === at ? still + 1 : 0
			const table = box.querySelector("table")
			const loaded = table ? table.ariaRowCount - 1 : box.childElementCount
			// A list that goes on loading stands still while it waits.
			if (box.scrollTop / 34 < rows && still < (table ? 600 : 30)) return requestAnimationFrame(step)
			setTimeout(() => resolve({frames, long: [...times.long], loaded}), 200)
		}
		requestAnimationFrame(step)
	})`

// BenchmarkScreens measures the screens with the events of a demo: how soon the first one
// shows its figures in a browser that has nothing of it, what a change of the screen takes
// beside the answers of the API, and the long tasks while many rows are scrolled. Bars that
// are missed are marked.
func BenchmarkScreens(b *testing.B) {
	f := startBench(b)
	b.Run("first", func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		var shown, api []float64
		for range benchRounds {
			p := f.openRecorded(b)
			got := p.measure(`() => document.querySelectorAll(".panel-note .total").length === 2 && document.querySelectorAll(".bars").length === 2`)
			shown, api = append(shown, got.Shown), append(api, got.Last-got.First)
		}
		b.ReportMetric(median(api), "ms-of-api")
		harness.ReportAtMost(b, median(shown), "ms-until-shown", barFirstScreen)
	})
	b.Run("switch", func(b *testing.B) { f.benchSwitches(b) })
	for _, list := range []struct{ name, target, box string }{
		{"explorer", "/ui/explorer?from=31d&to=now&tz=UTC", ".windowed"},
		{"sessions", "/ui/sessions?from=31d&to=now&tz=UTC", ".windowed"},
		{"rejected", "/ui/rejected?from=31d&to=now&tz=UTC", ".groups"},
	} {
		b.Run("scroll/"+list.name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			p := f.openRecorded(b)
			p.measure(`() => document.querySelector("h1")`)
			p.run(chromedp.Navigate(f.base + list.target))
			p.measure(`() => document.querySelector(` + quote(list.box) + `)`)
			got := evaluate[scrolling](p, fmt.Sprintf(`scrolled(%s, %d)`, quote(list.box), benchRows))
			slices.Sort(got.Frames)
			b.ReportMetric(float64(got.Loaded), "rows")
			b.ReportMetric(got.Frames[len(got.Frames)*99/100], "p99-ms-a-frame")
			b.ReportMetric(float64(len(got.Long)), "long-tasks")
			harness.ReportAtMost(b, slices.Max(append(got.Long, 0)), "ms-longest-task", barLongTask)
		})
	}
}

// scrolling is what scrolling a list took: its frames and long tasks in milliseconds.
type scrolling struct {
	Frames []float64
	Long   []float64
	Loaded int
}

// measured are the times of one screen, in milliseconds since the document began.
type measured struct {
	Click, First, Last, Shown float64
	Calls                     int
}

// measure waits until a screen has everything and returns its times.
func (p *page) measure(isThere string) measured {
	p.t.Helper()
	return evaluate[measured](p, `window.shown(`+isThere+`)`)
}

// benchSwitches measures every change from the overview to another screen, the first time
// and later.
func (f *fixture) benchSwitches(b *testing.B) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	p := f.openRecorded(b)
	p.measure(`() => document.querySelectorAll(".bars").length === 2`)
	p.await(`[...document.scripts, ...performance.getEntriesByType("resource")].some((r) => (r.name ?? "").includes("playground"))`) // the others were fetched
	type link struct{ Name, Title string }
	links := evaluate[[]link](p, `[...document.querySelectorAll(".side-link")].map((a) => ({Name: new URL(a.href).pathname.split("/")[2], Title: a.innerText.trim()}))`)
	slowest, name := 0.0, ""
	for _, l := range links {
		if l.Name == "overview" {
			continue
		}
		var beside []float64
		var last measured
		for range benchRounds {
			p.goTo("overview", "Overview")
			last = p.goTo(l.Name, l.Title)
			beside = append(beside, last.beside())
		}
		first := beside[0]
		b.Logf("%-12s beside the API: first %.0f ms, median %.0f ms; %d calls, to the first %.0f ms, of the API %.0f ms",
			l.Name, first, median(beside), last.Calls, max(0, last.First-last.Click), max(0, last.Last-last.First))
		if worst := max(first, median(beside)); worst > slowest {
			slowest, name = worst, l.Name
		}
	}
	b.Logf("the slowest is %s", name)
	harness.ReportAtMost(b, slowest, "ms-beside-api", barSwitch)
}

// beside is the time from the click until the screen is shown, without that of the calls.
func (m measured) beside() float64 {
	if m.Calls == 0 || m.Last < m.First {
		return m.Shown - m.Click
	}
	return m.Shown - m.Last + m.First - m.Click
}

// goTo clicks the link of a screen and returns its times.
func (p *page) goTo(name, title string) measured {
	p.t.Helper()
	p.run(chromedp.Click(`.side-link[href^="/ui/` + name + `?"]`))
	return p.measure(`() => document.querySelector("h1").innerText === ` + quote(title) + ` && document.querySelector("#main").childElementCount > 0`)
}

// openRecorded opens the overview in a browser that has nothing of it yet, with what records.
func (f *fixture) openRecorded(b *testing.B) *page {
	b.Helper()
	tab, closeTab := chromedp.NewContext(f.browser, chromedp.WithNewBrowserContext())
	b.Cleanup(closeTab)
	// The tab lives as long as the context of its first run.
	if _, err := chromedp.Run(tab, chromedp.Navigate("about:blank")); err != nil {
		b.Fatalf("open a tab: %v", err)
	}
	p := &page{f: f, t: b, ctx: tab}
	p.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: record})
		return err
	}), chromedp.EmulateViewport(1440, 900), chromedp.Navigate(f.base+"/ui/overview?from=31d&to=now&tz=UTC#token="+operatorToken))
	return p
}

// startBench starts a process with the events of a demo, and as many reasons of rejections as
// the screen lists.
func startBench(b *testing.B) *fixture {
	b.Helper()
	f, err := startFixture(false)
	if err != nil {
		b.Fatal(err)
	}
	if err := f.startBrowser(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), 5*patience)
	defer cancel()
	if err := f.sendDemo(ctx, benchEvents); err != nil {
		b.Fatal(err)
	}
	var lines []string
	for i := range benchGroups {
		lines = append(lines, fmt.Sprintf(`{"session_id": "0193b5c2-7c1a-7000-8000-%012d", "category": "unheard", "name": "of %d", "data": {}, "timestamp": %q}`, i, i, time.Now().UTC().Format(time.RFC3339)))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.base+"/v1/events", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		b.Fatal(err)
	}
	f.send(b, req, writeKey, http.StatusAccepted)
	return f
}

// median returns the median of figures.
func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[len(sorted)/2]
}
