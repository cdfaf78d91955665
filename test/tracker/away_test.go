package tracker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/clients"
	"github.com/theeye/theeye/test/harness"
)

// ownClock gives a page a clock and timers that move in pass alone, and counts the
// requests under way.
const ownClock = `<script>
var now = Date.now(), timers = new Map, calls = 0, underWay = 0
Date.now = () => now
setTimeout = (f, ms = 0) => (timers.set(++calls, {f, at: now + ms}), calls)
clearTimeout = (id) => timers.delete(id)
function pass(ms) {
	const end = now + ms
	for (;;) {
		const [id, timer] = [...timers].filter(([, t]) => t.at <= end).sort(([, a], [, b]) => a.at - b.at)[0] || []
		if (!id) break
		timers.delete(id)
		now = Math.max(now, timer.at)
		timer.f()
	}
	now = end
}
const counted = fetch
fetch = (...args) => (underWay++, counted(...args).finally(() => underWay--))
</script>`

// A visitor goes on for half a minute without a network, in a tunnel, by the clock of the
// page. The script tries again at growing distances, and everything is stored once.
func testTunnel(s *site) {
	s.head += ownClock
	p := s.open("/")
	s.waitStored(1)
	p.waitFor("!underWay")
	p.setOffline(true)
	const seconds, each = 30, 20
	for second := range seconds {
		p.step(second*each, (second+1)*each)
		if second%10 == 0 {
			p.click("#cta")
		}
		p.do("pass(1000)")
		p.waitFor("!underWay")
	}
	// The waits are 0.5 to 1 s, and then up to twice as long each time: attempts after 1 to 2, 2
	// to 4, 4 to 8, 8 to 16 s.
	p.do("if (failures < 5 || failures > 8) throw Error(failures + ' attempts failed')")
	p.setOffline(false)
	p.do("setInterval(pass, 10, 200)")
	s.wantSteps(seconds*each, 1+seconds/10)
	p.waitFor("!Object.keys(localStorage).some((key) => key.includes('the-key'))")
}

// A visitor goes back to the page before while events wait. A browser with a back/forward cache
// restores it as it was left, with its queue, another one loads it again: it is viewed once
// more, all goes on, and nothing counts twice. The script is no reason against a restoration.
func testRestored(s *site) {
	s.head += `<script>
	var isMarked = false, persisted
	addEventListener("pageshow", (event) => { persisted = event.persisted })
	</script>`
	p := s.open("/first")
	s.waitStored(1)
	reasons := &lines{}
	if err := chromedp.Listen(p.ctx, func(event any) {
		if e, ok := event.(*page.EventBackForwardCacheNotUsed); ok {
			for _, r := range e.NotRestoredExplanations {
				reasons.add(fmt.Sprintf("%s %s", r.Type, r.Reason))
			}
		}
	}); err != nil {
		s.t.Fatal(err)
	}
	s.gate.Set(clients.Overloaded)
	p.step(0, 20)
	p.waitFor("failures > 0")
	p.do("isMarked = true")
	p.navigate("/second")
	p.step(20, 30)
	p.goBack()
	p.step(30, 40)
	s.gate.Set(clients.Pass)
	s.wantSteps(40, 3)
	p.do(`if (isMarked != persisted) throw Error("a page that was restored has the value " + isMarked)`)
	p.waitAnyway("!Object.keys(localStorage).some((key) => key.includes('the-key'))")
	s.t.Logf("reasons against a restoration: %v", reasons.get())
	for _, reason := range reasons.get() {
		if !strings.HasPrefix(reason, "Circumstantial ") {
			s.t.Errorf("the page is not restored: %s", reason)
		}
	}
}

// goBack goes to the page before, as a visitor does. A page that is restored loads nothing
// that could be waited for.
func (p tab) goBack() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	history, err := chromedp.Call(ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	to := history.Entries[history.CurrentIndex-1]
	if _, err := chromedp.Call(ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: to.ID}); err != nil {
		p.t.Fatal(err)
	}
	p.waitAnyway("document.readyState == 'complete' && window.persisted != undefined && location.href == '" + to.URL + "'")
}

// waitAnyway does what waitFor does, also while pages change, when there may be none to ask, and
// in a page that was restored, which headless browsers do not draw.
func (p tab) waitAnyway(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		if err == nil && !holds {
			err = errors.New("it is not so yet")
		}
		return err
	}); err != nil {
		p.t.Fatalf("%s: wait for %s: %v", p.name, expression, err)
	}
}
