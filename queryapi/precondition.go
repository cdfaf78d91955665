package queryapi

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/registry"
)

// headerNote says why a change is made.
const headerNote = "X-Eye-Note"

// precondition is what a request demands of the version that it changes.
type precondition struct {
	// match is the revision that must be present, 0 for none, or
	// registry.AnyPresent.
	match uint64
	// given says that the request has an If-Match at all.
	given bool
}

// ifMatch reads If-Match: one revision, quoted as ETag has it or bare, or *.
// Without the header match is 0.
func ifMatch(h http.Header) (precondition, error) {
	values := h.Values("If-Match")
	if len(values) == 0 {
		return precondition{}, nil
	}
	v := strings.TrimSpace(values[0])
	if len(values) == 1 && v == "*" {
		return precondition{match: registry.AnyPresent, given: true}, nil
	}
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		v = v[1 : len(v)-1]
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil || n > math.MaxInt64 || len(values) > 1 {
		return precondition{}, badRequest(codeInvalidHeader, `header If-Match must be one revision, such as "12", or *`)
	}
	return precondition{match: n, given: true}, nil
}

// orAny is the match of a call whose If-Match is optional.
func (p precondition) orAny() uint64 {
	if p.given {
		return p.match
	}
	return registry.Any
}

// changeOf is what every change says beside its body.
type changeOf struct {
	precondition
	by registry.By
}

// readChange reads what goes with a body. No call that changes something has
// parameters.
func readChange(r *http.Request, who scope) (c changeOf, err error) {
	if _, err = parseQuery(r.URL.RawQuery, nil); err != nil {
		return c, err
	}
	if c.precondition, err = ifMatch(r.Header); err != nil {
		return c, err
	}
	c.by, err = by(r.Header, who)
	return c, err
}

// readRemoval is readChange for what may not go without If-Match.
func readRemoval(r *http.Request, who scope) (changeOf, error) {
	c, err := readChange(r, who)
	if err == nil && !c.given {
		err = &failure{
			Status: http.StatusPreconditionRequired, Code: codePreconditionRequired,
			Detail: "header If-Match must say which revision is removed; ETag of a GET is the present one",
		}
	}
	return c, err
}

// by says who makes a change, and why.
func by(h http.Header, who scope) (registry.By, error) {
	note := strings.TrimSpace(strings.Join(h.Values(headerNote), " "))
	switch {
	case !utf8.ValidString(note):
		return registry.By{}, badRequest(codeInvalidHeader, "header %s must be UTF-8", headerNote)
	case utf8.RuneCountInString(note) > registry.MaxNote:
		return registry.By{}, badRequest(codeInvalidHeader, "header %s must have at most %d characters", headerNote, registry.MaxNote)
	case strings.ContainsFunc(note, breaksLine):
		return registry.By{}, badRequest(codeInvalidHeader, "header %s must be one line without control characters", headerNote)
	}
	return registry.By{Author: who.author, Note: note}, nil
}

// breaksLine reports whether r would break a line, or steer a terminal, where a
// note is shown.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp)
}
