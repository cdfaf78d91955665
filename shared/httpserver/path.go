package httpserver

import (
	"net/http"
	"net/url"
	"strings"
)

// CleanPath returns the request under the normal form of its path, in which
// each route has one spelling (RFC 3986, section 6.2.2): escapes of unreserved
// characters are decoded, "." and ".." segments are resolved, empty segments
// and a slash at the end are dropped. It returns r itself if its path is in the
// normal form, and never redirects: clients repeat a redirected POST as a GET.
//
// Every other escape stays: %2F in a parameter is a character of its value. A
// path for which known reports that a route has it, escaped, stays as it is: in
// the place of a parameter, "." is a value.
func CleanPath(r *http.Request, known func(escaped string) bool) *http.Request {
	path := r.URL.EscapedPath()
	if isClean(path) || known(path) {
		return r
	}
	clean := resolvePath(decodeUnreserved(path), false)
	if strings.Contains(clean, "%2E") && !known(clean) {
		clean = resolvePath(clean, true)
	}
	value, err := url.PathUnescape(clean)
	if err != nil || clean == path { // net/http admits no path of broken escapes
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = value, clean
	cleaned := new(http.Request)
	*cleaned = *r
	cleaned.URL = &u
	return cleaned
}

// isClean reports whether a path has nothing that CleanPath changes. Escapes
// are left to it.
func isClean(path string) bool {
	if path == "*" { // of OPTIONS
		return true
	}
	if path == "" || path[0] != '/' || len(path) > 1 && path[len(path)-1] == '/' {
		return false
	}
	for i := range len(path) {
		switch path[i] {
		case '%':
			return false
		case '/':
			if i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// decodeUnreserved decodes the escapes of unreserved characters, and writes all
// others with capital digits. Dots stay escaped in a segment of nothing else.
func decodeUnreserved(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if !strings.Contains(segment, "%") {
			continue
		}
		b := make([]byte, 0, len(segment))
		for j := 0; j < len(segment); j++ {
			if segment[j] != '%' || j+2 >= len(segment) {
				b = append(b, segment[j])
				continue
			}
			escape := strings.ToUpper(segment[j : j+3])
			if c, err := url.PathUnescape(escape); err == nil && isUnreserved(c[0]) {
				b = append(b, c[0])
			} else {
				b = append(b, escape...)
			}
			j += 2
		}
		if isDots(string(b)) {
			b = []byte(strings.Repeat("%2E", len(b)))
		}
		segments[i] = string(b)
	}
	return strings.Join(segments, "/")
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// isDots reports whether a segment is "." or "..".
func isDots(segment string) bool { return segment == "." || segment == ".." }

// resolvePath resolves "." and "..", and drops empty segments. escaped resolves
// dots that are escaped as well.
func resolvePath(path string, escaped bool) string {
	kept := make([]string, 0, 8)
	for segment := range strings.SplitSeq(path, "/") {
		if escaped && strings.HasPrefix(segment, "%2E") {
			if dots := strings.ReplaceAll(segment, "%2E", "."); isDots(dots) {
				segment = dots
			}
		}
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	return "/" + strings.Join(kept, "/")
}
