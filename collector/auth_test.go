package collector

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/registry"
)

func basicAuth(user string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"))
}

func TestChecksKeys(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		query   string
		headers []string
		status  int
		code    string
	}{
		"X-Write-Key":              {"", []string{"X-Write-Key", serverKey}, 202, ""},
		"Bearer":                   {"", []string{"X-Write-Key", "-", "Authorization", "Bearer " + serverKey}, 202, ""},
		"bearer":                   {"", []string{"X-Write-Key", "-", "Authorization", "bearer  " + serverKey}, 202, ""},
		"Basic":                    {"", []string{"X-Write-Key", "-", "Authorization", basicAuth(serverKey)}, 202, ""},
		"query":                    {"?write_key=" + serverKey, []string{"X-Write-Key", "-"}, 202, ""},
		"the same twice":           {"?write_key=" + serverKey, []string{"Authorization", basicAuth(serverKey)}, 202, ""},
		"another scheme beside":    {"", []string{"Authorization", "Digest x"}, 202, ""},
		"an empty one beside":      {"?write_key=", []string{"Authorization", "Bearer "}, 202, ""},
		"none":                     {"", []string{"X-Write-Key", "-"}, 401, api.CodeUnauthorized},
		"empty":                    {"?write_key=", []string{"X-Write-Key", ""}, 401, api.CodeUnauthorized},
		"unknown":                  {"", []string{"X-Write-Key", "revoked-long-ago"}, 401, api.CodeUnauthorized},
		"query token":              {"", []string{"X-Write-Key", "-", "Authorization", "Bearer " + token}, 401, api.CodeTokenNotWriteKey},
		"token of elsewhere":       {"", []string{"X-Write-Key", registry.TokenPrefix + "x"}, 401, api.CodeTokenNotWriteKey},
		"broken Basic":             {"", []string{"X-Write-Key", "-", "Authorization", "Basic ???"}, 401, api.CodeUnauthorized},
		"password of Basic":        {"", []string{"X-Write-Key", "-", "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+serverKey))}, 401, api.CodeUnauthorized},
		"long":                     {"", []string{"X-Write-Key", strings.Repeat("k", 9000)}, 401, api.CodeUnauthorized},
		"two different":            {"?write_key=" + otherKey, nil, 400, api.CodeSeveralKeys},
		"two different in a query": {"?write_key=" + otherKey + "&write_key=" + serverKey, []string{"X-Write-Key", "-"}, 400, api.CodeSeveralKeys},
		"two unknown":              {"?write_key=a", []string{"X-Write-Key", "b"}, 400, api.CodeSeveralKeys},
		"key and token":            {"", []string{"Authorization", "Bearer " + token}, 202, ""},
		"Basic of the site beside": {"?write_key=" + serverKey, []string{"X-Write-Key", "-", "Authorization", "Basic c3RhZ2luZzpzZWNyZXQ="}, 202, ""},
		"a JWT beside":             {"?write_key=" + serverKey, []string{"X-Write-Key", "-", "Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."}, 202, ""},
		"an unknown key beside":    {"?write_key=revoked", []string{"Authorization", "Bearer other"}, 202, ""},
		"disabled beside a JWT":    {"", []string{"X-Write-Key", disabledKey, "Authorization", "Bearer x"}, 403, api.CodeKeyDisabled},
		"disabled beside a key":    {"?write_key=" + disabledKey, nil, 400, api.CodeSeveralKeys},
		"many secrets":             {"?" + strings.Repeat("write_key=x&write_key=y&write_key=z&", 200), nil, 202, ""},
		"too many secrets":         {"?" + manySecrets(9), nil, 400, api.CodeSeveralKeys},
		"disabled":                 {"", []string{"X-Write-Key", disabledKey}, 403, api.CodeKeyDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			before := f.messageCount()
			for _, path := range []string{api.PathEvents, api.PathValidate} {
				r := f.send(path+c.query, click("k"), c.headers...)
				if c.status == http.StatusAccepted {
					if r.status/100 != 2 {
						t.Errorf("%s answers %d %s", path, r.status, r.text)
					}
					continue
				}
				r.wantProblem(t, c.status, c.code)
				if (r.header.Get("WWW-Authenticate") != "") != (c.status == http.StatusUnauthorized) {
					t.Errorf("WWW-Authenticate %q", r.header.Get("WWW-Authenticate"))
				}
			}
			want := uint64(0)
			if c.status == http.StatusAccepted {
				want = 1
			}
			if got := f.messageCount() - before; got != want {
				t.Errorf("%d events are stored, want %d", got, want)
			}
		})
	}
}

// manySecrets returns a query with n different secrets.
func manySecrets(n int) string {
	var q []string
	for i := range n {
		q = append(q, fmt.Sprintf("write_key=%d", i))
	}
	return strings.Join(q, "&")
}

// A key in a second header line counts as well.
func TestRefusesTwoKeyHeaders(t *testing.T) {
	f := newFixture(t)
	req, err := http.NewRequest(http.MethodPost, f.base+api.PathEvents, strings.NewReader("{}"))
	f.noError(err)
	req.Header["X-Write-Key"] = []string{serverKey, otherKey}
	r, err := f.doRequest(req)
	f.noError(err)
	r.wantProblem(t, http.StatusBadRequest, api.CodeSeveralKeys)
}

func TestChecksOrigins(t *testing.T) {
	f := newFixture(t)
	const oldOrigin = "https://old.example.com"
	for name, c := range map[string]struct {
		key, origin string
		status      int
		code        string
		readable    bool // by the page
	}{
		"browser without an origin":         {shopKey, "-", 202, "", false},
		"browser from a listed one":         {shopKey, shopOrigin, 202, "", true},
		"browser from an app":               {wideKey, "capacitor://localhost", 202, "", true},
		"browser from a listed null":        {wideKey, "null", 202, "", true},
		"browser from a subdomain":          {wideKey, "https://a.b.wide.example.com", 202, "", true},
		"browser from the apex":             {wideKey, "https://wide.example.com", 403, api.CodeOriginNotAllowed, false},
		"browser from an unlisted one":      {shopKey, "https://evil.example.com", 403, api.CodeOriginNotAllowed, false},
		"browser from null":                 {shopKey, "null", 403, api.CodeOriginNotAllowed, true},
		"look-alike: suffix":                {shopKey, shopOrigin + ".evil.example", 403, api.CodeOriginNotAllowed, false},
		"look-alike: subdomain":             {shopKey, "https://a.shop.example.com", 403, api.CodeOriginNotAllowed, false},
		"look-alike: scheme":                {shopKey, "http://shop.example.com", 403, api.CodeOriginNotAllowed, false},
		"look-alike: port":                  {shopKey, shopOrigin + ":8443", 403, api.CodeOriginNotAllowed, false},
		"look-alike: case":                  {shopKey, "https://SHOP.example.com", 403, api.CodeOriginNotAllowed, false},
		"look-alike: slash":                 {shopKey, shopOrigin + "/", 403, api.CodeOriginNotAllowed, false},
		"another key's origin":              {shopKey, oldOrigin, 403, api.CodeOriginNotAllowed, true},
		"server without an origin":          {serverKey, "-", 202, "", false},
		"server with a listed origin":       {serverKey, shopOrigin, 403, api.CodeServerKeyInPage, true},
		"server with any origin":            {serverKey, "https://evil.example.com", 403, api.CodeServerKeyInPage, false},
		"server with origin null":           {serverKey, "null", 403, api.CodeServerKeyInPage, true},
		"unknown key from a listed one":     {"unknown", shopOrigin, 401, api.CodeUnauthorized, true},
		"token from a listed one":           {token, shopOrigin, 401, api.CodeTokenNotWriteKey, true},
		"no key from a listed one":          {"", shopOrigin, 401, api.CodeUnauthorized, true},
		"unknown key from an unlisted one":  {"unknown", "https://evil.example.com", 401, api.CodeUnauthorized, false},
		"disabled key from its listed page": {disabledKey, oldOrigin, 403, api.CodeKeyDisabled, true},
	} {
		t.Run(name, func(t *testing.T) {
			before := f.messageCount()
			r := f.send(api.PathEvents, click("o"), "X-Write-Key", c.key, "Origin", c.origin)
			if r.status != c.status {
				t.Errorf("answer %d %s, want %d", r.status, r.text, c.status)
			}
			if c.code != "" {
				r.wantProblem(t, c.status, c.code)
			}
			checkReadable(t, r, c.origin, c.readable)
			if stored := f.messageCount() > before; stored != (c.status == http.StatusAccepted) {
				t.Errorf("stored: %t", stored)
			}
		})
	}
}

// The pages of the collector's own origin need not be listed for a browser key.
func TestOwnPagesUseBrowserKeys(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		key, site string
		status    int
	}{
		"browser key from the own origin": {shopKey, "same-origin", 202},
		"browser key from a sibling":      {shopKey, "same-site", 403},
		"browser key from elsewhere":      {shopKey, "cross-site", 403},
		"server key from the own origin":  {serverKey, "same-origin", 403},
		"unknown key from the own origin": {"unknown", "same-origin", 401},
	} {
		r := f.send(api.PathEvents, click("s"), "X-Write-Key", c.key, "Origin", f.base, "Sec-Fetch-Site", c.site)
		if r.status != c.status {
			t.Errorf("%s: answer %d %s, want %d", name, r.status, r.text, c.status)
		}
	}
}

// checkReadable checks whether a page of this origin may read an answer.
func checkReadable(t *testing.T, r answer, origin string, want bool) {
	t.Helper()
	headers := map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "Access-Control-Expose-Headers": ""}
	if want {
		headers = map[string]string{"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "Retry-After"}
	}
	headers["Vary"] = "Origin"
	for name, value := range headers {
		if got := r.header.Get(name); got != value {
			t.Errorf("%d %s: %s %q, want %q", r.status, r.Code, name, got, value)
		}
	}
}

// A page of any listed origin may read why its request failed, whatever stopped it.
func TestPageMayReadFailures(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
	}{
		"broken":         {"POST", api.PathEvents, "{", 400},
		"unknown path":   {"POST", "/v1/event", "{}", 404},
		"another method": {"PUT", api.PathEvents, "{}", 405},
		"health":         {"POST", api.PathHealth, "", 405},
	} {
		t.Run(name, func(t *testing.T) {
			for origin, readable := range map[string]bool{shopOrigin: true, "https://evil.example.com": false} {
				req, err := http.NewRequestWithContext(t.Context(), c.method, f.base+c.path, strings.NewReader(c.body))
				f.noError(err)
				req.Header.Set("X-Write-Key", shopKey)
				req.Header.Set("Origin", origin)
				r, err := f.doRequest(req)
				f.noError(err)
				if want := c.status; readable && r.status != want {
					t.Errorf("answer %d, want %d", r.status, want)
				}
				checkReadable(t, r, origin, readable)
			}
		})
	}
}

// Before the registry is loaded it is not known which pages may read, so all
// may: they learn when to try again.
func TestPageMayReadThatTheCollectorStarts(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Registry = registry.New(registry.Config{JetStream: c.JetStream, Logger: slog.New(slog.DiscardHandler)}) // not run
	})
	const origin = "https://any.example"
	for method, status := range map[string]int{http.MethodPost: http.StatusServiceUnavailable, http.MethodOptions: http.StatusNoContent} {
		r := httptest.NewRequest(method, api.PathEvents, strings.NewReader("{}"))
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
		w := httptest.NewRecorder()
		f.service.Handler().ServeHTTP(w, r)
		if w.Code != status || w.Header().Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
		// The registry, once loaded, may not grant it.
		if age := w.Header().Get("Access-Control-Max-Age"); method == http.MethodOptions && age != corsMaxAgeStarting {
			t.Errorf("a browser keeps the grant for %q seconds", age)
		}
	}
}

func TestPreflight(t *testing.T) {
	f := newFixture(t)
	ask := func(path, origin, method string, headers ...string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, f.base+path, nil)
		f.noError(err)
		req.Header["Origin"] = []string{origin}
		req.Header["Access-Control-Request-Method"] = []string{method}
		req.Header["Access-Control-Request-Headers"] = headers
		r, err := f.doRequest(req)
		f.noError(err)
		return r
	}
	for _, path := range []string{api.PathEvents, api.PathValidate, "/v1/event"} {
		for asked, allowed := range map[string]string{
			"":                         "",
			"content-type,x-write-key": "content-type,x-write-key",
			"authorization, baggage, sentry-trace, traceparent, x-datadog-trace-id, X-Requested-With": "authorization, baggage, sentry-trace, traceparent, x-datadog-trace-id, X-Requested-With",
			"a\"b": "", "a;b": "", ",": "", "é": "",
		} {
			granted := ask(path, "https://www.example.com", http.MethodPost, asked)
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin":      "https://www.example.com",
				"Access-Control-Allow-Credentials": "true",
				"Access-Control-Allow-Methods":     "POST",
				"Access-Control-Allow-Headers":     allowed,
				"Access-Control-Max-Age":           "7200",
			} {
				if got := granted.header.Get(name); got != want || granted.status != http.StatusNoContent {
					t.Errorf("%s, asked for %q: %d, %s %q, want %q", path, asked, granted.status, name, got, want)
				}
			}
		}
		for _, origin := range []string{"https://evil.example.com", "https://wide.example.com", shopOrigin + "."} {
			r := ask(path, origin, http.MethodPost)
			r.wantProblem(t, http.StatusForbidden, api.CodeOriginNotAllowed)
			if r.header.Get("Access-Control-Allow-Origin") != "" || r.header.Get("Access-Control-Allow-Methods") != "" {
				t.Errorf("CORS headers for %s: %v", origin, r.header)
			}
		}
	}
	for _, path := range []string{api.PathEvents, api.PathValidate} {
		if r := ask(path, "", ""); r.status != http.StatusNoContent || r.header.Get("Allow") != eventMethods {
			t.Errorf("plain OPTIONS: %d %v", r.status, r.header)
		}
	}
	if r := ask(api.PathEvents, shopOrigin, http.MethodPut); r.header.Get("Access-Control-Allow-Methods") != http.MethodPut {
		t.Errorf("PUT, which the path answers 405: %v", r.header)
	}
	if r := ask(api.PathEvents, shopOrigin, http.MethodPost, "a", "b"); r.header.Get("Access-Control-Allow-Headers") != "a, b" {
		t.Errorf("two lines of headers: %q", r.header.Get("Access-Control-Allow-Headers"))
	}
	if r := ask(api.PathEvents, shopOrigin, http.MethodPost); len(r.header.Values("Vary")) == 0 || r.header.Values("Vary")[0] != "Origin" {
		t.Errorf("Vary %q", r.header.Values("Vary"))
	}
}
