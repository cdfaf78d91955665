package schema

import (
	"slices"
	"strconv"
	"strings"
)

const (
	// maxNamed is the number of alternatives up to which a message says why each
	// of them does not match.
	maxNamed = 5
	// maxReason and maxReasons bound the reason of one alternative, and all of
	// them, in bytes.
	maxReason  = 120
	maxReasons = 400
)

func (r *report) applyAnyOf(alternatives []*subschema, v any, at *place, noted *evaluatedParts) {
	matching := false
	for _, s := range alternatives {
		inner := noted.inner()
		if !r.matches(s, v, at, inner) {
			continue
		}
		if matching = true; noted == nil {
			return
		}
		noted.addFrom(inner)
	}
	if !matching && r.err == nil {
		r.addMismatch("anyOf", alternatives, v, at)
	}
}

func (r *report) applyOneOf(alternatives []*subschema, v any, at *place, noted *evaluatedParts) {
	var matching []string
	for i, s := range alternatives {
		inner := noted.inner()
		if r.matches(s, v, at, inner) {
			matching = append(matching, strconv.Itoa(i))
			noted.addFrom(inner)
		}
		if r.validity && len(matching) > 1 {
			break
		}
	}
	switch {
	case r.err != nil || len(matching) == 1:
	case len(matching) == 0:
		r.addMismatch("oneOf", alternatives, v, at)
	case len(matching) > maxNamed:
		r.addf(at, "matches %d of the alternatives; exactly one is allowed (oneOf)", len(matching))
	default:
		last := len(matching) - 1
		r.addf(at, "matches the alternatives %s and %s; exactly one is allowed (oneOf)", strings.Join(matching[:last], ", "), matching[last])
	}
}

// addMismatch adds one fault, at the value itself, for a value that matches none of
// the alternatives. Its text says of each why not, or of none where they are many.
func (r *report) addMismatch(keyword string, alternatives []*subschema, v any, at *place) {
	if !r.validity && len(alternatives) <= maxNamed {
		reasons := make([]string, len(alternatives))
		for i, s := range alternatives {
			inner := report{evaluator: r.evaluator, limit: r.limit}
			inner.apply(s, v, at, nil)
			reasons[i] = strconv.Itoa(i) + ": " + inner.firstReason(at)
		}
		if text := strings.Join(reasons, "; "); len(text) <= maxReasons {
			r.addf(at, "matches none of the alternatives (%s): %s", keyword, text)
			return
		}
	}
	r.addf(at, "matches none of the %d alternatives (%s)", len(alternatives), keyword)
}

// firstReason returns the first fault as a text: its place below at, and its message.
func (r *report) firstReason(at *place) string {
	if len(r.faults) == 0 {
		return "breaks the schema in many places"
	}
	first := slices.MinFunc(r.faults, compareFaults)
	text := first.Message
	if below := strings.TrimPrefix(first.Path, at.pointer()); below != "" {
		text = r.evaluator.hideNames(below) + " " + text
	}
	return truncate(text, maxReason)
}

// hideNames replaces in a JSON pointer what the schema does not name: a message must
// not quote the data, and is the same for every element of an array.
func (e *evaluator) hideNames(pointer string) string {
	tokens := strings.Split(pointer, "/")
	for i, token := range tokens[1:] {
		if !e.names[unescapePointer.Replace(token)] {
			tokens[i+1] = "*"
		}
	}
	return strings.Join(tokens, "/")
}
