package collector

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver/router"
	"github.com/theeye/theeye/shared/registry"
)

// secretPlaces put a secret where a request may carry it, and where it should not.
var secretPlaces = map[string]func(r *http.Request, secret string){
	"Bearer":            func(r *http.Request, s string) { r.Header.Set("Authorization", "Bearer "+s) },
	"Basic":             func(r *http.Request, s string) { r.SetBasicAuth(s, "") },
	"password of Basic": func(r *http.Request, s string) { r.SetBasicAuth("", s) },
	"another scheme":    func(r *http.Request, s string) { r.Header.Set("Authorization", s) },
	"header":            func(r *http.Request, s string) { r.Header.Set(api.HeaderWriteKey, s) },
	"query":             func(r *http.Request, s string) { r.URL.RawQuery = paramWriteKey + "=" + url.QueryEscape(s) },
	"broken query":      func(r *http.Request, s string) { r.URL.RawQuery = paramWriteKey + "=" + s + "%zz;" + s },
	"another parameter": func(r *http.Request, s string) { r.URL.RawQuery = "key=" + s },
	"path":              func(r *http.Request, s string) { r.URL.Path += "/" + s },
	"origin":            func(r *http.Request, s string) { r.Header.Set("Origin", "https://"+s) },
	"two of them":       func(r *http.Request, s string) { r.SetBasicAuth(s, ""); r.Header.Set(api.HeaderWriteKey, s+"!") },
}

// A secret appears in no answer, log line or metric, for every place in a request
// and every outcome of it.
func TestSecretsAreNotShown(t *testing.T) {
	log := new(lockedBuffer)
	f := newFixture(t, func(c *Config) {
		c.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	f.service.logLimit.Every = 1 // log every failure
	f.service.router.Add(router.Endpoint{
		Method: http.MethodPost, Pattern: "/panic",
		Handle: func(rw http.ResponseWriter, r *http.Request) error {
			_, err := f.service.authenticate(r, nativeDialect)
			panic(err)
		},
	})
	secrets := f.putSecrets()
	shown := ""
	seen := map[int]bool{}
	ask := func() {
		for _, path := range []string{api.PathEvents, api.PathValidate, api.PathSegmentBatch, api.PathSnowplow, api.PathPixel, api.PathHealth, "/panic", "/nowhere"} {
			for _, put := range secretPlaces {
				for _, secret := range secrets {
					r := f.sendSecret(put, path, secret)
					seen[r.status] = true
					// An allowed page gets its own origin back.
					shown += fmt.Sprintln(r.header, r.text)
				}
			}
		}
	}
	ask()
	f.nats.Shutdown()
	ask()
	families, err := f.metrics.Gather()
	f.noError(err)
	for what, text := range map[string]string{"answers": shown, "log": log.String(), "metrics": fmt.Sprint(families)} {
		if len(text) < 1000 {
			t.Errorf("%s are only %q", what, text)
		}
		for _, secret := range secrets {
			for _, form := range []string{secret, sha256Hex(secret), basicOf(secret + ":"), basicOf(":" + secret)} {
				if at := strings.Index(text, form); at >= 0 {
					t.Errorf("%s show %q: …%s…", what, secret, text[max(at-200, 0):min(at+200, len(text))])
				}
			}
		}
	}
	for _, status := range []int{202, 400, 401, 403, 404, 405, 429, 500, 503} {
		if !seen[status] {
			t.Errorf("no request came to %d: the test shows nothing of it", status)
		}
	}
}

// basicOf returns the start of a Basic credential, which does not depend on the
// rest.
func basicOf(text string) string {
	s := base64.StdEncoding.EncodeToString([]byte(text))
	return s[:len(s)-4]
}

// putSecrets declares keys in every state and returns their secrets, and one that
// belongs to no key.
func (f *fixture) putSecrets() []string {
	f.t.Helper()
	state := func(s string) string { return "hush-hush-of-the-" + s }
	key := func(s string) keyJSON { return keyJSON{SHA256: sha256Hex(state(s)), Kind: registry.Server} }
	good, disabled, expired, exceeded := key("good"), key("disabled"), key("expired"), key("exceeded")
	disabled.Disabled = true
	expired.ExpiresAt = time.Unix(1, 0)
	exceeded.Events = 1
	f.putKeys("secrets", good, disabled, expired, exceeded)
	r := f.send(api.PathValidate, clicks("s", 1000), api.HeaderWriteKey, state("exceeded"))
	if r.status != http.StatusOK {
		f.t.Fatalf("answer %d %s", r.status, r.text)
	}
	return []string{state("good"), state("disabled"), state("expired"), state("exceeded"), state("unknown")}
}

func (f *fixture) sendSecret(put func(*http.Request, string), path, secret string) answer {
	f.t.Helper()
	req, err := http.NewRequest(http.MethodPost, f.base+path, strings.NewReader(string(click("s"))))
	f.noError(err)
	put(req, secret)
	r, err := f.doRequest(req)
	f.noError(err)
	return r
}
