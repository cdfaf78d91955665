package httpserver

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/api"
)

// Match is the header If-Match of a request. The zero value means that the
// request has none.
type Match struct {
	Given    bool
	Any      bool // the header is *
	Revision uint64
}

// MatchesNone reports whether If-None-Match names the tag of a representation that exists:
// the client has it. The comparison is the weak one, and * names any (RFC 9110, 13.1.2).
func MatchesNone(h http.Header, etag string) bool {
	opaque := strings.TrimPrefix(etag, "W/")
	rest := strings.TrimSpace(strings.Join(h["If-None-Match"], ","))
	if rest == "*" {
		return true
	}
	for rest != "" {
		// A tag may hold commas: it ends at its quote.
		rest = strings.TrimLeft(rest, ", \t")
		quoted := strings.TrimPrefix(rest, "W/")
		end := strings.IndexByte(strings.TrimPrefix(quoted, `"`), '"')
		if !strings.HasPrefix(quoted, `"`) || end < 0 {
			return false // no list of tags
		}
		if quoted[:end+2] == opaque {
			return true
		}
		rest = quoted[end+2:]
	}
	return false
}

// IfMatch reads If-Match: one revision, quoted as ETag has it or bare, or *.
// The error is a *Failure with status 400.
func IfMatch(h http.Header) (Match, error) {
	values := h.Values("If-Match")
	if len(values) == 0 {
		return Match{}, nil
	}
	v := strings.TrimSpace(values[0])
	if len(values) == 1 && v == "*" {
		return Match{Given: true, Any: true}, nil
	}
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		v = v[1 : len(v)-1]
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil || n > math.MaxInt64 || len(values) > 1 {
		return Match{}, BadRequest(api.CodeInvalidHeader, `header If-Match must be one revision, such as "12", or *`)
	}
	return Match{Given: true, Revision: n}, nil
}
