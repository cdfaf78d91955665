package registry

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// Errors of checkOrigin.
var (
	errOrigin      = errors.New(`is no origin: wants scheme://host[:port] in lower case, such as "https://www.example.com"`)
	errDefaultPort = errors.New("browsers leave the default port out of an origin")
)

// checkOrigin checks an origin that a key lists. Origins are compared exactly,
// so only the form that browsers send is of use.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.Scheme+"://"+u.Host != origin || strings.ToLower(origin) != origin || strings.HasSuffix(u.Host, ":") {
		return errOrigin
	}
	if port := u.Port(); u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return errDefaultPort
	}
	return nil
}

// loopbackOrigin reports whether an origin is a page that this machine serves.
func loopbackOrigin(origin string) bool {
	if checkOrigin(origin) != nil {
		return false
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}
