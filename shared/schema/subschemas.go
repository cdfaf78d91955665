package schema

import (
	"maps"
	"slices"
	"strconv"
)

// each checks the schemas of an object by name and returns their copies.
func (c *checker) each(m Members, v any, use func(name string, at Members, n *node)) any {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("wants an object of schemas")
		return map[string]any{}
	}
	copied := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		n, s := c.schema(m.At(name), object[name])
		copied[name] = s
		use(name, m.At(name), n)
	}
	return copied
}

// list checks the schemas of an array that must not be empty.
func (c *checker) list(m Members, v any) ([]*node, any) {
	array, ok := v.([]any)
	if !ok || len(array) == 0 {
		m.Faultf("wants an array of schemas, at least one")
		return nil, []any{}
	}
	nodes, copied := make([]*node, len(array)), make([]any, len(array))
	for i, s := range array {
		nodes[i], copied[i] = c.schema(m.At(strconv.Itoa(i)), s)
	}
	return nodes, copied
}

func (c *checker) definitions(_ *node, m Members, v any) any {
	return c.each(m, v, func(string, Members, *node) {})
}

func (c *checker) inPlaceList(n *node, m Members, v any) any {
	nodes, copied := c.list(m, v)
	n.inPlace = append(n.inPlace, nodes...)
	return copied
}

func (c *checker) inPlace(n *node, m Members, v any) any {
	child, copied := c.schema(m, v)
	n.inPlace = append(n.inPlace, child)
	return copied
}

func (c *checker) properties(n *node, m Members, v any) any {
	copied := c.each(m, v, func(_ string, _ Members, child *node) {
		n.object.either = append(n.object.either, child)
	})
	n.weight += len(n.object.either) / namesShare
	return copied
}

func (c *checker) patternProperties(n *node, m Members, v any) any {
	return c.each(m, v, func(name string, at Members, child *node) {
		n.object.every = append(n.object.every, child)
		// The library compiles the pattern anew for every member.
		n.weight += compileWeight + c.regexp(at, name)
	})
}

func (c *checker) additionalProperties(n *node, m Members, v any) any {
	if allowed, ok := v.(bool); ok && c.draft < 6 {
		return allowed
	}
	child, copied := c.schema(m, v)
	n.object.either = append(n.object.either, child)
	return copied
}

func (c *checker) propertyNames(n *node, m Members, v any) any {
	child, copied := c.schema(m, v)
	n.object.every = append(n.object.every, child)
	return copied
}

// dependencies holds, by member, a schema or the names of other members.
func (c *checker) dependencies(n *node, m Members, v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("wants an object of schemas or lists of names")
		return map[string]any{}
	}
	copied := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if names, ok := object[name].([]any); ok {
			copied[name] = c.names(n, m.At(name), names)
			continue
		}
		child, s := c.schema(m.At(name), object[name])
		n.inPlace = append(n.inPlace, child)
		copied[name] = s
	}
	return copied
}

func (c *checker) items(n *node, m Members, v any) any {
	if _, ok := v.([]any); ok {
		nodes, copied := c.list(m, v)
		n.array.either = append(n.array.either, nodes...)
		return copied
	}
	child, copied := c.schema(m, v)
	n.array.either = append(n.array.either, child)
	return copied
}

func (c *checker) additionalItems(n *node, m Members, v any) any {
	if allowed, ok := v.(bool); ok && c.draft < 6 {
		return allowed
	}
	child, copied := c.schema(m, v)
	n.array.either = append(n.array.either, child)
	return copied
}

func (c *checker) contains(n *node, m Members, v any) any {
	child, copied := c.schema(m, v)
	n.array.every = append(n.array.every, child)
	return copied
}
