package httpserver

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/api"
)

// maxQueryBytes bounds a query string.
const maxQueryBytes = 16 << 10

// ParseQuery reads a raw query string in which each allowed parameter may stand
// once, those of repeatable several times, and no other. set is called for each
// one in order; if the value is invalid it returns the fault, such as "must be an
// integer", else "". Every error is a *Failure with status 400.
//
// It is stricter than url.ParseQuery, which drops unreadable pairs: a filter that
// is silently ignored would show an analyst too much.
func ParseQuery(raw string, allowed []string, set func(name, value string) (fault string), repeatable ...string) error {
	if len(raw) > maxQueryBytes {
		return BadRequest(api.CodeInvalidQuery, "the query string is longer than %d bytes", maxQueryBytes)
	}
	seen := make(map[string]bool, 4)
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		name, value, err := unescapePair(pair)
		if err != nil {
			return err
		}
		if !slices.Contains(allowed, name) {
			return unknownParameter(name, allowed)
		}
		if seen[name] && !slices.Contains(repeatable, name) {
			return BadRequest(api.CodeRepeatedParameter, "parameter %s is given more than once", name)
		}
		seen[name] = true
		if fault := set(name, value); fault != "" {
			return BadRequest(api.CodeInvalidParameter, "parameter %s %s", name, fault)
		}
	}
	return nil
}

func unknownParameter(name string, allowed []string) *Failure {
	if len(allowed) == 0 {
		return BadRequest(api.CodeUnknownParameter, "there is no parameter %s here, nor any other", QuoteShort(name))
	}
	return BadRequest(api.CodeUnknownParameter, "there is no parameter %s here; there are: %s",
		QuoteShort(name), strings.Join(allowed, ", "))
}

func unescapePair(pair string) (name, value string, err error) {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	name, err1 := url.QueryUnescape(rawName)
	value, err2 := url.QueryUnescape(rawValue)
	if err1 != nil || err2 != nil || strings.Contains(pair, ";") {
		return "", "", BadRequest(api.CodeInvalidQuery, "the query string is not name=value pairs, percent-encoded and joined by &")
	}
	if !utf8.ValidString(name) || !utf8.ValidString(value) {
		return "", "", BadRequest(api.CodeInvalidQuery, "the query string is not UTF-8")
	}
	return name, value, nil
}

// QuoteShort quotes text that a client sent, for a detail shown to that client.
// Long text is cut.
func QuoteShort(s string) string {
	const most = 64
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return `"` + s + `"`
}
