package tracker

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// maxBytes is the most that a page loads.
const maxBytes = 3072

func TestScriptIsSmall(t *testing.T) {
	if n := len(compressed()); n > maxBytes {
		t.Errorf("the script has %d bytes under gzip, %d are allowed", n, maxBytes)
	}
	// The source must not reach for what a Content-Security-Policy forbids.
	for _, forbidden := range []string{"eval(", "new Function", ".innerHTML", "createElement"} {
		if bytes.Contains([]byte(script), []byte(forbidden)) {
			t.Errorf("the script has %s", forbidden)
		}
	}
}

// get asks for the script with headers, in pairs of name and value.
func get(t *testing.T, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/tracker.js", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	if err := ServeScript(w, r); err != nil {
		t.Fatal(err)
	}
	return w.Result()
}

// body returns the script that an answer has.
func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer func() { _ = resp.Body.Close() }()
	var content io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		content = z
	}
	b, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestScriptIsServedInTheEncodingOfTheClient(t *testing.T) {
	tags := map[string]bool{}
	for accepted, want := range map[string]string{
		"": "", "gzip, deflate, br": "gzip", "br;q=1, GZIP;q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.00, br": "", "deflate": "",
	} {
		resp := get(t, "Accept-Encoding", accepted)
		if got := resp.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%q is answered in the encoding %q, want %q", accepted, got, want)
		}
		if body(t, resp) != script || resp.Header.Get("Content-Type") != "text/javascript; charset=utf-8" ||
			resp.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || resp.Header.Get("Cache-Control") != cacheControl ||
			resp.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: header %v", accepted, resp.Header)
		}
		tags[resp.Header.Get("ETag")] = true
	}
	if len(tags) != 2 || tags[""] {
		t.Errorf("two encodings have the tags %v", tags)
	}
}

func TestScriptIsNotSentAgain(t *testing.T) {
	plain, zipped := get(t).Header.Get("ETag"), get(t, "Accept-Encoding", "gzip").Header.Get("ETag")
	for _, c := range []struct {
		kept, accepted string
		status         int
	}{
		{plain, "", http.StatusNotModified},
		{zipped, "gzip", http.StatusNotModified},
		{`"a", W/` + zipped, "gzip", http.StatusNotModified},
		{"*", "", http.StatusNotModified},
		{plain, "gzip", http.StatusOK},
		{`"a"`, "", http.StatusOK},
	} {
		resp := get(t, "If-None-Match", c.kept, "Accept-Encoding", c.accepted)
		if resp.StatusCode != c.status || resp.Header.Get("ETag") == "" {
			t.Errorf("%s in the encoding %q: %d %v", c.kept, c.accepted, resp.StatusCode, resp.Header)
		}
		if text := body(t, resp); c.status == http.StatusNotModified && text != "" {
			t.Errorf("%s: 304 with a body of %d bytes", c.kept, len(text))
		}
	}
}
