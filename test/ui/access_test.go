package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var back = chromedp.NavigateBack()

// fill replaces the text of a field, as typing does.
func (p *page) fill(selector, text string) {
	p.t.Helper()
	// A dialog takes the focus only once it is open.
	p.await(fmt.Sprintf(`(() => { const e = document.querySelector(%s); e?.focus(); return e && document.activeElement === e })()`, quote(selector)))
	evaluate[bool](p, fmt.Sprintf(`(() => { const e = document.querySelector(%s); e.select?.(); return document.execCommand("insertText", false, %s) })()`, quote(selector), quote(text)))
}

// change makes a change of the registry by the API, as another operator would.
func (f *fixture) change(t *testing.T, method, path, body string, match int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if match > 0 {
		req.Header.Set("If-Match", fmt.Sprintf(`"%d"`, match))
	}
	f.send(t, req, operatorToken, 0)
}

// An application is made with its key, which works and is shown once; keys are added,
// rotated, disabled and revoked, each after a question.
func TestApplicationsAndKeys(t *testing.T) {
	f := newEmptyFixture(t)
	p := f.open(t, "/ui/access?from=7d&to=now&tz=UTC")
	p.awaitText(".empty", "No application is registered")
	p.clickText("button", "New application")
	p.expect("422")
	p.fill("dialog input[name=application]", "Shop!")
	p.clickText("dialog button", "Create")
	p.await(`document.querySelector("dialog .failure")`)
	p.checkAccessibility()
	p.fill("dialog input[name=application]", "shop")
	p.clickText("dialog button", "Create")
	p.awaitText("dialog h2", "Write key of shop")
	p.checkScreen("access-secret")
	secret := p.text("dialog .secret")
	p.clickText("dialog button", "Copy")
	p.await(fmt.Sprintf(`window.copied === %s`, quote(secret)))
	p.press("\x1b") // a secret stays until it is said to be saved
	p.awaitText("dialog h2", "Write key of shop")
	p.clickText("dialog button", "I have saved it")
	p.await(`!document.querySelector("dialog") && document.querySelectorAll(".keys-list li code").length === 1`)
	if shown := evaluate[string](p, `document.documentElement.innerHTML`); strings.Contains(shown, secret) {
		t.Error("the secret is still in the page")
	}
	f.post(t, "/v1/validate", secret, `{}`, http.StatusOK)
	p.awaitText(".origins", "no use noted")
	f.restart(t) // a process that stops writes the last uses
	p.click(`button[aria-label="Refresh"]`)
	p.awaitText(".origins", "last used")

	p.clickText("button", "Add a key")
	p.click("dialog input[value=browser]")
	p.fill("dialog input[name=origins]", "https://www.example.com")
	p.clickText("dialog button", "Create")
	p.clickText("dialog button", "I have saved it")
	p.awaitText(".origins", "https://www.example.com")
	p.checkScreen("access")
	p.checkSame(`document.querySelector("#main").innerText`)
	var list struct {
		Applications []struct{ Keys []struct{ ID string } }
	}
	p.curl("Applications and write keys", &list)
	if len(list.Applications) != 1 || len(list.Applications[0].Keys) != 2 {
		t.Fatalf("the call returns %+v", list)
	}
	first := list.Applications[0].Keys[0].ID
	p.click(`button[aria-label="Rotate key ` + first + `"]`)
	p.clickText("dialog button[type=submit]", "Rotate")
	p.clickText("dialog button", "I have saved it")
	p.awaitText(".keys-list .badge", "ends in")
	p.click(`button[aria-label="Disable key ` + first + `"]`)
	p.clickText("dialog button", "Disable the key")
	p.awaitText(".keys-list .badge", "disabled")
	f.post(t, "/v1/validate", secret, `{}`, http.StatusForbidden)
	p.click(`button[aria-label="Enable key ` + first + `"]`)
	p.clickText("dialog button", "Enable the key")
	p.await(`![...document.querySelectorAll(".keys-list .badge")].some((b) => b.innerText === "disabled")`)
	p.click(`button[aria-label="Revoke key ` + first + `"]`)
	p.clickText("dialog button", "Keep it")
	p.await(`!document.querySelector("dialog")`)
	p.click(`button[aria-label="Revoke key ` + first + `"]`)
	p.checkAccessibility()
	p.clickText("dialog button", "Revoke the key")
	p.await(fmt.Sprintf(`![...document.querySelectorAll(".keys-list code")].some((c) => c.innerText === %s)`, quote(first)))
	f.post(t, "/v1/validate", secret, `{}`, http.StatusUnauthorized)
	p.click(`button[aria-label="Remove application shop"]`)
	p.clickText("dialog button", "Remove the application")
	p.awaitText(".empty", "No application is registered")
}

// restart stops the process and starts it again, with the same data.
func (f *fixture) restart(t *testing.T) {
	t.Helper()
	err := f.up.Signal(os.Interrupt)
	if err == nil {
		_, err = f.up.Wait(t.Context())
	}
	if err == nil {
		err = f.up.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A token is made with its applications and revoked after a question.
func TestTokens(t *testing.T) {
	f := newEmptyFixture(t)
	p := f.open(t, "/ui/access?from=7d&to=now&tz=UTC")
	p.clickText("button", "New token")
	p.fill("dialog input[name=token-id]", "alice")
	p.click("dialog input[name=every]")
	p.click("dialog input[name=of-demo]")
	p.checkAccessibility()
	p.clickText("dialog button", "Create")
	secret := p.text("dialog .secret")
	p.clickText("dialog button", "I have saved it")
	p.awaitText(".keys-list li", "alice")
	p.awaitText(".keys-list li", "demo")

	if rights := f.rightsOf(t, secret); !strings.Contains(rights, `"applications":["demo"]`) || !strings.Contains(rights, `"every_application":false`) {
		t.Errorf("the token may do %s", rights)
	}
	p.checkScreen("access-tokens")
	var list struct{ Tokens []struct{ ID string } }
	p.curl("Tokens", &list)
	if len(list.Tokens) != 1 || list.Tokens[0].ID != "alice" {
		t.Errorf("the call returns %+v", list)
	}
	p.click(`button[aria-label="Revoke token alice"]`)
	p.clickText("dialog button", "Revoke the token")
	p.await(`![...document.querySelectorAll(".keys-list li")].some((e) => e.innerText.includes("alice"))`)
}

// rightsOf returns the answer to a token about itself.
func (f *fixture) rightsOf(t *testing.T, secret string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.base+"/v1/token", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return f.send(t, req, secret, http.StatusOK)
}

// A token that loses its right while it is in use leads back to the sign-in.
func TestTokenIsRevokedInUse(t *testing.T) {
	f := newEmptyFixture(t)
	var made struct{ Secret string }
	if err := json.Unmarshal([]byte(f.post(t, "/v1/tokens", operatorToken, `{"id": "bob", "role": "operator"}`, http.StatusCreated)), &made); err != nil {
		t.Fatal(err)
	}
	p := f.openAs(t, made.Secret, "/ui/access?from=7d&to=now&tz=UTC")
	p.awaitText(".keys-list li", "yours")
	f.change(t, http.MethodDelete, "/v1/tokens/bob?last_operator=true", "", 0)
	p.expect("401")
	p.click(`button[aria-label="Refresh"]`)
	p.awaitText(".notice-line", "not valid any more")
}
