package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/harness"
)

// page is a tab that shows the UI.
type page struct {
	f   *fixture
	t   testing.TB
	ctx context.Context

	mutex  sync.Mutex
	faults []string
	// expected are parts of the console's errors that a test provokes.
	expected []string
}

// watch runs in every document before its own scripts: it keeps what the policy refuses,
// every text that is copied, what listens for clicks, the number of calls whose answers are
// under way, but for streams, and the timers that run out soon, such as those of pauses in
// typing.
const watch = `
	window.asked = 0
	const ask = window.fetch
	window.fetch = async (...args) => {
		if (/\/v1\/(live|export)/.test(args[0].url ?? args[0])) return ask(...args)
		asked++
		try {
			const answer = await ask(...args)
			await answer.clone().arrayBuffer().catch(() => undefined)
			return answer
		} finally {
			asked--
		}
	}
	window.soon = new Set()
	const startTimer = window.setTimeout, stopTimer = window.clearTimeout
	window.setTimeout = (work, ms = 0, ...args) => {
		const timer = startTimer(() => { soon.delete(timer); work(...args) }, ms)
		if (ms > 0 && ms <= 200) soon.add(timer)
		return timer
	}
	window.clearTimeout = (timer) => { soon.delete(timer); stopTimer(timer) }
	window.clickable = new WeakSet()
	const listen = EventTarget.prototype.addEventListener
	EventTarget.prototype.addEventListener = function (type, ...rest) {
		if (/^(click|mousedown|pointerdown)$/.test(type)) clickable.add(this)
		return listen.call(this, type, ...rest)
	}
	window.refused = []
	document.addEventListener("securitypolicyviolation", (e) => refused.push(e.violatedDirective + " " + e.blockedURI + " " + e.sample))
	window.copied = ""
	Object.defineProperty(navigator, "clipboard", {value: {writeText: async (text) => { window.copied = text }}})`

// open opens a screen as an operator, by the link that signs in.
func (f *fixture) open(t testing.TB, target string) *page {
	t.Helper()
	return f.openAs(t, operatorToken, target)
}

// openAs opens a screen with a token, or the sign-in with "".
func (f *fixture) openAs(t testing.TB, token, target string) *page {
	t.Helper()
	tab, closeTab := chromedp.NewContext(f.browser)
	t.Cleanup(closeTab)
	if _, err := chromedp.Run(tab, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p := &page{f: f, t: t, ctx: tab}
	if err := chromedp.Listen(tab, p.hear); err != nil {
		t.Fatal(err)
	}
	p.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
		return err
	}), chromedp.EmulateViewport(1440, 900))
	t.Cleanup(p.checkFaults) // before the tab is closed
	if token != "" {
		target += "#token=" + token
	}
	p.run(chromedp.Navigate(f.base + target))
	return p
}

// hear keeps the errors of the console, and exceptions.
func (p *page) hear(event any) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			p.faults = append(p.faults, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			p.faults = append(p.faults, fmt.Sprintf("console.%s %v", e.Type, e.Args))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.faults = append(p.faults, text)
	}
}

// expect names a part of errors of the console that the test provokes.
func (p *page) expect(part string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.expected = append(p.expected, part)
}

func (p *page) checkFaults() {
	if refused := evaluate[[]string](p, `window.refused`); len(refused) > 0 {
		p.t.Errorf("the policy refuses %q", refused)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, fault := range p.faults {
		known := false
		for _, part := range p.expected {
			known = known || strings.Contains(fault, part)
		}
		if !known {
			p.t.Errorf("the console has %s", fault)
		}
	}
}

// patient bounds one wait: a page may be in use for longer.
func (p *page) patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.ctx, patience)
}

func (p *page) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	for _, action := range actions {
		ctx, cancel := p.patient()
		_, err := chromedp.Run(ctx, action)
		cancel()
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// evaluate evaluates an expression in a page and awaits its promise.
func evaluate[T any](p *page, expression string) T {
	p.t.Helper()
	ctx, cancel := p.patient()
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// await waits until an expression is true.
func (p *page) await(expression string) {
	p.t.Helper()
	ctx, cancel := p.patient()
	defer cancel()
	err := harness.Poll(ctx, func() error {
		met, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && !met {
			err = fmt.Errorf("not met: %s", expression)
		}
		return err
	})
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.shownNow())
	}
}

// awaitAnswers waits until every answer is there and shown: those that a select is filled
// with, too, and those of questions that wait for a pause in typing.
func (p *page) awaitAnswers() {
	p.t.Helper()
	const quiet = `!asked && !soon.size && !document.querySelector("[aria-busy=true]")`
	const drawn = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(` + quiet + `)))))`
	for p.await(quiet); !evaluate[bool](p, drawn); {
		p.await(quiet)
	}
}

// shownNow returns the address, the element with the focus, and the text of the page, for
// messages of tests that ran out of time.
func (p *page) shownNow() string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.activeElement.outerHTML.slice(0, 120) + "\n" + [...document.querySelectorAll(".chip, .notice, #main, form")].map((e) => e.innerText).join("\\n").slice(0, 2000)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// awaitText waits until the text of an element contains another.
func (p *page) awaitText(selector, want string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`[...document.querySelectorAll(%s)].some((e) => e.innerText.includes(%s))`, quote(selector), quote(want)))
}

// text returns the text of an element.
func (p *page) text(selector string) string {
	p.t.Helper()
	for {
		p.await(fmt.Sprintf(`document.querySelector(%s)`, quote(selector)))
		// An answer may take the element away, or draw another.
		texts := evaluate[[]string](p, fmt.Sprintf(`[...document.querySelectorAll(%s)].slice(0, 1).map((e) => e.innerText)`, quote(selector)))
		if len(texts) > 0 {
			return texts[0]
		}
	}
}

// click clicks by mouse on the first element that a selector finds.
func (p *page) click(selector string) {
	p.t.Helper()
	p.clickShownIn(fmt.Sprintf(`document.querySelector(%s)`, quote(selector)), "")
}

// clickText clicks the element that a selector finds and whose text is, or else
// contains, another, once it is enabled.
func (p *page) clickText(selector, want string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`(() => {
		const all = [...document.querySelectorAll(%s)]
		const e = all.find((e) => e.innerText.trim() === %s) ?? all.find((e) => e.innerText.includes(%s))
		if (!e || e.disabled) return false
		e.click()
		return true
	})()`, quote(selector), quote(want), quote(want)))
}

// choose sets a select, once it has the option.
func (p *page) choose(label, value string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`(() => {
		const s = document.querySelector(%s)
		if (!s || s.disabled || ![...s.options].some((o) => o.value === %s)) return false
		s.value = %s
		s.dispatchEvent(new Event("change", {bubbles: true}))
		return true
	})()`, quote(fmt.Sprintf(`select[aria-label=%s]`, quote(label))), quote(value), quote(value)))
}

// menu takes an entry of a menu.
func (p *page) menu(label, entry string) {
	p.t.Helper()
	p.click(fmt.Sprintf(`button[aria-label=%s]`, quote(label)))
	p.clickText("[role=menuitem]", entry)
}

// copies takes the entry of a menu that copies a command, and returns the command.
func (p *page) copies(label, entry string) string {
	p.t.Helper()
	evaluate[bool](p, `(() => { window.copied = ""; return true })()`)
	p.menu(label, entry)
	p.await(`window.copied`)
	return evaluate[string](p, `window.copied`)
}

// curl copies the call of a panel as a command and runs it.
func (p *page) curl(panel string, answer any) {
	p.t.Helper()
	p.runCurl(p.copies(panel+": more", "Copy as curl"), answer)
}

// runCurl runs a command that was copied.
func (p *page) runCurl(command string, answer any) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", command+" --fail-with-body")
	cmd.Env = append(os.Environ(), "EYE_TOKEN="+operatorToken)
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		p.t.Fatalf("%s: %v in %s", command, err, out)
	}
}

// checkSame says that a screen is the same after it is loaded again, and after leaving
// it and coming back: state lives in the address alone. shown is an expression for what
// the person sees.
func (p *page) checkSame(shown string) {
	p.t.Helper()
	p.awaitAnswers()
	want := evaluate[string](p, shown)
	address := evaluate[string](p, `location.href`)
	same := fmt.Sprintf(`location.href === %s && (%s) === %s`, quote(address), shown, quote(want))
	p.run(chromedp.Reload())
	p.await(same)
	p.run(chromedp.Navigate(p.f.base + "/ui/nowhere"))
	p.awaitText("#main", "no screen at this address")
	p.run(chromedp.NavigateBack())
	p.await(same)
	p.awaitAnswers()
}

// press presses keys, one after the other, on the focused element.
func (p *page) press(keys string) {
	p.t.Helper()
	p.run(chromedp.KeyEvent(keys))
}

// checkAccessibility says that axe-core finds nothing.
func (p *page) checkAccessibility() {
	p.t.Helper()
	if !evaluate[bool](p, `"axe" in window`) { // half a megabyte, once a document
		script, err := axe()
		if err != nil {
			p.t.Fatal(err)
		}
		evaluate[bool](p, "(() => { "+script+"\n; return true })()")
	}
	findings := evaluate[[]string](p, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.flatMap((v) =>
		v.nodes.map((n) => v.id + ": " + n.html.slice(0, 160) + " " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ""))))`)
	for _, finding := range findings {
		p.t.Errorf("axe-core finds %s", finding)
	}
}

// checkNarrow says that the screen fits into 360 pixels.
func (p *page) checkNarrow() {
	p.t.Helper()
	p.run(chromedp.EmulateViewport(360, 780))
	p.await(`innerWidth === 360`)
	p.awaitAnswers() // and the frames in which charts take the width
	if width := evaluate[int](p, `document.documentElement.scrollWidth`); width > 360 {
		wide := evaluate[[]string](p, `[...document.querySelectorAll("#app *")].filter((e) => e.getBoundingClientRect().right > 361).slice(0, 8).map((e) => e.tagName + "." + e.getAttribute("class"))`)
		p.t.Errorf("the screen is %d pixels wide, of 360: %q", width, wide)
	}
	p.run(chromedp.EmulateViewport(1440, 900))
	p.await(`innerWidth === 1440`)
}

// checkScreen makes the checks that every screen passes.
func (p *page) checkScreen(name string) {
	p.t.Helper()
	p.checkAccessibility()
	p.checkNarrow()
	p.shoot(name)
}

// shoot leaves pictures of a screen where EYE_TEST_SCREENSHOTS names a folder.
func (p *page) shoot(name string) {
	p.t.Helper()
	dir := os.Getenv("EYE_TEST_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, theme := range []string{"Light", "Dark"} {
		evaluate[bool](p, fmt.Sprintf(`(() => { document.querySelector('[aria-label="Theme"] [aria-label=%s]')?.click(); return true })()`, quote(theme)))
		for _, width := range []int64{1440, 360} {
			p.run(chromedp.EmulateViewport(width, 900))
			p.await(fmt.Sprintf(`innerWidth === %d`, width))
			evaluate[bool](p, `new Promise((done) => setTimeout(() => done(true), 300))`)
			shot, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				p.t.Fatal(err)
			}
			file := filepath.Join(dir, fmt.Sprintf("%s-%s-%d.png", name, strings.ToLower(theme), width))
			if err := os.WriteFile(file, shot, 0o600); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	evaluate[bool](p, `(() => { document.querySelector('[aria-label="Theme"] [aria-label="As the system"]')?.click(); return true })()`)
	p.run(chromedp.EmulateViewport(1440, 900))
}

// quote returns s as a JavaScript string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings can always be written
	}
	return string(b)
}
