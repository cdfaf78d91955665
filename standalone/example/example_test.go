package example

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestFilesAreTheShippedOnes(t *testing.T) {
	for path, name := range map[string]string{Path: "index.html", Path + "pricing": "index.html", Path + "site.js": "site.js"} {
		shipped, err := os.ReadFile("../../deploy/example-site/" + name)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		NewHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusOK || w.Body.String() != string(shipped) || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s is answered %d %v, and is not the shipped %s", path, w.Code, w.Header(), name)
		}
	}
	w := httptest.NewRecorder()
	NewHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, Path+"else", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("another path is answered %d", w.Code)
	}
}
