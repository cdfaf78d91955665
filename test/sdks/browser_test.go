package sdks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/theeye/theeye/test/harness"
)

var segmentBrowser = sdk{
	name: "segment analytics-next", translate: fromSegment, start: startBrowser,
	calls: []call{
		{"track", "bought", map[string]string{"anonymousId": "MARK", "properties.price": "19.5", "properties.sku": "Ä-1"}},
		{"track", "looked", map[string]string{"anonymousId": "MARK", "context.sessionId": "1669968929000"}},
		{"page", "page", map[string]string{"anonymousId": "MARK", "name": "pricing", "properties.plan": "pro", "properties.path": "/"}},
		{"screen", "screen", map[string]string{"anonymousId": "MARK", "name": "home"}},
		{"identify", "identify", map[string]string{"anonymousId": "MARK", "userId": "u", "traits.plan": "pro"}},
		{"group", "group", map[string]string{"anonymousId": "MARK", "groupId": "g", "traits.seats": "5"}},
		{"alias", "alias", map[string]string{"anonymousId": "MARK", "userId": "u", "previousId": "old"}},
	},
}

// startBrowser opens a page that has loaded analytics.js from another origin than that
// of the collector.
func startBrowser(t *testing.T, address string) site {
	t.Helper()
	chromium := os.Getenv("EYE_TEST_CHROMIUM")
	if chromium == "" {
		t.Fatal("set EYE_TEST_CHROMIUM to the output of deploy/test-chromium.sh, or run make sdks")
	}
	script := packageFile(t, "@segment/analytics-next/dist/umd/index.js")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.ServeFile(w, r, "node/page.html")
		case "/analytics.js":
			http.ServeFile(w, r, script)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(page.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox) //nolint:gocritic // a copy
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(closeAllocator)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	if _, err := chromedp.Run(tab, chromedp.Navigate(page.URL)); err != nil {
		t.Fatal(err)
	}
	if err := evaluate(tab, "load", address, harness.WriteKey); err != nil {
		t.Fatal(err)
	}
	return sendFunc(func(_ context.Context, mark string) error { return evaluate(tab, "send", mark) })
}

// evaluate calls a function of the page, and waits for its promise.
func evaluate(tab context.Context, function string, args ...string) error {
	list, err := json.Marshal(args)
	if err != nil {
		return err
	}
	_, err = chromedp.Run(tab, chromedp.Evaluate[bool](fmt.Sprintf("(async () => { await %s(...%s); return true })()", function, list), chromedp.EvalAwaitPromise))
	return err
}
