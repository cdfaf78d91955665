package schema

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/theeye/theeye/shared/event"
)

// Costs of keywords beside the 1 of every keyword, in evaluations of a plain
// keyword.
const (
	// compareWeight is for keywords that encode a value as JSON to compare it.
	compareWeight = 8
	// compileWeight is for each pattern of patternProperties.
	compileWeight = 8
	// namesShare is the number of compared names or values that cost as much as
	// one keyword.
	namesShare = 16
)

// maxCount bounds lengths and counts.
const maxCount = math.MaxInt32

// maxExact is the first integer that a double cannot distinguish from its
// neighbour.
const maxExact = 1 << 53

var typeNames = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

func (c *checker) checkType(_ *node, m Location, v any) any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		m.Faultf("must name at least one type")
	}
	for i, t := range list {
		s, ok := t.(string)
		if !ok || !slices.Contains(typeNames, s) {
			m.Faultf("must be one of %v, or an array of them", typeNames)
			return v
		}
		if slices.Contains(list[:i], t) {
			m.Faultf("names %s twice", s)
		}
	}
	return v
}

func (c *checker) checkEnum(n *node, m Location, v any) any {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		m.Faultf("must be an array of at least one value")
		return v
	}
	size := 0
	seen := make(map[string]int, len(list))
	for i, value := range list {
		text := c.comparableText(m.At(strconv.Itoa(i)), value)
		if k, ok := seen[text]; ok {
			m.At(strconv.Itoa(i)).Faultf("equals value %d", k)
		}
		seen[text] = i
		size += len(text) + 2
	}
	c.allowed = max(c.allowed, size)
	n.weight += compareWeight + len(list)/namesShare
	return v
}

func (c *checker) checkConst(n *node, m Location, v any) any {
	c.allowed = max(c.allowed, len(c.comparableText(m, v)))
	n.weight += compareWeight
	return v
}

// comparableText returns a text that is equal for values that the library treats
// as equal, and refuses numbers that the library confuses with their neighbours.
func (c *checker) comparableText(m Location, v any) string {
	text, err := json.Marshal(c.asDoubles(m, v))
	if err != nil {
		m.Faultf("cannot be compared")
	}
	return string(text)
}

// asDoubles copies a value with its numbers converted as the library compares
// them.
func (c *checker) asDoubles(m Location, v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if number, ok := event.ParseNumber([]byte(v)); err != nil || !ok || number.Kind != event.Double && math.Abs(f) >= maxExact {
			m.Faultf("integers of 2^53 and more cannot be compared exactly")
		}
		return f
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = c.asDoubles(m.At(strconv.Itoa(i)), e)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, e := range v {
			object[name] = c.asDoubles(m.At(name), e)
		}
		return object
	}
	return v
}

func (c *checker) checkRequired(n *node, m Location, v any) any {
	list, ok := v.([]any)
	if !ok {
		m.Faultf("must be an array of strings")
		return []any{}
	}
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
	return c.checkBoolean(m, v)
}

func (c *checker) checkBoolean(m Location, v any) any {
	if _, ok := v.(bool); !ok {
		m.Faultf("must be true or false")
		return false
	}
	return v
}
