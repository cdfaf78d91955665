package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// evaluator is the engine of schemas with keywords that the library evaluates
// inexactly, describes badly or does not have: equality of numbers, alternatives,
// minContains and maxContains. It walks the schema and the data itself, and lets the
// library evaluate the assertions and the subschemas without such keywords.
type evaluator struct {
	root *subschema
	// names are the names of members that the schema holds.
	names map[string]bool
}

// findFaults evaluates data. It has no state, so that calls run concurrently.
func (e *evaluator) findFaults(data any, limit int) ([]event.Fault, error) {
	r := report{evaluator: e, limit: limit}
	r.apply(e.root, data, nil, nil)
	return r.faults, r.err
}

// place is a location in the data, as a list up to the root, which is nil.
type place struct {
	parent *place
	token  string
}

func atIndex(array *place, i int) *place { return &place{array, strconv.Itoa(i)} }

// pointer returns the JSON pointer of the place in the event.
func (p *place) pointer() string {
	depth := 1
	for q := p; q != nil; q = q.parent {
		depth++
	}
	tokens := make([]string, depth)
	tokens[0] = "data"
	for q := p; q != nil; q = q.parent {
		depth--
		tokens[depth] = q.token
	}
	return event.Pointer(tokens...)
}

// report collects the faults of one evaluation.
type report struct {
	evaluator *evaluator
	// validity is set where only it matters: the evaluation ends at the first
	// fault, which has no content.
	validity bool
	limit    int // of faults, 0 for no limit; see engine
	faults   []event.Fault
	err      error // errTooMany, or an error of the library
}

// isDone reports whether nothing that follows can change the result.
func (r *report) isDone() bool { return r.err != nil || r.validity && len(r.faults) > 0 }

// addf adds a fault. The text has no argument that comes from the data.
func (r *report) addf(at *place, format string, args ...any) {
	if r.validity {
		r.faults = append(r.faults, event.Fault{})
		return
	}
	if r.limit > 0 && len(r.faults) >= r.limit {
		r.err = errTooMany
		return
	}
	r.faults = append(r.faults, event.Fault{
		Code: event.CodeSchemaViolation, Path: at.pointer(), Message: fmt.Sprintf(format, args...),
	})
}

// matches reports whether a value matches. More faults than the limit are a
// mismatch; any other error of the library is kept.
func (r *report) matches(s *subschema, v any, at *place, noted *evaluatedParts) bool {
	inner := report{evaluator: r.evaluator, validity: true, limit: r.limit}
	inner.apply(s, v, at, noted)
	if inner.err != nil && !errors.Is(inner.err, errTooMany) {
		r.err = inner.err
	}
	return inner.err == nil && len(inner.faults) == 0
}

// apply evaluates a value by a subschema, and notes the parts that it evaluates. A
// value of a wrong type has that fault alone.
func (r *report) apply(s *subschema, v any, at *place, noted *evaluatedParts) {
	switch {
	case r.isDone():
		return
	case s.boolean != nil:
		if !*s.boolean {
			r.addf(at, "nothing is allowed here")
		}
		return
	case s.types != nil && !s.types.allow(v):
		r.addf(at, "must be of type %s, not %s", s.types, typeName(v))
		return
	}
	if r.validity && !s.mayMatch(v) { // before the library, which would make errors
		r.addf(at, "")
		return
	}
	if s.engine != nil {
		r.applyEngine(s, v, at)
	}
	if s.whole {
		return
	}
	if s.tracksEvaluated() {
		inner := &evaluatedParts{}
		r.applyParts(s, v, at, inner)
		r.applyUnevaluated(s, v, at, inner)
		noted.addFrom(inner)
		return
	}
	r.applyParts(s, v, at, noted)
}

// applyParts evaluates the keywords that are not assertions of the library.
func (r *report) applyParts(s *subschema, v any, at *place, noted *evaluatedParts) {
	for _, a := range s.allowed {
		if !a.contains(v) {
			r.addf(at, "%s", a.message)
		}
	}
	r.applyInPlace(s, v, at, noted)
	switch v := v.(type) {
	case map[string]any:
		r.applyToMembers(s, v, at, noted)
	case []any:
		r.applyToElements(s, v, at, noted)
	}
}

// applyEngine adds the faults that the library finds in a value. The faults of a value
// that contains no others are few: they need not be counted inside of the library.
func (r *report) applyEngine(s *subschema, v any, at *place) {
	limit := r.limit
	if s.isFlat || !isContainer(v) {
		limit = 0 // there are no more faults than keywords
	}
	faults, err := s.engine.findFaults(v, limit)
	switch {
	case err != nil:
		r.err = err
	case len(faults) == 0:
	case r.validity:
		r.faults = append(r.faults, event.Fault{})
	case r.limit > 0 && len(r.faults)+len(faults) > r.limit:
		r.err = errTooMany
	default:
		root := event.Pointer("data")
		prefix := at.pointer()
		for _, f := range faults {
			f.Path = prefix + strings.TrimPrefix(f.Path, root)
			r.faults = append(r.faults, f)
		}
	}
}

// mayMatch reports false for a value that lacks a required member, or is not among
// the allowed values.
func (s *subschema) mayMatch(v any) bool {
	if object, ok := v.(map[string]any); ok {
		for _, name := range s.required {
			if _, ok := object[name]; !ok {
				return false
			}
		}
	}
	for _, a := range s.allowed {
		if !a.contains(v) {
			return false
		}
	}
	return true
}

func isContainer(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// applyInPlace evaluates the subschemas that apply to the value itself.
func (r *report) applyInPlace(s *subschema, v any, at *place, noted *evaluatedParts) {
	if s.ref != nil {
		r.apply(s.ref, v, at, noted)
	}
	for _, all := range s.allOf {
		r.apply(all, v, at, noted)
	}
	if s.anyOf != nil {
		r.applyAnyOf(s.anyOf, v, at, noted)
	}
	if s.oneOf != nil {
		r.applyOneOf(s.oneOf, v, at, noted)
	}
	if s.not != nil && r.matches(s.not, v, at, nil) {
		r.addf(at, "matches what is excluded (not)")
	}
	if s.test != nil {
		branch := s.otherwise
		if inner := noted.inner(); r.matches(s.test, v, at, inner) {
			noted.addFrom(inner)
			branch = s.then
		}
		if branch != nil {
			r.apply(branch, v, at, noted)
		}
	}
}

func (r *report) applyToMembers(s *subschema, v map[string]any, at *place, noted *evaluatedParts) {
	for _, name := range s.requiredBy {
		if _, ok := v[name]; !ok {
			r.addf(&place{at, name}, "the member is missing; another one requires it")
		}
	}
	for _, d := range s.dependents {
		if _, ok := v[d.member]; ok {
			r.apply(d.schema, v, at, noted)
		}
	}
	if s.properties == nil && s.patterns == nil && s.additional == nil && s.names == nil {
		return
	}
	for name, member := range v {
		if r.isDone() {
			return
		}
		if r.applyToMember(s, name, member, &place{at, name}) {
			noted.addMember(name)
		}
	}
}

// applyToMember reports whether a schema applies to the member.
func (r *report) applyToMember(s *subschema, name string, v any, at *place) (known bool) {
	if property, ok := s.properties[name]; ok {
		known = true
		r.apply(property, v, at, nil)
	}
	for _, p := range s.patterns {
		if p.names.MatchString(name) {
			known = true
			r.apply(p.schema, v, at, nil)
		}
	}
	if s.additional != nil && !known {
		known = true
		r.applyRemaining(s.additional, v, at, "the member is not allowed")
	}
	if s.names != nil && !r.matches(s.names, name, at, nil) {
		r.addf(at, "the name of the member is not allowed")
		r.apply(s.names, name, at.parent, nil)
	}
	return known
}

func (r *report) applyToElements(s *subschema, v []any, at *place, noted *evaluatedParts) {
	if s.unique && hasEqualElements(v) {
		r.addf(at, "has equal elements")
	}
	for i, e := range v {
		item := s.rest
		if i < len(s.list) {
			item = s.list[i]
		} else if item.allowsNothing() && s.list != nil {
			r.addf(at, "has more elements than are allowed")
			break
		}
		if item == nil || r.isDone() {
			break
		}
		noted.addElement(i)
		r.apply(item, e, atIndex(at, i), nil)
	}
	if s.contains != nil {
		r.applyContains(s, v, at, noted)
	}
}

func (r *report) applyContains(s *subschema, v []any, at *place, noted *evaluatedParts) {
	if !s.containsEvaluates {
		noted = nil
	}
	matching := 0
	for i, e := range v {
		if r.matches(s.contains, e, atIndex(at, i), nil) {
			matching++
			noted.addElement(i)
		}
		if noted == nil && (matching > s.maxContains || matching >= s.minContains && s.maxContains == maxCount) {
			break
		}
	}
	switch {
	case matching > s.maxContains:
		r.addf(at, "has more than %d elements that match (contains)", s.maxContains)
	case matching >= s.minContains:
	case s.minContains == 1:
		r.addf(at, "has no element that matches (contains)")
	default:
		r.addf(at, "has fewer than %d elements that match (contains)", s.minContains)
	}
}

// String lists the types as they stand in messages.
func (t typeNames) String() string {
	if len(t) == 1 {
		return t[0]
	}
	return "[" + strings.Join(t, ",") + "]"
}

// constantText returns the JSON text of a constant of a schema, for messages.
func constantText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "a constant"
	}
	return string(text)
}
