package collector

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/api"
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
		"query token":              {"", []string{"X-Write-Key", "-", "Authorization", "Bearer " + token}, 401, api.CodeUnauthorized},
		"broken Basic":             {"", []string{"X-Write-Key", "-", "Authorization", "Basic ???"}, 401, api.CodeUnauthorized},
		"password of Basic":        {"", []string{"X-Write-Key", "-", "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+serverKey))}, 401, api.CodeUnauthorized},
		"long":                     {"", []string{"X-Write-Key", strings.Repeat("k", 9000)}, 401, api.CodeUnauthorized},
		"two different":            {"?write_key=" + otherKey, nil, 400, api.CodeSeveralKeys},
		"two different in a query": {"?write_key=" + otherKey + "&write_key=" + serverKey, []string{"X-Write-Key", "-"}, 400, api.CodeSeveralKeys},
		"key and token":            {"", []string{"Authorization", "Bearer " + token}, 400, api.CodeSeveralKeys},
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
	for name, c := range map[string]struct {
		key, origin string
		status      int
	}{
		"browser without an origin":      {shopKey, "-", 202},
		"browser from a listed one":      {shopKey, shopOrigin, 202},
		"browser from an unlisted one":   {shopKey, "https://evil.example.com", 403},
		"browser from null":              {shopKey, "null", 403},
		"look-alike: suffix":             {shopKey, shopOrigin + ".evil.example", 403},
		"look-alike: subdomain":          {shopKey, "https://a.shop.example.com", 403},
		"look-alike: scheme":             {shopKey, "http://shop.example.com", 403},
		"look-alike: port":               {shopKey, shopOrigin + ":8443", 403},
		"look-alike: case":               {shopKey, "https://SHOP.example.com", 403},
		"look-alike: slash":              {shopKey, shopOrigin + "/", 403},
		"another key's origin":           {shopKey, "https://old.example.com", 403},
		"server without an origin":       {serverKey, "-", 202},
		"server with a listed origin":    {serverKey, shopOrigin, 403},
		"server with any origin":         {serverKey, "https://evil.example.com", 403},
		"server with origin null":        {serverKey, "null", 403},
		"unknown key from a listed one":  {"unknown", shopOrigin, 401},
		"disabled key from its old page": {disabledKey, "https://old.example.com", 403},
	} {
		t.Run(name, func(t *testing.T) {
			before := f.messageCount()
			r := f.send(api.PathEvents, click("o"), "X-Write-Key", c.key, "Origin", c.origin)
			if r.status != c.status {
				t.Errorf("answer %d %s, want %d", r.status, r.text, c.status)
			}
			want := ""
			if c.status == http.StatusAccepted && c.origin != "-" {
				want = c.origin
			}
			if got := r.header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("Access-Control-Allow-Origin %q, want %q", got, want)
			}
			if got := r.header.Get("Vary"); got != "Origin" {
				t.Errorf("Vary %q", got)
			}
			if stored := f.messageCount() > before; stored != (c.status == http.StatusAccepted) {
				t.Errorf("stored: %t", stored)
			}
		})
	}
}

// Once its key is valid, a page may read why its request failed.
func TestPageMayReadFailures(t *testing.T) {
	f := newFixture(t)
	r := f.send(api.PathEvents, []byte("{"), "X-Write-Key", shopKey, "Origin", shopOrigin)
	r.wantProblem(t, http.StatusBadRequest, "invalid_json")
	if got := r.header.Get("Access-Control-Allow-Origin"); got != shopOrigin {
		t.Errorf("Access-Control-Allow-Origin %q", got)
	}
}

func TestPreflight(t *testing.T) {
	f := newFixture(t)
	ask := func(path, origin, method string) answer {
		t.Helper()
		req, err := http.NewRequest(http.MethodOptions, f.base+path, nil)
		f.noError(err)
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		if method != "" {
			req.Header.Set("Access-Control-Request-Method", method)
			req.Header.Set("Access-Control-Request-Headers", "x-write-key")
		}
		r, err := f.doRequest(req)
		f.noError(err)
		return r
	}
	for _, path := range []string{api.PathEvents, api.PathValidate} {
		granted := ask(path, "https://www.example.com", http.MethodPost)
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":  "https://www.example.com",
			"Access-Control-Allow-Methods": "POST",
			"Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-write-key",
			"Access-Control-Max-Age":       "7200",
		} {
			if got := granted.header.Get(name); got != want || granted.status != http.StatusNoContent {
				t.Errorf("%s: %d, %s %q, want %q", path, granted.status, name, got, want)
			}
		}
		for _, origin := range []string{"https://evil.example.com", "null", "https://old.example.com", shopOrigin + "."} {
			r := ask(path, origin, http.MethodPost)
			r.wantProblem(t, http.StatusForbidden, api.CodeOriginNotAllowed)
			if r.header.Get("Access-Control-Allow-Origin") != "" || r.header.Get("Access-Control-Allow-Methods") != "" {
				t.Errorf("CORS headers for %s: %v", origin, r.header)
			}
		}
		if r := ask(path, "", ""); r.status != http.StatusNoContent || r.header.Get("Allow") != eventMethods {
			t.Errorf("plain OPTIONS: %d %v", r.status, r.header)
		}
	}
	if r := ask(api.PathEvents, shopOrigin, http.MethodPost); len(r.header.Values("Vary")) == 0 || r.header.Values("Vary")[0] != "Origin" {
		t.Errorf("Vary %q", r.header.Values("Vary"))
	}
}
