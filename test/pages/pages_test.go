package pages

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestPages(t *testing.T) {
	f := newFixture(t)
	t.Run("events are stored, however a page sends them", f.testSending)
	t.Run("failures can be read", f.testFailures)
	t.Run("origins", f.testOrigins)
	t.Run("the query API cannot be read", f.testQueries)
	t.Run("the programs of docs/sending.md work", f.testGuide)
}

func (f *fixture) testSending(t *testing.T) {
	p := f.open(t, "shop.localhost")
	key := `"X-Write-Key": ` + text(shopKey)
	for name, options := range map[string]string{
		"header":      `headers: {` + key + `}`,
		"JSON":        `headers: {` + key + `, "Content-Type": "application/json"}`,
		"credentials": `credentials: "include", headers: {` + key + `}`,
		"bearer":      `headers: {Authorization: "Bearer ` + shopKey + `"}`,
		"keepalive":   `keepalive: true, headers: {` + key + `, "Content-Type": "application/json"}`,
		"priority":    `priority: "low", cache: "no-store", referrerPolicy: "no-referrer", headers: {` + key + `}`,
		"tracing": `headers: {` + key + `, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", baggage: "a=1",
			"sentry-trace": "1-2", "X-Requested-With": "XMLHttpRequest", "x-datadog-origin": "rum", "X-B3-TraceId": "1", tracestate: "a=b"}`,
	} {
		id := "fetch-" + name
		if got := p.fetch("/v1/events", id, options).String(); got != "202" {
			t.Errorf("fetch with %s reads %s", name, got)
			continue
		}
		p.wantStored(id)
	}
	address := text(f.eye + "/v1/events?write_key=" + shopKey)
	for name, expression := range map[string]string{
		"beacon of JSON":        `navigator.sendBeacon(%s, new Blob([%s], {type: "application/json"}))`,
		"beacon of a string":    `navigator.sendBeacon(%s, %s)`,
		"beacon without a type": `navigator.sendBeacon(%s, new Blob([%s]))`,
		"no-cors":               `fetch(%s, {method: "POST", mode: "no-cors", body: %s}).then(() => true)`,
		"XMLHttpRequest": `new Promise((done) => {
			const r = new XMLHttpRequest()
			r.open("POST", %s)
			r.withCredentials = true
			r.setRequestHeader("X-Requested-With", "XMLHttpRequest")
			r.onloadend = () => done(r.status === 202)
			r.send(%s)
		})`,
		"worker": `new Promise((done) => {
			const w = new Worker(URL.createObjectURL(new Blob(["onmessage = async (m) => postMessage((await fetch(...m.data)).status)"])))
			w.onmessage = (m) => done(m.data === 202)
			w.postMessage([%s, {method: "POST", headers: {"Content-Type": "application/json"}, body: %s}])
		})`,
	} {
		id := strings.ReplaceAll(name, " ", "-")
		if !evaluate[bool](p, fmt.Sprintf(expression, address, text(event(id)))) {
			t.Errorf("%s is not sent", name)
			continue
		}
		p.wantStored(id)
	}
}

func (f *fixture) testFailures(t *testing.T) {
	p := f.open(t, "shop.localhost")
	withKey := func(secret string) string {
		return `headers: {"Content-Type": "application/json", "X-Write-Key": ` + text(secret) + `}`
	}
	for name, c := range map[string]struct{ path, options, want string }{
		"wrong key":         {"/v1/events", withKey("another-key"), "401 unauthorized"},
		"no key":            {"/v1/events", `headers: {"Content-Type": "application/json"}`, "401 unauthorized"},
		"no key, simple":    {"/v1/events", ``, "401 unauthorized"},
		"ended key":         {"/v1/events", withKey(endedKey), "403 key_expired"},
		"disabled key":      {"/v1/events", withKey(offKey), "403 key_disabled"},
		"server key":        {"/v1/events", withKey(serverKey), "403 server_key_in_page"},
		"token":             {"/v1/events", `headers: {Authorization: "Bearer ` + operatorToken + `"}`, "401 token_not_write_key"},
		"two keys":          {"/v1/events?write_key=" + offKey, withKey(shopKey), "400 several_keys"},
		"unknown path":      {"/v1/event", withKey(shopKey), "404 not_found"},
		"root":              {"/", ``, "405 method_not_allowed"},
		"PUT":               {"/v1/events", `...{method: "PUT"}, ` + withKey(shopKey), "405 method_not_allowed"},
		"PATCH of validate": {"/v1/validate", `...{method: "PATCH"}, ` + withKey(shopKey), "405 method_not_allowed"},
		"broken":            {"/v1/events", withKey(shopKey) + `, ...{body: "{"}`, "400 invalid_json"},
	} {
		if got := p.fetch(c.path, "failure", c.options).String(); got != c.want {
			t.Errorf("%s reads %s, want %s", name, got, c.want)
		}
	}
	// The second of two full requests in one second is over the limit.
	batch := "[" + strings.Repeat(event("limited")+",", 999) + event("limited") + "]"
	var r reading
	for range 2 {
		r = p.fetch("/v1/events", "", withKey(slowKey)+`, ...{body: `+text(batch)+`}`)
	}
	if seconds, err := strconv.Atoi(r.RetryAfter); r.String() != "429 rate_limited" || err != nil || seconds < 1 {
		t.Errorf("over the limit of the key a page reads %s, Retry-After %q", r, r.RetryAfter)
	}
}

func (f *fixture) testOrigins(t *testing.T) {
	for host, want := range map[string]string{
		"shop.localhost":                "202",
		"a.wide.localhost":              "202",
		"a.b.wide.localhost":            "202",
		"münchen.localhost":             "202",
		"wide.localhost":                "unreadable",
		"evil.localhost":                "unreadable",
		"notwide.localhost":             "unreadable",
		"shop.localhost.":               "unreadable",
		"a.shop.localhost":              "unreadable",
		"127.0.0.1":                     "unreadable",
		"wide.localhost.evil.localhost": "unreadable",
	} {
		p := f.open(t, host)
		id := "origin-" + host
		if host == "münchen.localhost" {
			id = "origin-idn"
		}
		got := p.fetch("/v1/events", id, `headers: {"X-Write-Key": `+text(shopKey)+`}`).String()
		if got != want {
			t.Errorf("a page of %s reads %s, want %s", host, got, want)
		}
		if want == "202" {
			p.wantStored(id)
		}
	}
	p := f.open(t, "evil.localhost") // whose sandboxed frame has the origin null
	r := evaluate[reading](p, fmt.Sprintf(`new Promise((done) => {
		onmessage = (m) => done(m.data)
		const frame = document.createElement("iframe")
		frame.sandbox = "allow-scripts"
		frame.srcdoc = "<script>(" + %s + ")(" + %s + ").then((r) => parent.postMessage(r, '*'))</script>"
		document.body.append(frame)
	})`, text(fetchFunction), text(text(f.eye+"/v1/events")+`, {method: "POST", headers: {"X-Write-Key": `+text(shopKey)+`}, body: `+text(event("origin-null"))+`}`)))
	if r.String() != "202" {
		t.Errorf("a sandboxed frame reads %s", r)
	}
	p.wantStored("origin-null")
}

// A page that may send events reads nothing of the query API with the rights of
// the person who looks at it.
func (f *fixture) testQueries(t *testing.T) {
	p := f.open(t, "shop.localhost")
	for _, path := range []string{"/v1/events", "/v1/types", "/v1/status", "/openapi.json"} {
		for _, headers := range []string{``, `headers: {Authorization: "Bearer ` + operatorToken + `"}`} {
			r := evaluate[reading](p, fmt.Sprintf(`(%s)(%s, {credentials: "include", %s})`, fetchFunction, text(f.eye+path), headers))
			// A preflight request for the path of both is granted; the answer
			// stays unreadable.
			if r.String() != "unreadable" {
				t.Errorf("a page reads %s of %s", r, path)
			}
		}
	}
}

// programs are those for pages in a document.
var programs = regexp.MustCompile("(?ms)^```js\n(.*?)^```")

// The guide sends a view of the page, and another one when the page is left.
func (f *fixture) testGuide(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "sending.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := programs.FindAllStringSubmatch(string(guide), -1)
	if len(blocks) != 2 {
		t.Fatalf("the guide has %d programs for pages", len(blocks))
	}
	program := strings.NewReplacer("http://127.0.0.1:8080", f.eye, "dev-write-key", shopKey).Replace(blocks[0][1] + blocks[1][1])
	p := f.open(t, "shop.localhost")
	if status := evaluate[int](p, "(async () => {"+program+"\nreturn answer.status})()"); status != http.StatusAccepted {
		t.Fatalf("the page reads %d", status)
	}
	session := evaluate[string](p, "sessionStorage.eye")
	for _, want := range []int{1, 2} {
		f.poll(t, func(ctx context.Context) error {
			var page struct{ Events []struct{ Name string } }
			if err := f.get(ctx, "/v1/events?session_id="+session, &page); err != nil {
				return err
			}
			if len(page.Events) != want {
				return fmt.Errorf("%d events of the session are stored, want %d", len(page.Events), want)
			}
			return nil
		})
		if want == 1 { // leave the page
			if _, err := chromedp.Run(p.ctx, chromedp.Navigate("http://evil.localhost:"+f.port+"/")); err != nil {
				t.Fatal(err)
			}
		}
	}
}
