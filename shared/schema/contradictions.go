package schema

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
)

// checkRoot refuses a document that no data of an event can match: data is always an
// object.
func (c *checker) checkRoot(root *node) {
	if types := root.evaluated.types; len(types) > 0 && !slices.Contains(types, "object") {
		c.at("/type").Faultf("must allow object: the data of an event is always an object")
	}
	if list, ok := root.keywords["enum"].([]any); ok && len(list) > 0 && !slices.ContainsFunc(list, isObject) {
		c.at("/enum").Faultf("must hold an object: the data of an event is always an object")
	}
	if v, ok := root.keywords["const"]; ok && c.draft >= 6 && !isObject(v) {
		c.at("/const").Faultf("must be an object: the data of an event is always an object")
	}
	s := root.evaluated
	if s.boolean != nil || len(c.faults) > 0 {
		return // false is said on purpose; with faults there may be cycles
	}
	if s.refusesObjects(map[*subschema]bool{}) {
		c.at("").Faultf("allows no object, by allOf, anyOf, oneOf or $ref: the data of an event is always an object")
	}
}

// refusesObjects reports whether types, constants and false let no object match. It notes the answers, because schemas can share others many times.
func (s *subschema) refusesObjects(known map[*subschema]bool) bool {
	if s == nil {
		return false
	}
	refuses, ok := known[s]
	if !ok {
		each := func(s *subschema) bool { return s.refusesObjects(known) }
		every := func(list []*subschema) bool {
			return len(list) > 0 && !slices.ContainsFunc(list, func(s *subschema) bool { return !each(s) })
		}
		refuses = s.allowsNothing() || len(s.types) > 0 && !slices.Contains(s.types, "object") ||
			slices.ContainsFunc(s.allowed, func(a *allowedValues) bool { return !a.objects }) ||
			each(s.ref) || slices.ContainsFunc(s.allOf, each) || every(s.anyOf) || every(s.oneOf)
		known[s] = refuses
	}
	return refuses
}

func isObject(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

// orderedCounts are the lower and upper bounds that must not cross.
var orderedCounts = [][2]string{
	{"minLength", "maxLength"},
	{"minItems", "maxItems"},
	{"minProperties", "maxProperties"},
	{"minContains", "maxContains"},
	{"minContains", "maxItems"},
}

// checkContradictions refuses keywords of one schema that no value can match
// together.
func (c *checker) checkContradictions(n *node, m Location) {
	for _, pair := range orderedCounts {
		low, ok1 := readCount(n.keywords[pair[0]])
		high, ok2 := readCount(n.keywords[pair[1]])
		if ok1 && ok2 && low > high {
			m.At(pair[0]).Faultf("is greater than %s", pair[1])
		}
	}
	if most, ok := readCount(n.keywords["maxItems"]); ok && most == 0 && n.hasAny("contains") && n.evaluated.minContains > 0 && !n.hasAny("minContains") {
		m.At("contains").Faultf("needs an element, and maxItems is 0")
	}
	c.checkNumberBounds(n, m)
	c.checkPossibleMembers(n, m)
	c.checkPossibleElements(n, m)
	for _, name := range []string{"enum", "const"} {
		v, ok := n.keywords[name]
		list, isList := v.([]any)
		if name == "const" {
			list, isList = []any{v}, c.draft >= 6
		}
		types := n.evaluated.types
		if ok && isList && len(types) > 0 && len(list) > 0 && !slices.ContainsFunc(list, types.allow) {
			m.At(name).Faultf("holds no value of type %s", types)
		}
	}
}

// checkNumberBounds refuses a lower bound over an upper one, and equal ones where one
// of them is excluded.
func (c *checker) checkNumberBounds(n *node, m Location) {
	excluded := func(name string) bool { return c.draft == 4 && n.keywords[name] == true }
	type bound struct {
		name     string
		excluded bool
	}
	lows := []bound{{"minimum", excluded("exclusiveMinimum")}, {"exclusiveMinimum", true}}
	highs := []bound{{"maximum", excluded("exclusiveMaximum")}, {"exclusiveMaximum", true}}
	for _, low := range lows {
		for _, high := range highs {
			a, ok1 := readRational(n.keywords[low.name])
			b, ok2 := readRational(n.keywords[high.name])
			if !ok1 || !ok2 {
				continue
			}
			switch order := a.Cmp(b); {
			case order > 0:
				m.At(low.name).Faultf("is greater than %s", high.name)
			case order == 0 && (low.excluded || high.excluded):
				m.At(low.name).Faultf("leaves no number below %s", high.name)
			}
		}
	}
}

func readRational(v any) (*big.Rat, bool) {
	text, ok := v.(json.Number)
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(string(text))
}

// checkPossibleMembers refuses required members that are not allowed, and more of
// them than maxProperties.
func (c *checker) checkPossibleMembers(n *node, m Location) {
	required, _ := n.keywords["required"].([]any)
	if most, ok := readCount(n.keywords["maxProperties"]); ok && int64(len(required)) > most {
		m.At("required").Faultf("has more members than maxProperties")
	}
	s := n.evaluated
	closed := s.additional.allowsNothing()
	for i, v := range required {
		name, ok := v.(string)
		if !ok {
			continue
		}
		property := s.properties[name]
		switch {
		case property.allowsNothing():
			m.At("required").At(strconv.Itoa(i)).Faultf("is required, but properties allow it no value")
		case property == nil && closed && !s.matchesPattern(name):
			m.At("required").At(strconv.Itoa(i)).Faultf("is required, but properties do not have it and additionalProperties is false")
		}
	}
	least, ok := readCount(n.keywords["minProperties"])
	if ok && closed && len(s.patterns) == 0 && least > int64(len(s.properties)) {
		m.At("minProperties").Faultf("is more than properties have, and additionalProperties is false")
	}
}

// matchesPattern reports whether patternProperties has the name.
func (s *subschema) matchesPattern(name string) bool {
	return slices.ContainsFunc(s.patterns, func(p patternSchema) bool { return p.names.MatchString(name) })
}

// checkPossibleElements refuses more elements than the list of items allows.
func (c *checker) checkPossibleElements(n *node, m Location) {
	s := n.evaluated
	closed := s.rest.allowsNothing()
	if least, ok := readCount(n.keywords["minItems"]); ok && closed && least > int64(len(s.list)) {
		m.At("minItems").Faultf("is more than the elements that are allowed")
	}
}
