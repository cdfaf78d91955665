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

func (c *checker) checkInPlaceList(n *node, m Location, v any) ([]*subschema, any) {
	nodes, copied := c.checkSchemaList(m, v)
	n.inPlace = append(n.inPlace, nodes...)
	return evaluatedBy(nodes), copied
}

func evaluatedBy(nodes []*node) []*subschema {
	list := make([]*subschema, len(nodes))
	for i, n := range nodes {
		list[i] = n.evaluated
	}
	return list
}

func (c *checker) checkAllOf(n *node, m Location, v any) (copied any) {
	n.evaluated.allOf, copied = c.checkInPlaceList(n, m, v)
	return copied
}

// checkAnyOf leaves the evaluation to this package, because the library reports the
// faults of one alternative as if it were the only one.
func (c *checker) checkAnyOf(n *node, m Location, v any) (copied any) {
	n.evaluated.anyOf, copied = c.checkInPlaceList(n, m, v)
	c.markInexact()
	return copied
}

// checkOneOf is as checkAnyOf; the library also does not distinguish no match from
// several.
func (c *checker) checkOneOf(n *node, m Location, v any) (copied any) {
	n.evaluated.oneOf, copied = c.checkInPlaceList(n, m, v)
	c.markInexact()
	return copied
}

func (c *checker) checkInPlace(n *node, m Location, v any) (*subschema, any) {
	child, copied := c.checkSchema(m, v)
	n.inPlace = append(n.inPlace, child)
	return child.evaluated, copied
}

// checkNot leaves the evaluation to this package, because the library would retain
// errors that are not faults.
func (c *checker) checkNot(n *node, m Location, v any) (copied any) {
	n.evaluated.not, copied = c.checkInPlace(n, m, v)
	c.markInexact()
	return copied
}

// checkIf is as checkNot.
func (c *checker) checkIf(n *node, m Location, v any) (copied any) {
	n.evaluated.test, copied = c.checkInPlace(n, m, v)
	c.markInexact()
	return copied
}

func (c *checker) checkThen(n *node, m Location, v any) (copied any) {
	n.evaluated.then, copied = c.checkInPlace(n, m, v)
	return copied
}

func (c *checker) checkElse(n *node, m Location, v any) (copied any) {
	n.evaluated.otherwise, copied = c.checkInPlace(n, m, v)
	return copied
}

func (c *checker) checkProperties(n *node, m Location, v any) any {
	n.evaluated.properties = map[string]*subschema{}
	copied := c.checkSchemaMap(m, v, func(name string, _ Location, child *node) {
		c.names[name] = true
		n.evaluated.properties[name] = child.evaluated
		n.object.either = append(n.object.either, child)
	})
	n.weight += len(n.object.either) / namesShare
	return copied
}

// checkPatternProperties leaves the evaluation to this package, because the library
// compiles the patterns again for every member.
func (c *checker) checkPatternProperties(n *node, m Location, v any) any {
	c.markInexact()
	schemas, _ := c.checkSchemaMap(m, v, func(name string, at Location, child *node) {
		n.object.every = append(n.object.every, child)
		p := c.readPattern(at, name)
		n.weight += p.cost
		n.evaluated.patterns = append(n.evaluated.patterns, patternSchema{p.compiled, child.evaluated})
	}).(map[string]any)
	return c.translatePatterns(schemas)
}

func (c *checker) checkAdditionalProperties(n *node, m Location, v any) any {
	child, copied := c.checkRemaining(m, v)
	n.object.either = append(n.object.either, child)
	n.evaluated.additional = child.evaluated
	return copied
}

// checkRemaining checks the schema of what no other keyword names, which may be a
// boolean in every draft.
func (c *checker) checkRemaining(m Location, v any) (*node, any) {
	if allowed, ok := v.(bool); ok && c.draft < 6 {
		n := c.addNode(m.Path)
		n.evaluated.boolean = &allowed
		return n, allowed
	}
	return c.checkSchema(m, v)
}

func (c *checker) checkPropertyNames(n *node, m Location, v any) any {
	child, copied := c.checkSchema(m, v)
	n.object.every = append(n.object.every, child)
	n.evaluated.names = child.evaluated
	return copied
}

// checkDependencies holds, by member, a schema or the names of other members.
func (c *checker) checkDependencies(n *node, m Location, v any) any {
	return c.checkDependents(n, m, v, "an object of schemas or arrays of strings", func(m Location, v any) (*node, any) {
		if names, ok := v.([]any); ok {
			return c.checkDependentNames(n, m, names)
		}
		return c.checkSchema(m, v)
	})
}

func (c *checker) checkDependentSchemas(n *node, m Location, v any) any {
	return c.checkDependents(n, m, v, "an object of schemas", c.checkSchema)
}

func (c *checker) checkDependentRequired(n *node, m Location, v any) any {
	return c.checkDependents(n, m, v, "an object of arrays of strings", func(m Location, v any) (*node, any) {
		names, ok := v.([]any)
		if !ok {
			m.Faultf("must be an array of strings")
		}
		return c.checkDependentNames(n, m, names)
	})
}

// checkDependents checks an object of what must hold where it has the member. Where
// a schema has several such keywords, only this package evaluates them.
func (c *checker) checkDependents(n *node, m Location, v any, form string, check func(Location, any) (*node, any)) any {
	object, ok := v.(map[string]any)
	if !ok {
		m.Faultf("must be %s", form)
		return map[string]any{}
	}
	copied := make(map[string]any, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		child, s := check(m.At(name), object[name])
		n.inPlace = append(n.inPlace, child)
		n.evaluated.dependents = append(n.evaluated.dependents, dependentSchema{name, child.evaluated})
		copied[name] = s
	}
	if _, both := n.copied["dependencies"]; both || len(n.evaluated.dependents) > len(object) {
		c.markInexact()
	}
	return copied
}

// checkDependentNames checks the names of members that another one requires, and
// makes a schema of them.
func (c *checker) checkDependentNames(n *node, m Location, names []any) (*node, any) {
	child := c.addNode(m.Path)
	child.evaluated.requiredBy = stringsOf(names)
	return child, c.checkNames(n, m, names)
}

func (c *checker) checkItems(n *node, m Location, v any) any {
	if list, ok := v.([]any); ok && c.draft < draft2020 {
		return c.checkElementList(n, m, list)
	} else if ok {
		m.Faultf("must be a schema; an array of schemas is prefixItems from draft 2020-12 on")
		return map[string]any{}
	}
	return c.checkRest(n, m, v)
}

func (c *checker) checkPrefixItems(n *node, m Location, v any) any {
	return c.checkElementList(n, m, v)
}

func (c *checker) checkElementList(n *node, m Location, v any) any {
	nodes, copied := c.checkSchemaList(m, v)
	n.array.either = append(n.array.either, nodes...)
	n.evaluated.list = evaluatedBy(nodes)
	return copied
}

func (c *checker) checkRest(n *node, m Location, v any) any {
	child, copied := c.checkRemaining(m, v)
	n.array.either = append(n.array.either, child)
	n.evaluated.rest = child.evaluated
	return copied
}

// checkAdditionalItems has no effect where items is not an array.
func (c *checker) checkAdditionalItems(n *node, m Location, v any) any {
	if _, ok := n.keywords["items"].([]any); ok {
		return c.checkRest(n, m, v)
	}
	_, copied := c.checkRemaining(m, v)
	return copied
}

func (c *checker) checkContains(n *node, m Location, v any) any {
	child, copied := c.checkSchema(m, v)
	c.markInexact()
	n.array.every = append(n.array.every, child)
	n.evaluated.contains, n.evaluated.containsEvaluates = child.evaluated, c.draft >= draft2020
	return copied
}

func (c *checker) checkMinContains(n *node, m Location, v any) any {
	n.evaluated.minContains = c.checkElementCount(m, v)
	return v
}

func (c *checker) checkMaxContains(n *node, m Location, v any) any {
	n.evaluated.maxContains = c.checkElementCount(m, v)
	return v
}

func (c *checker) checkElementCount(m Location, v any) int {
	c.markInexact()
	count, ok := readCount(v)
	if !ok {
		m.Faultf("must be an integer between 0 and %d", maxCount)
	}
	return int(count)
}

// stringsOf returns the strings of a list.
func stringsOf(list []any) []string {
	var all []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
