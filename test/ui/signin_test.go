package ui

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The link that `theeye up --dev` prints signs in; the token is in the address no more,
// and kept for the tab alone.
func TestLinkSignsIn(t *testing.T) {
	p := newFixture(t).open(t, "/ui/")
	p.awaitText("h1", "Overview")
	if address := evaluate[string](p, `location.href`); strings.Contains(address, operatorToken) || strings.Contains(address, "#") {
		t.Errorf("the address is %s", address)
	}
	if kept := evaluate[string](p, `JSON.stringify(localStorage) + document.cookie`); strings.Contains(kept, operatorToken) {
		t.Errorf("the page keeps the token in %s", kept)
	}
	if kept := evaluate[string](p, `sessionStorage["eye.token"]`); kept != operatorToken {
		t.Errorf("the tab keeps %q", kept)
	}
}

// Signing in by hand, with the keyboard alone: a wrong token is refused with the
// server's sentence; a right one shows the screen of the address.
func TestSignIn(t *testing.T) {
	p := newFixture(t).openAs(t, "", "/ui/overview?from=30d&to=now&tz=Asia/Tokyo")
	p.expect("401")
	p.await(`document.activeElement.name === "token"`)
	p.press("\r")
	p.awaitText(".signin .fault", "Paste a token")
	p.press("wrong\r")
	p.awaitText(".signin .fault", "not valid here")
	p.checkAccessibility()
	p.checkNarrow()
	p.shoot("signin")
	evaluate[bool](p, `(() => { document.activeElement.select(); return document.activeElement.name === "token" })()`)
	p.press(analystToken + "\r")
	p.awaitText("h1", "Overview")
	if address := evaluate[string](p, `location.pathname + location.search`); address != "/ui/overview?from=30d&to=now&tz=Asia/Tokyo" {
		t.Errorf("after signing in the address is %s", address)
	}
	// What an analyst may not do is not offered, also by its address.
	if offered := p.text(".side"); !strings.Contains(offered, "Overview") || strings.Contains(offered, "Schemas") {
		t.Errorf("an analyst is offered %s", offered)
	}
	p.click(`button[aria-label="Sign out"]`)
	p.await(`document.querySelector(".signin") && !sessionStorage["eye.token"]`)
}

// A token that stops being valid leads back to the sign-in, and signing in returns to
// where the person was.
func TestInvalidTokenLeadsBack(t *testing.T) {
	p := newFixture(t).open(t, "/ui/overview?from=7d&to=now&tz=UTC&filter=type%3D%22page+interaction+/+pageview%22")
	p.expect("401")
	p.awaitText(".chip", "pageview")
	address := evaluate[string](p, `location.href`)
	evaluate[bool](p, `(() => { sessionStorage["eye.token"] = "gone"; return true })()`)
	p.run(chromedp.Reload())
	p.awaitText(".notice-line", "not valid any more")
	p.run(chromedp.SendKeys("input[name=token]", operatorToken+"\r"))
	p.awaitText(".chip", "pageview")
	if got := evaluate[string](p, `location.href`); got != address {
		t.Errorf("signing in returns to %s, not %s", got, address)
	}
}
