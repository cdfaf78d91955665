package schema

import (
	"maps"
	"slices"
	"strconv"
)

// checkSchemaMap checks an object of schemas and returns their copies by name. It
// calls use for each.
func (c *checker) checkSchemaMap(m Location, v any, use func(name string, at Location, n *node)) any {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("must be an object of schemas")
		return map[string]any{}
	}
	copied := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		n, s := c.checkSchema(m.At(name), object[name])
		copied[name] = s
		use(name, m.At(name), n)
	}
	return copied
}

// checkSchemaList checks a non-empty array of schemas.
func (c *checker) checkSchemaList(m Location, v any) ([]*node, any) {
	array, ok := v.([]any)
	if !ok || len(array) == 0 {
		m.Faultf("must be an array of at least one schema")
		return nil, []any{}
	}
	nodes, copied := make([]*node, len(array)), make([]any, len(array))
	for i, s := range array {
		nodes[i], copied[i] = c.checkSchema(m.At(strconv.Itoa(i)), s)
	}
	return nodes, copied
}

func (c *checker) checkDefinitions(_ *node, m Location, v any) any {
	return c.checkSchemaMap(m, v, func(string, Location, *node) {})
}

func (c *checker) checkInPlaceList(n *node, m Location, v any) any {
	nodes, copied := c.checkSchemaList(m, v)
	n.inPlace = append(n.inPlace, nodes...)
	return copied
}

func (c *checker) checkInPlace(n *node, m Location, v any) any {
	child, copied := c.checkSchema(m, v)
	n.inPlace = append(n.inPlace, child)
	return copied
}

func (c *checker) checkProperties(n *node, m Location, v any) any {
	copied := c.checkSchemaMap(m, v, func(_ string, _ Location, child *node) {
		n.object.either = append(n.object.either, child)
	})
	n.weight += len(n.object.either) / namesShare
	return copied
}

func (c *checker) checkPatternProperties(n *node, m Location, v any) any {
	return c.checkSchemaMap(m, v, func(name string, at Location, child *node) {
		n.object.every = append(n.object.every, child)
		// The library compiles the pattern again for every member.
		n.weight += compileWeight + c.patternCost(at, name)
	})
}

func (c *checker) checkAdditionalProperties(n *node, m Location, v any) any {
	if allowed, ok := v.(bool); ok && c.draft < 6 {
		return allowed
	}
	child, copied := c.checkSchema(m, v)
	n.object.either = append(n.object.either, child)
	return copied
}

func (c *checker) checkPropertyNames(n *node, m Location, v any) any {
	child, copied := c.checkSchema(m, v)
	n.object.every = append(n.object.every, child)
	return copied
}

// checkDependencies holds, by member, a schema or the names of other members.
func (c *checker) checkDependencies(n *node, m Location, v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("must be an object of schemas or arrays of strings")
		return map[string]any{}
	}
	copied := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if names, ok := object[name].([]any); ok {
			copied[name] = c.checkNames(n, m.At(name), names)
			continue
		}
		child, s := c.checkSchema(m.At(name), object[name])
		n.inPlace = append(n.inPlace, child)
		copied[name] = s
	}
	return copied
}

func (c *checker) checkItems(n *node, m Location, v any) any {
	if _, ok := v.([]any); ok {
		nodes, copied := c.checkSchemaList(m, v)
		n.array.either = append(n.array.either, nodes...)
		return copied
	}
	child, copied := c.checkSchema(m, v)
	n.array.either = append(n.array.either, child)
	return copied
}

func (c *checker) checkAdditionalItems(n *node, m Location, v any) any {
	if allowed, ok := v.(bool); ok && c.draft < 6 {
		return allowed
	}
	child, copied := c.checkSchema(m, v)
	n.array.either = append(n.array.either, child)
	return copied
}

func (c *checker) checkContains(n *node, m Location, v any) any {
	child, copied := c.checkSchema(m, v)
	n.array.every = append(n.array.every, child)
	return copied
}
