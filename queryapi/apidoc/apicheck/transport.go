package apicheck

import (
	"net/http"
	"testing"
)

// Transport is an http.RoundTripper that fails its test for every answer that
// differs from the document.
type Transport struct {
	// T is failed; it must outlive the requests.
	T testing.TB
	// Base sends the requests; nil is http.DefaultTransport.
	Base http.RoundTripper
}

// RoundTrip sends req and checks the answer.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	resp, err := base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := Check(req, resp); err != nil {
		t.T.Errorf("the API's document does not describe this answer: %v", err)
	}
	return resp, nil
}
