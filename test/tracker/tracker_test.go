package tracker

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/clients"
)

// tests are by the names of their sites.
var tests = map[string]func(*site){
	"views": testViews, "clicks": testClicks, "forms": testForms, "shadowed": testShadowed, "calls": testCalls, "early": testEarly, "twice": testTwice, "prerender": testPrerender, "shownagain": testShownAgain, "optout": testOptOut,
	"privacy": testPrivacy, "tunnel": testTunnel, "restored": testRestored, "sessions": testSessions, "offline": testOffline, "closed": testClosed, "beacon": testBeacon, "tabs": testTabs,
	"overloaded": testFault(clients.Overloaded), "limited": testFault(clients.RateLimited), "unauthorized": testFault(clients.WrongKey),
	"lost": testFault(clients.LoseAnswers), "cut": testFault(clients.CutAnswers), "refused": testRefused,
	"nostorage": testNoStorage, "cleared": testCleared, "csp": testPolicy, "clock": testClock, "burst": testBurst, "bytes": testBytes, "bounded": testBounded, "module": testModule, "debug": testDebug, "mistakes": testMistakes,
}

func TestScript(t *testing.T) {
	names := make([]string, 0, len(tests))
	for name := range tests {
		names = append(names, name)
	}
	f := newFixture(t, names)
	t.Run("sites", func(t *testing.T) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(f.newSite(t, name))
			})
		}
	})
}

// wantEvents waits until these events are stored, in their order, and nothing else. HOST
// stands for the host of the site, BASE for its address.
func (s *site) wantEvents(want ...string) {
	s.t.Helper()
	expand := strings.NewReplacer("HOST", strings.TrimPrefix(s.base, "http://"), "BASE", s.base)
	for i, r := range s.waitStored(len(want)) {
		if got := fmt.Sprintf("%s / %s %s", r.Category, r.Name, r.Data); got != expand.Replace(want[i]) {
			s.t.Errorf("event %d:\n got %s\nwant %s", i, got, expand.Replace(want[i]))
		}
	}
}

func testViews(s *site) {
	p := s.open("/first?q=secret#anchor")
	p.do(`history.pushState({}, "", "/second?page=2"); history.replaceState({}, "", "/second?page=3"); location.hash = "part"`)
	p.do(`history.pushState({}, "", "/second#/route?x=1")`)
	p.do(`history.go(-2)`)
	s.waitStored(4)
	p.leaveFor("/last")
	s.wantEvents(
		`page interaction / pageview {"host":"HOST","path":"/first"}`,
		`page interaction / pageview {"host":"HOST","path":"/second","referrer":"BASE/first"}`,
		`page interaction / pageview {"host":"HOST","path":"/second#/route","referrer":"BASE/second"}`,
		`page interaction / pageview {"host":"HOST","path":"/second","referrer":"BASE/second#/route"}`,
		`page interaction / pageview {"host":"HOST","path":"/last","referrer":"BASE/second"}`,
	)
}

func (p tab) click(selector string) {
	p.t.Helper()
	run(p, chromedp.Click(chromedp.CSS(selector)))
}

func testClicks(s *site) {
	p := s.open("/")
	for _, id := range []string{"#inner", "#typed", "#in", "#out", "#file"} {
		p.click(id)
	}
	s.wantEvents(
		`page interaction / pageview {"host":"HOST","path":"/"}`,
		`page interaction / cta click {"host":"HOST","path":"/","element":"chat bubble","price_list":"7"}`,
		`test / step {"host":"HOST","path":"/","value_of":"x"}`,
		`page interaction / outbound link {"host":"HOST","path":"/","url":"http://elsewhere.localhost:1/there"}`,
		`page interaction / download {"host":"HOST","path":"/","url":"BASE/price%20list.pdf"}`,
	)
}

func testForms(s *site) {
	p := s.open("/")
	p.click("#send")
	s.wantEvents(
		`page interaction / pageview {"host":"HOST","path":"/"}`,
		`form interaction / submit {"host":"HOST","path":"/","name":"signup","form":{"email":null,"plan":"pro","secret":null,"news":"weekly","size":"m"}}`,
	)
}

// Fields of a form hide its members of the same name, in clicks on and in the form, too.
func testShadowed(s *site) {
	p := s.open("/")
	names := []string{"elements", "action", "id", "name", "getAttribute", "matches", "attributes", "submit", "closest", "nodeType", "dataset", "constructor", "toString"}
	p.do(`for (const name of %s) {
		form.append(Object.assign(document.createElement("input"), {name, value: "v", type: "hidden"}))
	}
	send.outerHTML = "<p id=text data-eye-element=help>help</p><p id=plain>text</p>" + send.outerHTML
	Element.prototype.setAttribute.call(form, "data-eye-element", "signup")`, "['"+strings.Join(names, "', '")+"']")
	p.click("#text")
	p.click("#plain")
	p.do("HTMLFormElement.prototype.requestSubmit.call(form)")
	hidden := ""
	for _, name := range names {
		hidden += fmt.Sprintf(",%q:null", name)
	}
	s.wantEvents(
		`page interaction / pageview {"host":"HOST","path":"/"}`,
		`page interaction / cta click {"host":"HOST","path":"/","element":"help"}`,
		`page interaction / cta click {"host":"HOST","path":"/","element":"signup"}`,
		`form interaction / submit {"host":"HOST","path":"/","name":"signup","form":{"email":null,"plan":"pro","secret":null,"news":"weekly","size":"m"`+hidden+`}}`,
	)
	if text := p.console(); text != "" {
		s.t.Errorf("the console says %q", text)
	}
}

func testCalls(s *site) {
	p := s.open("/")
	p.do(`eye.set({plan: "pro", n: 1}); eye.track("test", "step"); eye.set({n: 2}); eye.track("test", "step", {plan: "free"})`)
	s.wantEvents(
		`page interaction / pageview {"host":"HOST","path":"/"}`,
		`test / step {"plan":"pro","n":1}`,
		`test / step {"plan":"free","n":2}`,
	)
}

// Calls that come before the script has loaded are made before its first page view: members
// that one sets are in it.
func testEarly(s *site) {
	s.head = `<script>window.eye = window.eye || []; eye.push(["set", {a: 1}]); eye.push(["track", "test", "step", {n: 0}])</script>`
	s.open("/")
	s.wantEvents(
		`test / step {"a":1,"n":0}`,
		`page interaction / pageview {"a":1,"host":"HOST","path":"/"}`,
	)
}

// A page that has the script twice sends everything once.
func testTwice(s *site) {
	s.head += fmt.Sprintf(`<script defer src="%s/tracker.js?again" data-url="%s" data-key="%s"></script>`, s.f.eye, s.gateURL, keyOf(s.name))
	p := s.open("/")
	p.do(`history.pushState({}, "", "/second")`)
	p.step(0, 1)
	s.wantSteps(1, 2)
}

// A page that the browser renders ahead sends nothing until it is seen, and then all.
func testPrerender(s *site) {
	s.head += `<script>Object.defineProperty(document, "prerendering", {value: true, configurable: true})</script>`
	p := s.open("/ahead")
	p.step(0, 1)
	p.do(`if (Object.keys(localStorage).length) throw Error("something is kept")`)
	p.do(`delete document.prerendering; document.dispatchEvent(new Event("prerenderingchange"))`)
	s.wantSteps(1, 1)
}

// A page that comes back from the browser's cache is another view, one that is shown is not.
func testShownAgain(s *site) {
	p := s.open("/")
	s.waitStored(1)
	p.do(`dispatchEvent(new PageTransitionEvent("pageshow", {persisted: false}))`)
	p.do(`dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`)
	p.step(0, 1)
	s.wantSteps(1, 2)
}

func testOptOut(s *site) {
	p := s.open("/")
	s.waitStored(1)
	s.gate.Set(clients.Overloaded)
	p.step(90, 95)
	p.waitFor("failures > 0")
	p.do("eye.optOut(); eye.track('test', 'step', {n: 95})")
	s.gate.Set(clients.Pass)
	p.navigate("/later") // no view
	p.step(96, 97)
	p.do("eye.optOut(false)")
	p.step(0, 1)
	s.wantSteps(1, 1)
}

func testPrivacy(s *site) {
	for _, signal := range []string{"globalPrivacyControl: {value: true}", `doNotTrack: {value: "1"}`} {
		s.head = "<script>Object.defineProperties(navigator, {" + signal + "})</script>"
		p := s.open("/private")
		p.step(90, 92)
		p.click("#cta")
		p.do(`if (localStorage.length) throw Error("something is kept")`)
		p.close()
	}
	s.attributes = "data-privacy=ignore"
	s.open("/").step(0, 1)
	s.wantSteps(1, 1)
}

func testSessions(s *site) {
	first := s.open("/")
	first.step(0, 1)
	s.open("/other").step(1, 2)
	s.wantSteps(2, 2)
	sessions := map[string]bool{}
	for _, r := range s.waitStored(4) {
		sessions[r.SessionID] = true
	}
	if len(sessions) != 1 {
		s.t.Errorf("two tabs have the sessions %v", sessions)
	}
	// The last event of the session was half an hour ago, or its first a day.
	for n, ages := range []string{"18e5, 18e5", "864e5, 0"} {
		first.do("const [start, last] = [%s]; localStorage['eye:session'] = '%s,' + (Date.now() - start) + ',' + (Date.now() - last)", ages, "e2085be5-9137-4e4e-80b5-f1ffddc25423")
		first.step(2+n, 3+n)
	}
	for _, r := range s.waitStored(6) {
		sessions[r.SessionID] = true
	}
	if len(sessions) != 3 || sessions["e2085be5-9137-4e4e-80b5-f1ffddc25423"] {
		s.t.Errorf("after two ends there are the sessions %v", sessions)
	}
}

func testOffline(s *site) {
	p := s.open("/")
	s.waitStored(1)
	p.setOffline(true)
	p.step(0, 150)
	p.waitFor("!navigator.onLine && failures > 0")
	p.step(150, 200)
	p.setOffline(false)
	s.wantSteps(200, 1)
}

// emulateNetwork is a command of the browser.
var emulateNetwork = cdp.Command[networkConditions, cdp.Empty]{Method: "Network.emulateNetworkConditions"}

type networkConditions struct {
	Offline            bool `json:"offline"`
	Latency            int  `json:"latency"`
	DownloadThroughput int  `json:"downloadThroughput"`
	UploadThroughput   int  `json:"uploadThroughput"`
}

func (p tab) setOffline(offline bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, emulateNetwork, networkConditions{offline, 0, -1, -1}); err != nil {
		p.t.Fatal(err)
	}
}

// A page is closed while nothing is taken; the next page of the site sends its events.
func testClosed(s *site) {
	p := s.open("/")
	s.waitStored(1)
	s.gate.Set(clients.Overloaded)
	p.step(0, 120)
	p.waitFor("failures > 0")
	p.step(120, 150)
	p.close()
	s.gate.Set(clients.Pass)
	s.open("/next")
	s.wantSteps(150, 2)
}

// A page without storage ends while it waits after a failure.
func testBeacon(s *site) {
	s.headers["Content-Security-Policy"] = "sandbox allow-scripts"
	p := s.open("/")
	s.waitStored(1)
	s.gate.Set(clients.Overloaded)
	p.step(0, 20)
	p.waitFor("failures > 0")
	s.gate.Set(clients.Pass)
	p.leaveFor("about:blank")
	s.wantSteps(20, 1)
}

func testTabs(s *site) {
	first, second := s.open("/"), s.open("/")
	s.waitStored(2)
	s.gate.Set(clients.Overloaded)
	first.step(0, 60)
	second.step(60, 120)
	first.waitFor("failures > 0")
	second.waitFor("failures > 0")
	first.close()
	third := s.open("/")
	third.step(120, 130)
	s.gate.Set(clients.Pass)
	s.wantSteps(130, 3)
	third.waitFor("!Object.keys(localStorage).some((key) => key.includes('the-key'))")
}

// testFault returns a test of a page whose requests fail, each in this way.
func testFault(mode clients.Mode) func(*site) {
	return func(s *site) {
		s.gate.Set(mode)
		p := s.open("/")
		p.step(0, 20)
		p.waitFor("failures > 0")
		p.step(20, 120)
		s.gate.Set(clients.Pass)
		s.wantSteps(120, 1)
		p.waitFor("!Object.keys(localStorage).some((key) => key.includes('the-key'))")
	}
}

// A refused event is reported once, and not sent again; its neighbours are stored.
func testRefused(s *site) {
	p := s.open("/")
	p.do("localStorage['eye:%[1]s:1'] = JSON.stringify({event_id: 'x'.repeat(201)}); localStorage['eye:%[1]s:2'] = '{'", keyOf(s.name))
	p.do("document.dispatchEvent(new Event('visibilitychange'))")
	p.step(0, 30)
	p.waitFor("eye.dropped >= 1")
	s.wantSteps(30, 1)
	p.waitFor("!Object.keys(localStorage).some((key) => key.includes('the-key'))")
	if text := p.console(); strings.Count(text, "eye: refused") != 1 {
		s.t.Errorf("the console says %q", text)
	}
}

func testNoStorage(s *site) {
	s.headers["Content-Security-Policy"] = "sandbox allow-scripts"
	p := s.open("/")
	p.do("try { localStorage; throw 0 } catch (e) { if (!e) throw Error('there is storage') }")
	s.gate.Set(clients.Overloaded)
	p.step(0, 30)
	p.waitFor("failures > 0")
	s.gate.Set(clients.Pass)
	s.wantSteps(30, 1)
	sessions := map[string]bool{}
	for _, r := range s.waitStored(31) {
		sessions[r.SessionID] = true
	}
	if len(sessions) != 1 {
		s.t.Errorf("a page has the sessions %v", sessions)
	}
}

// A site clears its storage, as many do when a visitor logs out.
func testCleared(s *site) {
	p := s.open("/")
	p.do("for (let n = 0; n < 20; n++) eye.track('test', 'step', {n}); localStorage.clear()")
	s.wantSteps(20, 1)
}

func testPolicy(s *site) {
	s.head = ""
	s.headers["Content-Security-Policy"] = fmt.Sprintf("default-src 'none'; script-src %s; connect-src %s; require-trusted-types-for 'script'; trusted-types 'none'", s.f.eye, s.gateURL)
	s.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
	p := s.open("/")
	p.step(0, 1)
	s.wantSteps(1, 1)
	if text := p.console(); text != "" {
		s.t.Errorf("the console says %q", text)
	}
}

// The clock of the page is ten minutes ahead. The margin is that of a slow machine.
func testClock(s *site) {
	s.head = `<script>const right = Date; Date = class extends right {
		constructor(...args) { args.length ? super(...args) : super(Date.now()) }
		static now() { return right.now() + 6e5 }
	}</script>`
	s.open("/").step(0, 3)
	for _, r := range s.waitStored(4) {
		if ahead := r.Timestamp.Sub(r.ReceivedAt); ahead > time.Minute {
			s.t.Errorf("an event happened %v after it was received", ahead)
		}
	}
}

func testBurst(s *site) {
	s.open("/").step(0, 10000)
	s.wantSteps(10000, 1)
}

// A body of more than 64 KiB does not outlive its page, and is sent all the same.
func testBytes(s *site) {
	p := s.open("/")
	p.do("eye.track('test', 'step', {n: 0, text: 'é'.repeat(45000)})")
	p.step(1, 2)
	s.wantSteps(2, 1)
}

// A visitor opts out and in again while a request is under way, and then the queue is full.
func testBounded(s *site) {
	s.head += `<script>
	const passing = fetch, held = []
	fetch = (...args) => window.isHeld ? new Promise((r) => held.push(() => r(passing(...args)))) : passing(...args)
	</script>`
	p := s.open("/")
	s.waitStored(1)
	p.do("isHeld = true")
	p.step(0, 10)
	p.waitFor("held.length")
	p.do("eye.optOut(); eye.optOut(false)")
	p.do("for (let n = 10; n < 21; n++) eye.track('test', 'step', {n, text: 'x'.repeat(1e6)})")
	p.do("if (eye.dropped != 4) throw Error(eye.dropped + ' are dropped')")
	p.do("isHeld = false; held[0]()")
	s.waitStored(18)
}

// The JavaScript client in a page sends while the page stays, and a last time when it goes.
func testModule(s *site) {
	s.withoutScript = true
	p := s.open("/")
	p.do(`import("/client/index.js").then(({Client}) => {
		window.client = new Client({url: %q, writeKey: %q, maxWait: 5})
		for (let n = 0; n < 700; n++) client.track("test", "step", {n})
	})`, s.gateURL, keyOf(s.name))
	p.waitFor("window.client && client.stats().accepted == 700")
	p.do(`const slow = new (client.constructor)({url: %q, writeKey: %q, maxWait: 36e5})
		for (let n = 700; n < 720; n++) slow.track("test", "step", {n})`, s.gateURL, keyOf(s.name))
	p.leaveFor("about:blank")
	s.wantSteps(720, 0)
}

func testDebug(s *site) {
	s.attributes = "data-debug"
	p := s.open("/")
	p.do("eye.track('page interaction', 'cta click', {host: 'a', path: '/'}); eye.track('test', 'step', {n: 'one'})")
	p.step(0, 1)
	s.wantSteps(1, 1) // the others are rejected
	p.waitConsole(`"eye: schema_violation" "/data/element"`, `"eye: schema_violation" "/data/n"`, `"eye:" "stored"`, `"eye:" "rejected"`)
}

// waitConsole waits until the page has printed lines with these beginnings.
func (p tab) waitConsole(beginnings ...string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for _, want := range beginnings {
		for !strings.Contains("\n"+p.console(), "\n"+want) {
			if time.Now().After(deadline) {
				p.t.Fatalf("no line begins with %s:\n%s", want, p.console())
			}
			p.do("0") // the lines of a page arrive before the answer to a later call
		}
	}
}

func testMistakes(s *site) {
	p := s.open("/")
	p.do(`const cycle = {}; cycle.self = cycle
		for (const data of [cycle, {n: NaN}, {f() {}}, {n: 1n}, {get n() { throw Error("mine") }}, {text: "x".repeat(10 << 20)}]) eye.track("test", "step", data)
		eye.push(["fly"]); eye.push(); eye.set(cycle)
		eye.set({self: 0})`)
	p.step(0, 1)
	p.do(`if (eye.dropped != 6) throw Error(eye.dropped + " are dropped")`)
	s.wantSteps(1, 1)
	text := p.console()
	for _, code := range []string{"unserialisable", "too_large", "failed"} {
		if strings.Count(text, "eye: "+code) != 1 {
			s.t.Errorf("the console says %q", text)
		}
	}
}
