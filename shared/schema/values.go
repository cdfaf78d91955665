package schema

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/theeye/theeye/shared/event"
)

// What keywords cost beside the 1 of every keyword, in evaluations of a plain
// keyword.
const (
	// compareWeight is for keywords that write a value as JSON to compare it.
	compareWeight = 8
	// compileWeight is for each pattern of patternProperties.
	compileWeight = 8
	// namesShare is how many names or values that are only compared cost as
	// much as one keyword.
	namesShare = 16
)

// maxCount bounds lengths and counts.
const maxCount = math.MaxInt32

// maxExact is the first integer that a double does not tell from its
// neighbour.
const maxExact = 1 << 53

var typeNames = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

func (c *checker) types(_ *node, m Members, v any) any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		m.Faultf("wants at least one type")
	}
	for i, t := range list {
		s, ok := t.(string)
		if !ok || !slices.Contains(typeNames, s) {
			m.Faultf("wants types of %v", typeNames)
			return v
		}
		if slices.Contains(list[:i], t) {
			m.Faultf("names %s twice", s)
		}
	}
	return v
}

func (c *checker) enum(n *node, m Members, v any) any {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		m.Faultf("wants an array of values, at least one")
		return v
	}
	size := 0
	seen := make(map[string]int, len(list))
	for i, value := range list {
		text := c.comparable(m.At(strconv.Itoa(i)), value)
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

func (c *checker) constant(n *node, m Members, v any) any {
	c.allowed = max(c.allowed, len(c.comparable(m, v)))
	n.weight += compareWeight
	return v
}

// comparable returns a text that is equal for values the library takes for
// equal, and refuses numbers that it takes for their neighbours.
func (c *checker) comparable(m Members, v any) string {
	text, err := json.Marshal(c.doubles(m, v))
	if err != nil {
		m.Faultf("is no value that can be compared")
	}
	return string(text)
}

// doubles copies a value with its numbers as the library compares them.
func (c *checker) doubles(m Members, v any) any {
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
			list[i] = c.doubles(m.At(strconv.Itoa(i)), e)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, e := range v {
			object[name] = c.doubles(m.At(name), e)
		}
		return object
	}
	return v
}

func (c *checker) required(n *node, m Members, v any) any {
	list, ok := v.([]any)
	if !ok {
		m.Faultf("wants an array of names")
		return []any{}
	}
	return c.names(n, m, list)
}

// names checks a list of different names, each of which can be an error.
func (c *checker) names(n *node, m Members, list []any) any {
	n.weight += len(list)
	seen := make(map[string]bool, len(list))
	for i, v := range list {
		s, ok := v.(string)
		switch {
		case !ok:
			m.At(strconv.Itoa(i)).Faultf("wants a name")
		case seen[s]:
			m.At(strconv.Itoa(i)).Faultf("stands there twice")
		}
		seen[s] = true
	}
	return list
}

// bound reads a length or a count.
func bound(v any) (int64, bool) {
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

func (c *checker) count(_ *node, m Members, v any) any {
	i, ok := bound(v)
	if !ok {
		m.Faultf("wants an integer between 0 and %d", maxCount)
	}
	return json.Number(strconv.FormatInt(i, 10))
}

func (c *checker) number(_ *node, m Members, v any) any {
	if _, ok := v.(json.Number); !ok {
		m.Faultf("wants a number")
	}
	return v
}

// multipleOf divides exactly, in arbitrary precision.
func (c *checker) multipleOf(_ *node, m Members, v any) any {
	text, ok := v.(json.Number)
	if f, err := text.Float64(); !ok || err != nil || f <= 0 {
		m.Faultf("wants a number greater than 0")
	}
	return v
}

// exclusive is a switch in draft 4 and a bound later.
func (c *checker) exclusive(n *node, m Members, v any) any {
	if c.draft > 4 {
		return c.number(n, m, v)
	}
	return c.boolean(m, v)
}

func (c *checker) uniqueItems(n *node, m Members, v any) any {
	n.weight += compareWeight
	return c.boolean(m, v)
}

func (c *checker) boolean(m Members, v any) any {
	if _, ok := v.(bool); !ok {
		m.Faultf("wants true or false")
		return false
	}
	return v
}
