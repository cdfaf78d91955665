package collector

import (
	"net/http"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
)

// What a preflight grants. Browsers keep it for two hours at most.
const (
	corsMethods = "POST"
	corsHeaders = "authorization, content-type, content-encoding, x-write-key"
	corsMaxAge  = "7200"
	allow       = "POST, OPTIONS"
)

// checkOrigin refuses a key that is used from an origin that its owner did not
// list. Origins are compared whole: "null" and look-alikes are just others.
func checkOrigin(key registry.Key, h http.Header) error {
	for _, origin := range h["Origin"] {
		// A header that stands there empty is no request of a browser.
		if origin == "" || !key.AllowsOrigin(origin) {
			return httpserver.NewFailure(http.StatusForbidden, api.CodeOriginNotAllowed, "the write key may not be used from this origin")
		}
	}
	return nil
}

// exposeTo lets the page that sent an allowed request read the answer.
func exposeTo(h http.Header, origin string) {
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

// preflight answers the question a browser asks before it sends a request. It
// carries no key, so it is granted when any application lists the origin; the
// request itself is checked against its key.
func (s *Service) preflight(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Allow", allow)
	h.Add("Vary", "Origin")
	h.Add("Vary", "Access-Control-Request-Method")
	h.Add("Vary", "Access-Control-Request-Headers")
	origin := r.Header.Get("Origin")
	if origin != "" && r.Header.Get("Access-Control-Request-Method") != "" {
		snapshot, err := s.snapshot()
		if err != nil {
			return err
		}
		if !snapshot.Access.OriginListed(origin) {
			return httpserver.NewFailure(http.StatusForbidden, api.CodeOriginNotAllowed, "no application lists this origin")
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Methods", corsMethods)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", corsMaxAge)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
