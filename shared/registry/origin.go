package registry

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// NullOrigin is the origin of pages that have none of their own: files, sandboxed
// frames and documents in data: URLs. Every site can make one, so a key allows it
// only where it is listed.
const NullOrigin = "null"

// anySubdomain is the first label of an origin that stands for all subdomains, of
// any depth, of the name after it. The name itself is not among them.
const anySubdomain = "*."

// maxMatchedOrigin bounds, in bytes, the origins of requests that are compared
// with wildcards: a domain name has at most 253.
const maxMatchedOrigin = 512

// Errors of NormalizeOrigin.
var (
	errOriginForm = errors.New(`is not an origin: it must be scheme://host[:port], such as "https://www.example.com", or "null"`)
	errOriginTail = errors.New(`is not an origin: it must end after the host and port, without a slash, path, query or user`)
	errOriginHost = errors.New("has a host that no browser sends: it must be a domain name or an IP address")
	errOriginPort = errors.New("has a port that is not a number from 1 to 65535")
	errWildcard   = errors.New(`has a "*" that is not the first label of a domain name: only names such as "https://*.example.com" stand for several origins`)
	// errDefaultPort is a fault: a page would never match it.
	errDefaultPort = errors.New("must not name the default port: browsers leave it out of an origin")
)

// hostProfile converts domain names as browsers do (WHATWG URL Standard, "domain
// to ASCII" without its strict form: underscores and hyphens are allowed
// anywhere).
var hostProfile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.CheckJoiners(true),
	idna.Transitional(false), idna.CheckHyphens(false), idna.StrictDomainName(false), idna.VerifyDNSLength(false))

// NormalizeOrigin returns an origin that a key lists in the form in which browsers
// send it: scheme and domain name in lower case, the name in ASCII (RFC 5891). It
// accepts "null", any scheme://host[:port], as apps and browser extensions have,
// and "*." as the first label.
func NormalizeOrigin(origin string) (string, error) {
	if origin == NullOrigin {
		return origin, nil
	}
	scheme, rest, ok := strings.Cut(origin, "://")
	scheme = strings.ToLower(scheme)
	if !ok || !isScheme(scheme) || rest == "" || !utf8.ValidString(rest) {
		return "", errOriginForm
	}
	if strings.ContainsAny(rest, "/?#@\\") {
		return "", errOriginTail
	}
	host, port, err := splitPort(rest)
	if err != nil {
		return "", err
	}
	if host, err = normalizeHost(scheme, host); err != nil {
		return "", err
	}
	switch {
	case port == "":
		return scheme + "://" + host, nil
	case scheme == "http" && port == "80", scheme == "https" && port == "443":
		return "", errDefaultPort
	}
	return scheme + "://" + host + ":" + port, nil
}

// isScheme reports whether s is a scheme of RFC 3986 in lower case.
func isScheme(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// isWebScheme reports whether the hosts of a scheme are domain names and
// addresses. Those of other schemes are opaque: browsers keep their case.
func isWebScheme(scheme string) bool { return scheme == "http" || scheme == "https" }

// splitPort splits host[:port]; the host may be an IPv6 address in brackets.
func splitPort(s string) (host, port string, err error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || i < strings.LastIndexByte(s, ']') {
		return s, "", nil
	}
	n, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil || n == 0 {
		return "", "", errOriginPort
	}
	return s[:i], strconv.FormatUint(n, 10), nil
}

// normalizeHost returns a host in ASCII.
func normalizeHost(scheme, host string) (string, error) {
	wildcard := ""
	if name, ok := strings.CutPrefix(host, anySubdomain); ok {
		wildcard, host = anySubdomain, name
	}
	if strings.Contains(host, "*") {
		return "", errWildcard
	}
	if strings.HasPrefix(host, "[") || wildcard == "" && isWebScheme(scheme) && endsInNumber(host) {
		if wildcard != "" {
			return "", errWildcard
		}
		return normalizeAddress(host)
	}
	if isWebScheme(scheme) {
		ascii, err := hostProfile.ToASCII(host)
		if err != nil || endsInNumber(ascii) {
			return "", errOriginHost
		}
		host = ascii
	}
	if !isHostName(host) {
		return "", errOriginHost
	}
	return wildcard + host, nil
}

// isHostName reports whether s has only the characters of names, and no empty
// label but one after the last dot.
func isHostName(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '~':
		case c != '.', i == 0, s[i-1] == '.':
			return false
		}
	}
	return s != ""
}

// endsInNumber reports whether browsers read a host as an IPv4 address.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && (strings.Trim(last, "0123456789") == "" || strings.HasPrefix(strings.ToLower(last), "0x"))
}

// normalizeAddress returns an IP address as browsers write it.
func normalizeAddress(host string) (string, error) {
	text, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		var closed bool
		if text, closed = strings.CutSuffix(text, "]"); !closed {
			return "", errOriginHost
		}
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" || addr.Is6() != bracketed {
		return "", errOriginHost
	}
	if !bracketed {
		return addr.String(), nil
	}
	if addr.Is4In6() {
		// netip ends the address in dotted form, browsers in hexadecimal digits.
		b := addr.As16()
		high, low := uint64(b[12])<<8|uint64(b[13]), uint64(b[14])<<8|uint64(b[15])
		return "[::ffff:" + strconv.FormatUint(high, 16) + ":" + strconv.FormatUint(low, 16) + "]", nil
	}
	return "[" + addr.String() + "]", nil
}

// matchOrigin reports whether an origin that a key lists covers that of a
// request.
func matchOrigin(listed, origin string) bool {
	if listed == origin {
		return true
	}
	scheme, name, ok := strings.Cut(listed, "://"+anySubdomain)
	if !ok {
		return false
	}
	host, ok := strings.CutPrefix(origin, scheme+"://")
	if !ok {
		return false
	}
	labels, ok := strings.CutSuffix(host, "."+name)
	return ok && isHostName(labels) && !strings.HasSuffix(labels, ".")
}

// originSet holds the origins that keys list, so that one can be looked up in a
// time that does not depend on how many there are.
type originSet map[string]bool

// covers reports whether any listed origin covers that of a request.
func (s originSet) covers(origin string) bool {
	if s[origin] {
		return true
	}
	scheme, host, ok := strings.Cut(origin, "://")
	if !ok || len(origin) > maxMatchedOrigin {
		return false
	}
	for {
		if _, host, ok = strings.Cut(host, "."); !ok {
			return false
		}
		if listed := scheme + "://" + anySubdomain + host; s[listed] {
			return matchOrigin(listed, origin)
		}
	}
}

// isLoopbackOrigin reports whether an origin is a page that this machine serves.
func isLoopbackOrigin(origin string) bool {
	if normal, err := NormalizeOrigin(origin); err != nil || normal != origin {
		return false
	}
	scheme, rest, _ := strings.Cut(origin, "://")
	host, _, err := splitPort(rest)
	if err != nil || !isWebScheme(scheme) {
		return false
	}
	// RFC 6761, 6.3: names below localhost are this machine, too.
	if host == "localhost" || strings.HasSuffix(host, ".localhost") && !strings.HasPrefix(host, anySubdomain) {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
