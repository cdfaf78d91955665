package schema

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Costs of keywords beside the 1 of every keyword, in evaluations of a plain
// keyword.
const (
	// compareWeight is for keywords that encode a value as JSON to compare it.
	compareWeight = 8
	// namesShare is the number of compared names or values that cost as much as
	// one keyword.
	namesShare = 16
)

// maxCount bounds lengths and counts.
const maxCount = math.MaxInt32

var allTypes = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

func (c *checker) checkType(n *node, m Location, v any) any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		m.Faultf("must name at least one type")
	}
	for i, t := range list {
		s, ok := t.(string)
		if !ok || !slices.Contains(allTypes, s) {
			m.Faultf("must be one of %v, or an array of them", allTypes)
			return v
		}
		if slices.Contains(list[:i], t) {
			m.Faultf("names %s twice", s)
		}
		n.evaluated.types = append(n.evaluated.types, s)
	}
	return v
}

func (c *checker) checkEnum(n *node, m Location, v any) any {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		m.Faultf("must be an array of at least one value")
		return v
	}
	seen := make(map[string]struct{}, len(list))
	texts := make([]string, len(list))
	for i, value := range list {
		key := string(appendKey(nil, value))
		if _, ok := seen[key]; ok {
			m.At(strconv.Itoa(i)).Faultf("equals a value before it")
		}
		seen[key] = struct{}{}
		texts[i] = constantText(value)
	}
	text := strings.Join(texts, ", ")
	c.allow(n, list, &allowedValues{keys: seen, message: "is none of " + truncate(text, maxDetail)})
	c.allowed = max(c.allowed, len(text))
	n.weight += compareWeight + len(list)/namesShare
	return v
}

func (c *checker) checkConst(n *node, m Location, v any) any {
	text := constantText(v)
	c.allow(n, []any{v}, &allowedValues{
		keys: map[string]struct{}{string(appendKey(nil, v)): {}}, message: "is not " + truncate(text, maxDetail),
	})
	c.allowed = max(c.allowed, len(text))
	n.weight += compareWeight
	return v
}

// allow notes what enum or const allows. The library compares numbers as doubles.
func (c *checker) allow(n *node, list []any, values *allowedValues) {
	values.objects = slices.ContainsFunc(list, isObject)
	n.evaluated.allowed = append(n.evaluated.allowed, values)
	if slices.ContainsFunc(list, holdsNumber) {
		c.markInexact()
	}
}

func (c *checker) checkRequired(n *node, m Location, v any) any {
	list, ok := v.([]any)
	if !ok {
		m.Faultf("must be an array of strings")
		return []any{}
	}
	n.evaluated.required = stringsOf(list)
	return c.checkNames(n, m, list)
}

// checkNames checks a list of distinct names, each of which can cause an error.
func (c *checker) checkNames(n *node, m Location, list []any) any {
	n.weight += len(list)
	seen := make(map[string]bool, len(list))
	for i, v := range list {
		s, ok := v.(string)
		switch {
		case !ok:
			m.At(strconv.Itoa(i)).Faultf("must be a string")
		case seen[s]:
			m.At(strconv.Itoa(i)).Faultf("is listed twice")
		}
		seen[s] = true
		c.names[s] = true
	}
	return list
}

// readCount parses a length or a count.
func readCount(v any) (int64, bool) {
	text, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := text.Float64()
	if err != nil || f < 0 || f > maxCount || f != math.Trunc(f) {
		return 0, false
	}
	return int64(f), true
}

func (c *checker) checkCount(_ *node, m Location, v any) any {
	i, ok := readCount(v)
	if !ok {
		m.Faultf("must be an integer between 0 and %d", maxCount)
	}
	return json.Number(strconv.FormatInt(i, 10))
}

func (c *checker) checkNumber(_ *node, m Location, v any) any {
	if _, ok := v.(json.Number); !ok {
		m.Faultf("must be a number")
	}
	return v
}

// checkMultipleOf divides exactly, in arbitrary precision.
func (c *checker) checkMultipleOf(_ *node, m Location, v any) any {
	text, ok := v.(json.Number)
	if f, err := text.Float64(); !ok || err != nil || f <= 0 {
		m.Faultf("must be a number greater than 0")
	}
	return v
}

// checkExclusiveBound checks a boolean in draft 4 and a number in later drafts.
func (c *checker) checkExclusiveBound(n *node, m Location, v any) any {
	if c.draft > 4 {
		return c.checkNumber(n, m, v)
	}
	return c.checkBoolean(m, v)
}

func (c *checker) checkUniqueItems(n *node, m Location, v any) any {
	n.weight += compareWeight
	if unique := c.checkBoolean(m, v); unique == true {
		n.evaluated.unique = true
		c.markInexact()
	}
	return v
}

func (c *checker) checkBoolean(m Location, v any) any {
	if _, ok := v.(bool); !ok {
		m.Faultf("must be true or false")
		return false
	}
	return v
}
