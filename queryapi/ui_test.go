package queryapi_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/theeye/theeye/queryapi/ui"
)

// getUI asks for a file of the UI without a credential, without following a redirect.
func (fx *fixture) getUI(target string, gzipped bool) (*http.Response, string) {
	fx.t.Helper()
	req, err := http.NewRequestWithContext(fx.ctx(), http.MethodGet, fx.base+target, http.NoBody)
	if err != nil {
		fx.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", map[bool]string{true: "gzip", false: "identity"}[gzipped])
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		fx.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		fx.t.Fatal(err)
	}
	return resp, string(body)
}

func TestRootLeadsToTheUI(t *testing.T) {
	fx := newFixture(t)
	resp, _ := fx.getUI("/", false)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/ui/" {
		t.Errorf("GET / answers %d, Location %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}

// The page is the same at every address of a screen, is asked for each time, and allows
// its own needs alone. Its files are kept for ever, since their names change with them.
func TestUIIsServed(t *testing.T) {
	fx := newFixture(t)
	var page string
	for _, target := range []string{"/ui", "/ui/", "/ui/overview", "/ui/overview?from=7d&filter=a%3Db", "/ui/sessions/e2085be5-9137-4e4e-80b5-f1ffddc25423", "/ui/a%2Fb/c"} {
		resp, body := fx.getUI(target, false)
		if page == "" {
			page = body
		}
		if resp.StatusCode != http.StatusOK || body != page || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" ||
			resp.Header.Get("Content-Security-Policy") != ui.ContentSecurityPolicy || resp.Header.Get("Cache-Control") != "no-cache" ||
			resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s answers %d with %v and %d bytes", target, resp.StatusCode, resp.Header, len(body))
		}
	}
	files := regexp.MustCompile(`/ui/assets/[^"]+`).FindAllString(page, -1)
	if len(files) != 2 {
		t.Fatalf("the page loads %q", files)
	}
	for name := range ui.Assets() {
		files = append(files, "/ui/assets/"+name)
	}
	for _, file := range files {
		resp, plain := fx.getUI(file, false)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" ||
			!strings.Contains(resp.Header.Get("Content-Type"), "charset=utf-8") || resp.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s answers %d with %v", file, resp.StatusCode, resp.Header)
		}
		resp, zipped := fx.getUI(file, true)
		z, err := gzip.NewReader(strings.NewReader(zipped))
		if err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s under gzip: %v, %v", file, resp.Header, err)
		}
		if unzipped, err := io.ReadAll(z); err != nil || string(unzipped) != plain {
			t.Errorf("%s differs under gzip: %v", file, err)
		}
	}
	for _, target := range []string{"/ui/assets/app.js", "/ui/assets/..%2Findex.html", "/ui/a/b/c"} {
		if resp, _ := fx.getUI(target, false); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", target, resp.StatusCode)
		}
	}
}

// What a token may do: its role, and the applications that it may read now.
func TestOwnToken(t *testing.T) {
	fx := newFixture(t)
	for token, want := range map[string]string{
		operator:      `{"id":"o","role":"operator","applications":["blog","shop"],"every_application":true}`,
		analyst:       `{"id":"a","role":"analyst","applications":["blog","shop"],"every_application":true}`,
		shopOnly:      `{"id":"s","role":"analyst","applications":["shop"],"every_application":false}`,
		noApplication: `{"id":"n","role":"analyst","applications":[],"every_application":false}`,
	} {
		if _, body := fx.do(http.MethodGet, token, "/v1/token"); body != want {
			t.Errorf("%s is answered %s", token, body)
		}
	}
}
