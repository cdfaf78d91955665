package httpserver

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/theeye/theeye/shared/api"
)

// Hosts are the names and addresses by which requests reach a listener: in their
// header Host. A page of any site can make its own name resolve to the address of a
// listener of this machine or network, and then reads its answers as its own
// (DNS rebinding); so a listener that pages have no business with answers no name
// that it does not know.
type Hosts struct {
	names     map[string]bool
	suffixes  []string // of names below a domain, with the leading dot
	addresses bool     // any address
	all       bool
}

// NewHosts returns the hosts of a listener: loopback, the allowed ones, and of a
// listener that other machines reach any address and the name of the machine. No
// page has an address for a name. An allowed one is a name, an address, *.domain for
// all names below a domain, or * for all; CheckHost checks it.
func NewHosts(listen string, allowed []string) *Hosts {
	h := &Hosts{names: map[string]bool{"localhost": true}}
	if !isLoopbackAddress(listen) {
		h.addresses = true
		if name, err := os.Hostname(); err == nil {
			h.names[strings.ToLower(name)] = true
		}
	}
	for _, host := range allowed {
		suffix, below := strings.CutPrefix(host, "*")
		switch {
		case host == "*":
			h.all = true
		case below:
			h.suffixes = append(h.suffixes, suffix)
		default:
			h.names[canonicalHost(host)] = true
		}
	}
	return h
}

// isLoopbackAddress reports whether only this machine reaches an address to listen on.
func isLoopbackAddress(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// CheckHost returns why a text is not an allowed host of NewHosts.
func CheckHost(host string) error {
	name := strings.TrimPrefix(host, "*.")
	if _, err := netip.ParseAddr(name); err == nil && name == host || host == "*" {
		return nil
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(name) > 253 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return fmt.Errorf("%q must be a name in lower case, or an address, without scheme and port; *.example.com is every name below it", host)
		}
	}
	return nil
}

// canonicalHost returns the host of a header Host without its port, in lower case and
// without the dot at its end; an address in its shortest form.
func canonicalHost(header string) string {
	host := strings.ToLower(header)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if inside, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inside, "]") {
		host = strings.TrimSuffix(inside, "]")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String()
	}
	return strings.TrimSuffix(host, ".")
}

// Allow reports whether a request with this header Host is answered. One without, of
// HTTP/1.0, is: no browser sends it.
func (h *Hosts) Allow(header string) bool {
	if h.all || header == "" {
		return true
	}
	host := canonicalHost(header)
	if h.names[host] {
		return true
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return h.addresses || addr.IsLoopback()
	}
	for _, suffix := range h.suffixes {
		if len(host) > len(suffix) && strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}

// Guard returns a handler that answers requests to other hosts with 421.
func (h *Hosts) Guard(next http.Handler) http.Handler { return &hostGuard{h, next} }

// GuardRoutes returns routes behind Guard. Routes of one handler keep one.
func (h *Hosts) GuardRoutes(routes []Route) []Route {
	guarded := make([]Route, len(routes))
	handlers := map[http.Handler]http.Handler{}
	for i, r := range routes {
		if handlers[r.Handler] == nil {
			handlers[r.Handler] = h.Guard(r.Handler)
		}
		r.Handler = handlers[r.Handler]
		guarded[i] = r
	}
	return guarded
}

type hostGuard struct {
	hosts *Hosts
	next  http.Handler
}

// maxShownHost bounds the host that an answer quotes, in bytes.
const maxShownHost = 253

// ServeHTTP serves a request to an allowed host.
func (g *hostGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.hosts.Allow(r.Host) {
		g.next.ServeHTTP(w, r)
		return
	}
	host := canonicalHost(r.Host)
	host = host[:min(len(host), maxShownHost)]
	NewFailure(http.StatusMisdirectedRequest, api.CodeHostNotAllowed, fmt.Sprintf(
		"the service does not answer for host %q: use an address of it, or add the name to its setting EYE_ALLOWED_HOSTS", host)).Write(w)
}
