package httpserver

import (
	"net/http"
	"testing"
)

func TestWantsGzip(t *testing.T) {
	for accepted, want := range map[string]bool{
		"": false, "gzip, deflate, br": true, "br;q=1, GZIP;q=0.5": true, "x-gzip": true, "gzip;q=0": false, "gzip; q=0.00, br": false,
		"deflate": false, "*": true, "*;q=0": false, "gzip;q=0, *": false, "identity, gzip;q=0.5": false, "identity;q=0.5, gzip;q=0.5": true,
		"gzip;q=2": false, "gzip;q=x": false, "gzip;level=9;q=1": true, ", ,gzip": true,
	} {
		if got := WantsGzip(http.Header{"Accept-Encoding": {accepted}}); got != want {
			t.Errorf("%q: %t, want %t", accepted, got, want)
		}
	}
	if !WantsGzip(http.Header{"Accept-Encoding": {"br", "gzip"}}) || WantsGzip(nil) {
		t.Error("two headers or none are misread")
	}
}
