package ui

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/harness"
)

// Visits that sendVisits sends: every second begins with the prices, every third goes on to
// a click.
const (
	visits        = 24
	pricedVisits  = visits / 2
	clickedVisits = visits / 6 // of those that begin with the prices
)

// visitID is the session of a visit.
func visitID(i int) string { return fmt.Sprintf("%08x-7c1a-7000-8000-000000000001", 0x5e550000+i) }

// sendVisits sends the events of visits.
func (f *fixture) sendVisits(t *testing.T) {
	t.Helper()
	start := time.Now().Add(-3 * time.Hour).UTC()
	var lines strings.Builder
	for i := range visits {
		send := func(name, path, data string, after int) {
			fmt.Fprintf(&lines, `{"session_id":%q,"category":"page interaction","name":%q,"data":{"host":"shop.example.com","path":%q%s},"timestamp":%q}`+"\n",
				visitID(i), name, path, data, start.Add(time.Duration(300*i+after)*time.Second).Format(time.RFC3339))
		}
		if i%2 == 0 {
			send("pageview", "/pricing", "", 0)
		} else {
			send("pageview", "/docs", "", 0)
		}
		if i%3 == 0 {
			send("cta click", "/signup", `,"element":"start"`, 40)
		}
	}
	f.sendEvents(t, lines.String())
}

// The analyst's path from end to end, by clicks on the page: a value of the overview,
// the events that have it, one of them, its session, a funnel of two events, the link to it
// in the browser of a colleague, and the events behind a bar as a file.
func TestAnalystsPath(t *testing.T) {
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.sendVisits(t)
		p := f.openAs(t, analystToken, "/ui/overview?from=7d&to=now&tz=UTC")
		p.clickShown(".bars .bar", "/pricing")
		p.awaitText(".filters .chip", `data.path="/pricing"`)
		p.clickShown(".side a", "Explorer")
		p.awaitAnswers()
		if note := p.text(".events .panel-note"); note != fmt.Sprintf("%d events", pricedVisits) {
			t.Errorf("the explorer lists %s", note)
		}

		// Visit 6 clicked. Its page view begins the funnel, with the filter of the list.
		visit := visitID(6)
		p.clickShownIn(`[...document.querySelectorAll(".windowed tbody tr")].find((r) => r.innerText.includes(`+quote(visit[:8])+`))`, ".row-link")
		p.awaitText(".drawer h2", "page interaction / pageview")
		p.clickShown(".drawer button", "Begin a funnel here")
		p.clickShown(".drawer a", visit)
		p.awaitText(".session-figures", "40 s")
		p.clickShown(".moment-link", "cta click")
		p.awaitText(".drawer h2", "page interaction / cta click")
		p.clickShown(".drawer button", "Add as step 2 of the funnel")
		p.clickShown(".drawer a", "Open the funnel of 2 steps")
		p.awaitText(".funnel", "data.path")
		p.awaitAnswers()
		if note := p.words(".panel-note"); !strings.HasSuffix(note, fmt.Sprintf(" %d of %d sessions", clickedVisits, pricedVisits)) {
			t.Errorf("the funnel shows %s", note)
		}

		// The link shows a colleague the same, after signing in.
		p.clickShown(`button[aria-label="Funnel: more"]`, "")
		p.clickShown("[role=menuitem]", "Copy link")
		p.await(`window.copied.startsWith("http")`)
		shown := evaluate[string](p, shownAnswer)
		colleague := f.openElsewhere(t, evaluate[string](p, `window.copied`))
		colleague.await(`document.activeElement.name === "token"`)
		colleague.press(analystToken + "\r")
		colleague.awaitText(".funnel", "data.path")
		colleague.awaitAnswers()
		if there := evaluate[string](colleague, shownAnswer); there != shown {
			t.Errorf("the colleague sees\n%s\nand not\n%s", there, shown)
		}

		// A bar leads to its sessions, and those to their events as a file.
		colleague.clickShownIn(`document.querySelector(".funnel-step")`, ".funnel-bar")
		colleague.awaitText("h1", "Sessions")
		colleague.awaitText(".panel-note", fmt.Sprint(pricedVisits))
		colleague.clickShown(".side a", "Export")
		colleague.awaitText(".panel-note", "as NDJSON")
		if note := colleague.words(".panel-note"); !strings.HasPrefix(note, fmt.Sprintf("%d events, about ", pricedVisits)) {
			t.Errorf("the export counts %s", note)
		}
		saved := colleague.download("events.csv", func() {
			colleague.clickShown("button.primary", fmt.Sprintf("Export %d events", pricedVisits))
		})
		rows, err := csv.NewReader(strings.NewReader(saved)).ReadAll()
		if err != nil || len(rows) != pricedVisits+1 {
			t.Errorf("the file has %d rows, %d events are counted: %v", len(rows), pricedVisits, err)
		}
		colleague.clickShown(".command button", "Copy the command")
		colleague.await(`window.copied.startsWith("theeye export ")`)
		if byCommand := f.runShown(t, evaluate[string](colleague, `window.copied`), "events.csv"); byCommand != saved {
			t.Errorf("the command writes\n%s\nthe browser saved\n%s", byCommand, saved)
		}
	})
}

// words returns the text of an element in one line.
func (p *page) words(selector string) string {
	p.t.Helper()
	return strings.Join(strings.Fields(p.text(selector)), " ")
}

// clickShown clicks by mouse on the element that a selector finds, with a text unless it is "".
func (p *page) clickShown(selector, text string) {
	p.t.Helper()
	p.clickShownIn(fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.innerText.includes(%s))`, quote(selector), quote(text)), "")
}

// clickShownIn clicks by mouse on what a selector finds in an element, or with "" on the
// element itself, once it is enabled, stays at its place from one frame to the next, and
// nothing covers it.
func (p *page) clickShownIn(element, selector string) {
	p.t.Helper()
	if selector != "" {
		element = fmt.Sprintf(`(%s)?.querySelector(%s)`, element, quote(selector))
	}
	place := `(async () => {
		const find = () => ` + element + `
		const where = () => {
			const box = find()?.getClientRects()[0]
			return box && {X: box.x + box.width / 2, Y: box.y + box.height / 2}
		}
		find()?.scrollIntoView({block: "nearest"})
		const before = where()
		await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
		const e = find(), at = where()
		if (!before || !at || e.disabled || before.X !== at.X || before.Y !== at.Y) return []
		const hit = document.elementFromPoint(at.X, at.Y)
		return e.contains(hit) || e.closest("label")?.contains(hit) ? [at] : []
	})()`
	type point struct{ X, Y float64 }
	var at []point
	ctx, cancel := p.patient()
	defer cancel()
	err := harness.Poll(ctx, func() (err error) {
		p.awaitAnswers()
		if at, err = chromedp.Run(ctx, chromedp.Evaluate[[]point](place, chromedp.EvalAwaitPromise)); err == nil && len(at) == 0 {
			err = fmt.Errorf("nothing can be clicked of %s", element)
		}
		return err
	})
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.shownNow())
	}
	p.run(chromedp.MouseClickXY(at[0].X, at[0].Y))
}

// openElsewhere opens an address in a browser that knows nothing of the others.
func (f *fixture) openElsewhere(t testing.TB, address string) *page {
	t.Helper()
	elsewhere := *f
	own, closeOwn := chromedp.NewContext(f.browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeOwn)
	if _, err := chromedp.Run(own, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("open a browser: %v", err)
	}
	elsewhere.browser = own
	target, ok := strings.CutPrefix(address, f.base)
	if !ok {
		t.Fatalf("%s is no address of %s", address, f.base)
	}
	return elsewhere.openAs(t, "", target)
}

// download does what saves a file, and returns its content.
func (p *page) download(name string, save func()) string {
	p.t.Helper()
	dir := p.t.TempDir()
	ctx, cancel := p.patient()
	defer cancel()
	_, err := chromedp.Call(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir, BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID, //nolint:misspell // the name of Chromium
	})
	if err != nil {
		p.t.Fatal(err)
	}
	save()
	var content []byte
	err = harness.Poll(ctx, func() (err error) {
		content, err = os.ReadFile(filepath.Join(dir, name)) // has its name once it is whole
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return string(content)
}

// runShown runs a command of the UI as an analyst does, and returns the file that it writes.
func (f *fixture) runShown(t *testing.T, command, file string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "EYE_TOKEN="+analystToken, "PATH="+filepath.Dir(f.binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	content, err := os.ReadFile(filepath.Join(cmd.Dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
