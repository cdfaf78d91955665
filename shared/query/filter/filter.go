package filter

import (
	"slices"
	"strings"
)

// Filter is a list of conditions that an event must all meet. An empty one matches
// every event.
type Filter []Condition

// Match reports whether an event meets every condition.
func (f Filter) Match(e *Event) bool {
	for i := range f {
		if !f[i].Match(e) {
			return false
		}
	}
	return true
}

// Relative reports whether the filter names a time that depends on the time of Parse.
func (f Filter) Relative() bool {
	return slices.ContainsFunc(f, func(c Condition) bool { return c.source != "" })
}

// Texts returns the canonical texts of the conditions, times in full. They mean the
// same as the filter, whenever they are parsed.
func (f Filter) Texts() []string {
	texts := make([]string, len(f))
	for i := range f {
		texts[i] = f[i].String()
	}
	return texts
}

// String returns a text that is the same for filters of the same conditions, in any
// order and spelling: that of an ETag. It has no bound but that of the filter.
func (f Filter) String() string { return joinTexts(f.Texts()) }

// Binding returns a text like String, in which times that depend on the time of Parse
// stand as they were written: that of a cursor, whose query is parsed again for each
// page.
func (f Filter) Binding() string {
	texts := f.Texts()
	for i := range f {
		if f[i].source != "" {
			texts[i] = f[i].head() + "relative " + f[i].source
		}
	}
	return joinTexts(texts)
}

// joinTexts joins texts in order, each once.
func joinTexts(texts []string) string {
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "\n")
}

// String returns the canonical text of the condition: text is quoted as JSON, numbers
// are in one spelling, times in full.
func (c *Condition) String() string {
	return c.head() + string(c.operand.appendJSON(nil, true))
}

// head returns the canonical text before the operand.
func (c *Condition) head() string {
	if c.Op >= OpIn {
		return c.Field.String() + " " + c.Op.String() + " "
	}
	return c.Field.String() + c.Op.String()
}
