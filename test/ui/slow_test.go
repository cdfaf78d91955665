package ui

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// gate stands between a page and its server: it holds the answers to one path until the
// test lets them pass, or answers in their place.
type gate struct {
	proxy http.Handler

	mutex sync.Mutex
	path  string
	opens chan struct{}
	fault http.HandlerFunc
}

// newGate returns a fixture whose pages ask through a gate.
func (f *fixture) newGate(t *testing.T) (*fixture, *gate) {
	t.Helper()
	to, err := url.Parse(f.base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.FlushInterval = -1
	proxy.ErrorLog = log.New(io.Discard, "", 0) // pages give up calls
	g := &gate{proxy: proxy}
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		g.pass()
		server.CloseClientConnections()
		server.Close()
	})
	through := *f
	through.base = server.URL
	return &through, g
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mutex.Lock()
	opens, fault := g.opens, g.fault
	if r.URL.EscapedPath() != g.path {
		opens, fault = nil, nil
	}
	g.mutex.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	if opens != nil {
		select {
		case <-opens:
		case <-r.Context().Done():
			return
		}
	}
	g.proxy.ServeHTTP(w, r)
}

// hold holds the answers to a path from now on.
func (g *gate) hold(path string) {
	g.pass()
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.path, g.opens = path, make(chan struct{})
}

// fail has a handler answer a path from now on.
func (g *gate) fail(path string, with http.HandlerFunc) {
	g.pass()
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.path, g.fault = path, with
}

// pass lets pass the answers that are held, and all later ones.
func (g *gate) pass() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.opens != nil {
		close(g.opens)
	}
	g.opens, g.fault = nil, nil
}

// hurry has the timers of a page run ten times as fast.
const hurry = `const later = window.setTimeout; window.setTimeout = (work, ms, ...args) => later(work, ms / 10, ...args)`

// openHurried opens a screen whose timers hurry.
func (f *fixture) openHurried(t *testing.T, target string) *page {
	t.Helper()
	p := f.openAs(t, "", "/ui/nowhere")
	p.run(chromedp.Func(func(ctx context.Context, to *chromedp.Target) error {
		_, err := cdp.Call(ctx, to, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: hurry})
		return err
	}), chromedp.Navigate(f.base+"/ui/nowhere?again#token="+operatorToken))
	p.awaitText("#main", "no screen at this address")
	p.visit(target)
	return p
}

// mainPanel is a screen, and the path of the call that its main panel shows.
type mainPanel struct {
	screen, path string
	// polled says that the screen asks again by itself every few seconds.
	polled bool
}

func mainPanels(t *testing.T, f *fixture) []mainPanel {
	t.Helper()
	var list sessionList
	if err := f.get(t.Context(), fmt.Sprintf("/v1/sessions?from=%dd&limit=1", demoDays), &list); err != nil {
		t.Fatal(err)
	}
	session := list.Sessions[0].SessionID
	pageview, purchase := typeFilter("page interaction / pageview"), typeFilter("shop / purchase")
	return []mainPanel{
		{screen: "overview?", path: "/v1/stats/query"},
		{screen: "explorer?", path: "/v1/events"},
		{screen: "sessions?", path: "/v1/sessions"},
		{screen: "sessions/" + session + "?", path: "/v1/sessions/" + session},
		{screen: "types?", path: "/v1/types"},
		{screen: "trends?", path: "/v1/stats/timeseries"},
		{screen: "funnel?step=" + pageview + "&step=" + purchase + "&", path: "/v1/stats/funnel"},
		{screen: "retention?", path: "/v1/stats/retention"},
		{screen: "paths?event=" + pageview + "&", path: "/v1/stats/paths"},
		{screen: "export?", path: "/v1/stats/top"},
		{screen: "rejected?", path: "/v1/rejected/summary"},
		{screen: "schemas?", path: "/v1/schemas"},
		{screen: "schemas?category=page+interaction&name=pageview&", path: "/v1/schemas/page%20interaction/pageview"},
		{screen: "replays?", path: "/v1/replays", polled: true},
		{screen: "replays/new?", path: "/v1/types"},
		{screen: "audits?", path: "/v1/audits", polled: true},
		{screen: "status?", path: "/v1/status", polled: true},
		{screen: "access?", path: "/v1/applications"},
		{screen: "policy?", path: "/v1/policy"},
		{screen: "changes?", path: "/v1/changes"},
	}
}

// isFilled says that the panels of a screen show their answers.
const isFilled = `document.querySelector("#main .panel") && !document.querySelector("#main .failure, #main .skeleton, #main [aria-busy=true], #main .panel-wait")`

// boxes are the places of the panels.
const boxes = `JSON.stringify([...document.querySelectorAll("#main .panel")].map((e) => { const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height].map(Math.round) }))`

// A screen whose answer is slow shows a skeleton and offers to cancel, moves nothing
// until then, and shows no older answer in the place of a newer one.
func TestSlowAnswers(t *testing.T) {
	f, g := newFixture(t).newGate(t)
	p := f.openHurried(t, "/ui/nowhere")
	for _, m := range mainPanels(t, f) {
		p.visit("/ui/nowhere")
		g.hold(m.path)
		evaluate[bool](p, goes("/ui/"+m.screen+pinned))
		p.await(`document.querySelector("#main .skeleton:not(.invisible)")`)
		p.await(`document.querySelector("#main .panel-wait button")`)
		if text := evaluate[string](p, `document.querySelector("#main").innerText`); !strings.Contains(text, "This takes a while") {
			t.Errorf("%s shows %s", m.screen, text)
		}
		p.clickText("#main .panel-wait button", "Cancel")
		p.awaitText("#main .panel-body", "Cancelled.")
		p.await(`!asked || !document.querySelector("#main .panel-wait")`)
		g.pass()
		p.clickText("#main .panel-body .link", "Ask again")
		p.await(isFilled)

		// Asked again, nothing moves: neither while it waits, nor when the same answer comes.
		if m.polled {
			continue
		}
		p.awaitAnswers()
		before := evaluate[string](p, boxes)
		g.hold(m.path)
		p.click(`button[aria-label="Refresh"]`)
		if m.path != "/v1/policy" && !strings.HasPrefix(m.path, "/v1/schemas/") { // these keep the text that is edited, without a word
			p.await(`document.querySelector("#main .panel-wait")`)
		}
		if waiting := evaluate[string](p, boxes); waiting != before {
			t.Errorf("%s moves while it waits: %s, before %s", m.screen, waiting, before)
		}
		g.pass()
		p.await(isFilled)
		p.awaitAnswers()
		if after := evaluate[string](p, boxes); after != before {
			t.Errorf("%s moves with the same answer: %s, before %s", m.screen, after, before)
		}
	}
}

// goes goes to an address within the page, and waits for nothing.
func goes(target string) string {
	return fmt.Sprintf(`(() => { history.pushState(null, "", %s); dispatchEvent(new PopStateEvent("popstate")); return true })()`, quote(target))
}

// An answer that comes late does not replace that of a newer question.
func TestLateAnswers(t *testing.T) {
	f, g := newFixture(t).newGate(t)
	p := f.openHurried(t, "/ui/nowhere")
	for _, m := range mainPanels(t, f) {
		if strings.HasPrefix(m.screen, "schemas") || strings.HasPrefix(m.screen, "sessions/") || m.polled || m.path == "/v1/applications" || m.path == "/v1/policy" || m.path == "/v1/changes" {
			continue // these ask one question
		}
		p.visit("/ui/nowhere")
		g.hold(m.path)
		evaluate[bool](p, goes("/ui/"+m.screen+"from=2020-01-01&to=2020-01-02&tz=UTC"))
		p.await(`document.querySelector("#main .skeleton:not(.invisible)")`)
		g.mutex.Lock()
		held := g.opens
		g.opens = nil // newer ones pass
		g.mutex.Unlock()
		evaluate[bool](p, goes("/ui/"+m.screen+pinned))
		p.await(isFilled)
		p.awaitAnswers()
		want := evaluate[string](p, shownNew)
		close(held)
		p.awaitAnswers()
		if got := evaluate[string](p, shownNew); got != want {
			t.Errorf("%s shows %s after the late answer, before %s", m.screen, got, want)
		}
	}
}

// shownNew is what the panels show.
const shownNew = `[...document.querySelectorAll("#main .panel")].map((e) => e.innerText.replace(/[^\t\n]* ago|just now/g, "")).join("|")`

// Typed text stays when an answer comes that was awaited while it was typed.
func TestTypingWhileAnswersAreAwaited(t *testing.T) {
	f, g := newOperatorFixture(t).newGate(t)
	p := f.open(t, "/ui/replays/new?from=7d&to=now&tz=UTC")
	p.awaitText(".panel-note .total", "40")
	g.hold("/v1/types")
	p.click(`button[aria-label="Refresh"]`)
	p.run(chromedp.SendKeys("input[name=category]", "tra"))
	p.await(`document.querySelector("#main .panel-wait")`)
	g.pass()
	p.awaitAnswers()
	p.press("vel\t")
	p.await(`new URLSearchParams(location.search).get("category") === "travel"`)

	p = f.open(t, bookingScreen)
	p.retype(bothTotals)
	g.hold("/v1/replays")
	p.clickText(".dry-run-panel button", "Run")
	p.retype(numbers)
	g.pass()
	p.awaitText(".dry-run-panel .notice-line", "has changed since")
	p.awaitText(".samples .badge.bad", "would be rejected")
	if typed := p.typed(); typed != numbers {
		t.Errorf("the draft is %s", typed)
	}
}

// A call that fails is shown with its code, a sentence and itself as a command; it is asked
// again by itself where that may help, and by a button.
func TestFailedAnswers(t *testing.T) {
	f, g := newFixture(t).newGate(t)
	p := f.openHurried(t, "/ui/nowhere")
	for _, part := range []string{"status of 500", "status of 502", "ERR_EMPTY_RESPONSE", "ERR_CONTENT_LENGTH_MISMATCH"} {
		p.expect(part)
	}
	cut := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}
	faults := []struct {
		code, sentence string
		answer         http.HandlerFunc
	}{
		{"internal", "the store <b>answers</b> nothing", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"type": "about:blank", "status": 500, "code": "internal", "detail": "the store <b>answers</b> nothing"}`)
		}},
		{"http_502", "The server answers 502.", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, `<html><body><h1>502 Bad Gateway</h1></body></html>`)
		}},
		{"connection_lost", "cannot be reached", cut("")},
		{"connection_lost", "ended before it was complete", cut("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"events\": [")},
	}
	for _, m := range mainPanels(t, f) {
		for _, fault := range faults {
			p.visit("/ui/nowhere")
			g.fail(m.path, fault.answer)
			evaluate[bool](p, goes("/ui/"+m.screen+pinned))
			p.awaitText("#main .failure code", fault.code)
			p.awaitText("#main .failure", fault.sentence)
			evaluate[bool](p, `(() => { window.copied = ""; return true })()`)
			p.clickText("#main .failure button", "Copy as curl")
			p.await(`/^curl .*\/v1\//.test(window.copied)`)
			if fault.code == "internal" && !m.polled {
				p.awaitText("#main .failure button", "Try again")
				g.pass()
				p.clickText("#main .failure button", "Try again")
			}
			g.pass() // the others are asked again by themselves
			p.await(isFilled)
		}
	}
}

// The live stream goes on after a failure: by itself, or by a button.
func TestLiveFails(t *testing.T) {
	f, g := newFixture(t).newGate(t)
	p := f.openHurried(t, "/ui/nowhere")
	p.expect("status of 50")
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable} {
		p.visit("/ui/nowhere")
		g.fail("/v1/live", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		evaluate[bool](p, goes("/ui/live?"+pinned))
		p.awaitText("[role=status]", "the connection was lost")
		g.pass()
		if status == http.StatusInternalServerError {
			p.clickText("#main .failure button", "Try again")
		}
		p.awaitText("[role=status]", "listening")
	}
}
