package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The pages of /docs show the OpenAPI document under a strict policy, load nothing
// from elsewhere, and send a request with the token that was entered.
func TestDocs(t *testing.T) {
	f := newFixture(t)
	p := f.open(t, "shop.localhost")
	var mutex sync.Mutex
	var faults []string
	err := chromedp.Listen(p.ctx, func(event any) {
		mutex.Lock()
		defer mutex.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Level == "error" {
				faults = append(faults, e.Entry.Text+" "+e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			faults = append(faults, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		for _, action := range actions {
			if _, err := chromedp.Run(p.ctx, action); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(chromedp.EmulateViewport(390, 900), chromedp.Navigate(f.eye+"/docs"), chromedp.WaitVisible("[id$=-listTypes]"))
	if n := evaluate[int](p, `document.querySelectorAll(".opblock").length`); n < 40 {
		t.Errorf("%d operations are shown", n)
	}
	loaded := evaluate[[]string](p, `performance.getEntriesByType("resource").map((r) => r.name)`)
	for _, address := range loaded {
		if !strings.HasPrefix(address, f.eye+"/") && !strings.HasPrefix(address, "data:") {
			t.Errorf("the page loads %s", address)
		}
	}
	if width := evaluate[int](p, `document.documentElement.scrollWidth`); width > 390 {
		t.Errorf("the page is %d pixels wide, of 390", width)
	}
	run(
		chromedp.Click("button.authorize"), chromedp.SendKeys("#auth-token-value, input[aria-label=auth-bearer-value]", operatorToken),
		chromedp.Click(".auth-btn-wrapper button[type=submit]"), chromedp.Click(".auth-btn-wrapper .btn-done"),
		chromedp.Click("[id$=-listTypes] .opblock-summary-control"),
		chromedp.Click("[id$=-listTypes] .try-out__btn"), chromedp.Click("[id$=-listTypes] .execute"),
		chromedp.WaitVisible("[id$=-listTypes] .live-responses-table .response-col_status"),
	)
	if got := evaluate[string](p, `document.querySelector("[id$=-listTypes] .live-responses-table .response .response-col_status").innerText`); !strings.HasPrefix(got, "200") {
		t.Errorf("the request from the page is answered %q", got)
	}
	if kept := evaluate[string](p, `JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie`); strings.Contains(kept, operatorToken) {
		t.Errorf("the page keeps the token: %s", kept)
	}
	if dir := os.Getenv("EYE_TEST_SCREENSHOTS"); dir != "" {
		shot, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "docs.png"), shot, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mutex.Lock()
	defer mutex.Unlock()
	if len(faults) > 0 {
		t.Error(fmt.Sprint("the console has ", faults))
	}
}
