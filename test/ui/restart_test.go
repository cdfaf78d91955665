package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/harness"
)

// expectAway expects the errors of the console without a server.
func (p *page) expectAway() {
	p.expect("ERR_CONNECTION_REFUSED")
	p.expect("ERR_CONNECTION_RESET")
	p.expect("ERR_EMPTY_RESPONSE")
	p.expect("status of 503")
}

// Screens say that a server has stopped, until it starts again; typed text stays, and the
// screens go on by themselves.
func TestServerRestarts(t *testing.T) {
	f := newOperatorFixture(t)
	editor := f.open(t, bookingScreen)
	editor.retype(bothTotals)
	editor.await(`document.querySelectorAll(".samples .badge.good").length === 10`)
	form := f.open(t, "/ui/replays/new?from=7d&to=now&tz=UTC&times=all&only=rejected")
	form.awaitText(".panel-note .total", "11")
	form.run(chromedp.SendKeys("input[name=rate]", "1"), chromedp.SendKeys("input[name=note]", "after the restart"))
	policy := f.open(t, "/ui/policy?from=7d&to=now&tz=UTC")
	policy.fill(".policy-text", `{"future_skew": "10m", "unknown_types": "reject"}`)
	policy.awaitText(".diff", `"10m"`)
	f.sendMany(t) // so that the replay lasts
	id := f.startReplay(t)
	job := f.open(t, "/ui/replays/"+id+"?from=7d&to=now&tz=UTC")
	job.awaitText(".job .badge", "Running")

	pages := []*page{editor, form, policy, job}
	for _, p := range pages {
		p.expectAway()
		p.awaitAnswers()
	}
	f.up.Stop()
	for _, p := range pages {
		p.click(`button[aria-label="Refresh"]`)
		p.awaitText("#main .failure", "cannot be reached")
		p.awaitText("#main .failure", "asked again by itself")
	}
	if err := f.up.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		p.await(`!document.querySelector("#main .failure")`)
	}
	// The draft is there, is judged again, and can be saved.
	editor.await(`document.querySelectorAll(".samples .badge.good").length === 10`)
	if draft := editor.typed(); draft != bothTotals {
		t.Errorf("the draft is %s", draft)
	}
	editor.clickText(".crumbs button", "Save")
	editor.submit("dialog button[type=submit]")
	editor.awaitText(".saved", "Saved as revision")
	if kept := evaluate[string](form, `document.querySelector("input[name=rate]").value + document.querySelector("input[name=note]").value`); kept != "1after the restart" {
		t.Errorf("the form has %s", kept)
	}
	form.awaitText(".panel-note .total", "11")
	if kept := evaluate[string](policy, `document.querySelector(".policy-text").value`); !strings.Contains(kept, "10m") {
		t.Errorf("the policy is %s", kept)
	}
	policy.submit("form button[type=submit]")
	policy.awaitText(".versions", "Revision")
	job.clickText(".job button", "Cancel")
	job.awaitText(".job .badge", "Cancelled")
}

// sendMany sends more events than a replay at one a second gets through during a test.
func (f *fixture) sendMany(t *testing.T) {
	t.Helper()
	const many = 2000
	lines := make([]string, many)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"session_id": "0193b5c2-7c1a-7000-8000-000000000000", "category": "page interaction", "name": "pageview", "data": {"host": "a", "path": "/%d"}, "timestamp": %q}`,
			i, time.Now().UTC().Format(time.RFC3339))
	}
	for part := range slices.Chunk(lines, many/4) {
		f.sendEvents(t, strings.Join(part, "\n"))
	}
}

// startReplay starts a replay of one event a second.
func (f *fixture) startReplay(t *testing.T) string {
	t.Helper()
	var job struct{ ID string }
	if err := json.Unmarshal([]byte(f.post(t, "/v1/replays", operatorToken, `{"rate": 1}`, http.StatusAccepted)), &job); err != nil || job.ID == "" {
		t.Fatal(err)
	}
	return job.ID
}

// newToken makes a token and returns its secret.
func (f *fixture) newToken(t *testing.T, id, rights string) string {
	t.Helper()
	var made struct{ Secret string }
	if err := json.Unmarshal([]byte(f.post(t, "/v1/tokens", operatorToken, fmt.Sprintf(`{"id": %q, %s}`, id, rights), http.StatusCreated)), &made); err != nil {
		t.Fatal(err)
	}
	return made.Secret
}

// awaitRefused waits until the server knows that a token is revoked.
func (f *fixture) awaitRefused(t *testing.T, secret string) {
	t.Helper()
	err := harness.Poll(t.Context(), func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.base+"/v1/token", http.NoBody)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			return fmt.Errorf("the token is answered %d", resp.StatusCode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A token that is revoked while a screen shows leads back to the sign-in, and signing in
// leads to the same screen in the same state.
func TestTokenIsRevokedOnScreens(t *testing.T) {
	f := newOperatorFixture(t)
	analyst, operator := `"role": "analyst"`, `"role": "operator"`
	for i, c := range []struct {
		rights, target, shown string
		prepare               func(p *page)
	}{
		{analyst, "overview?field=data.total&filter=" + url.QueryEscape(`data.total="12.50"`) + "&", shownPanels, nil},
		{analyst, "explorer?column=event_id&column=data.total&order=asc&", shownRows, func(p *page) { p.awaitText(".windowed", "booking-4") }},
		{analyst, "funnel?step=" + typeFilter("travel / booking") + "&step=" + typeFilter("travel / booking") + "&window=1h&", shownAnswer, nil},
		{analyst, "live?outcome=rejected&", `document.querySelector(".segments [aria-pressed=true]")?.innerText ?? ""`, func(p *page) { p.awaitText("[role=status]", "listening") }},
		{operator, "schemas?category=travel&name=booking&", shownEditor, func(p *page) {
			p.retype(bothTotals)
			p.await(`document.querySelectorAll(".samples .badge.good").length === 10`)
		}},
	} {
		id := fmt.Sprintf("leaver-%d", i)
		secret := f.newToken(t, id, c.rights)
		p := f.openAs(t, secret, "/ui/"+c.target+"from=30d&to=2040-01-01&tz=UTC")
		p.expect("status of 401")
		p.await(`document.querySelector("#main > *")`)
		if c.prepare != nil {
			c.prepare(p)
		}
		p.awaitAnswers()
		want, address := evaluate[string](p, c.shown), evaluate[string](p, `location.href`)
		f.change(t, http.MethodDelete, "/v1/tokens/"+id+"?last_operator=true", "", 0)
		f.awaitRefused(t, secret)
		if !strings.HasPrefix(c.target, "live") { // its stream ends by itself
			p.click(`button[aria-label="Refresh"]`)
		}
		p.awaitText(".notice-line", "not valid any more")
		p.run(chromedp.SendKeys("input[name=token]", f.newToken(t, id+"-again", c.rights)+"\r"))
		p.await(fmt.Sprintf(`(%s) === %s`, c.shown, quote(want)))
		if got := evaluate[string](p, `location.href`); got != address {
			t.Errorf("signing in leads to %s, not %s", got, address)
		}
	}
}

// A token that reads another application than the address names gets a message about it.
func TestTokenIsNarrowed(t *testing.T) {
	f := newEmptyFixture(t)
	f.post(t, "/v1/applications", operatorToken, `{"name": "shop", "kind": "server"}`, http.StatusCreated)
	p := f.openAs(t, f.newToken(t, "reader", `"role": "analyst"`), "/ui/trends?app=demo&from=7d&to=now&tz=UTC")
	for _, status := range []string{"401", "403", "404"} {
		p.expect("status of " + status)
	}
	p.awaitText(".panel-note .total", "0")
	f.change(t, http.MethodDelete, "/v1/tokens/reader", "", 0)
	secret := f.newToken(t, "reader", `"role": "analyst", "applications": ["shop"]`)
	p.click(`button[aria-label="Refresh"]`)
	p.awaitText(".notice-line", "not valid any more")
	p.run(chromedp.SendKeys("input[name=token]", secret+"\r"))
	p.awaitText("#main .failure", "demo")
	p.choose("Application", "shop")
	p.awaitText(".panel-note .total", "0")
	p.await(`!document.querySelector("#main .failure")`)
}
