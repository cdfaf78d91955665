package schema

import "strings"

// treatment is what becomes of a value that a schema marks as personal.
type treatment uint8

const (
	leave treatment = iota
	hash
	drop // the stronger one, where two versions disagree
)

// mark is what a schema says of one place in the data. nil marks nothing.
type mark struct {
	treatment treatment
	members   map[string]*mark
	elements  *mark // of an array, all of them
}

func (m *mark) member(name string) *mark {
	if m.members == nil {
		m.members = map[string]*mark{}
	}
	if m.members[name] == nil {
		m.members[name] = &mark{}
	}
	return m.members[name]
}

func (m *mark) element() *mark {
	if m.elements == nil {
		m.elements = &mark{}
	}
	return m.elements
}

// pii checks a mark and notes it. Only places that can be told without judging
// the data can be marked: a mark below $ref, an alternative or a pattern would
// hold for some events alone, and leak in the others.
func (c *checker) pii(m Members, v any) {
	s, _ := v.(string)
	t := map[string]treatment{"hash": hash, "drop": drop}[s]
	if t == leave {
		m.Faultf(`wants "hash" or "drop"`)
		return
	}
	schemaPath := strings.TrimSuffix(m.Path, "/"+keyPII)
	if schemaPath == "" {
		m.Faultf("may not stand at the root: mark members of the data")
		return
	}
	if c.marks == nil {
		c.marks = &mark{}
	}
	at := c.marks.reach(strings.Split(schemaPath[1:], "/"))
	switch {
	case at == nil:
		m.Faultf("may only stand where properties and a single schema in items lead from the root")
	case at.members != nil || at.elements != nil:
		// Names are visited in their order, so the marks inside come first.
		m.Faultf("takes the whole value: nothing inside of it can have a mark of its own")
	default:
		at.treatment = t
	}
}

// unescapePointer reverses the escaping of a JSON pointer's token.
var unescapePointer = strings.NewReplacer("~1", "/", "~0", "~")

// reach returns the mark of the place in the data that the schema at these
// tokens of a JSON pointer judges, nil when other keywords lead there.
func (m *mark) reach(tokens []string) *mark {
	switch {
	case len(tokens) == 0:
		return m
	case tokens[0] == "properties" && len(tokens) > 1:
		return m.member(unescapePointer.Replace(tokens[1])).reach(tokens[2:])
	case tokens[0] == "items":
		return m.element().reach(tokens[1:])
	}
	return nil
}
