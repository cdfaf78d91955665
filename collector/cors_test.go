package collector

import (
	"net/http"
	"testing"

	"github.com/theeye/theeye/shared/api"
)

func TestChecksOrigins(t *testing.T) {
	w := newFixture(t)
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
			before := w.messageCount()
			r := w.send(api.PathEvents, click("o"), "X-Write-Key", c.key, "Origin", c.origin)
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
			if kept := w.messageCount() > before; kept != (c.status == http.StatusAccepted) {
				t.Errorf("kept: %t", kept)
			}
		})
	}
}

// A page may read why its request failed, once its key let it in.
func TestPageMayReadFailures(t *testing.T) {
	w := newFixture(t)
	r := w.send(api.PathEvents, []byte("{"), "X-Write-Key", shopKey, "Origin", shopOrigin)
	r.wantProblem(t, http.StatusBadRequest, "invalid_json")
	if got := r.header.Get("Access-Control-Allow-Origin"); got != shopOrigin {
		t.Errorf("Access-Control-Allow-Origin %q", got)
	}
}

func TestPreflight(t *testing.T) {
	w := newFixture(t)
	ask := func(path, origin, method string) answer {
		t.Helper()
		req, err := http.NewRequest(http.MethodOptions, w.base+path, nil)
		w.noError(err)
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		if method != "" {
			req.Header.Set("Access-Control-Request-Method", method)
			req.Header.Set("Access-Control-Request-Headers", "x-write-key")
		}
		r, err := w.doRequest(req)
		w.noError(err)
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
