package oracle

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Filter is one condition on events.
type Filter struct {
	Field, Op string
	// Value is the other side of the comparison: a list for in, a boolean for exists.
	Value any
}

// Text spells the condition as a parameter.
func (f Filter) Text() string {
	v := f.Value
	if t, ok := v.(time.Time); ok {
		v = t.Format(time.RFC3339Nano)
	}
	raw, _ := json.Marshal(v)
	if f.Op == "in" || f.Op == "exists" {
		return f.Field + " " + f.Op + " " + string(raw)
	}
	return f.Field + f.Op + string(raw)
}

// Texts spells conditions.
func Texts(filters []Filter) []string {
	list := make([]string, len(filters))
	for i, f := range filters {
		list[i] = f.Text()
	}
	return list
}

func (f Filter) matches(e *Event) bool {
	values := e.values(f.Field)
	equal := func(v any) bool { return Canonical(v) == Canonical(f.Value) }
	switch f.Op {
	case "exists":
		return (len(values) > 0) == f.Value.(bool) //nolint:forcetypeassert // by its construction
	case "=":
		return slices.ContainsFunc(values, equal)
	case "!=":
		return !slices.ContainsFunc(values, equal)
	case "in":
		for _, one := range f.Value.([]any) { //nolint:forcetypeassert // by its construction
			if (Filter{f.Field, "=", one}).matches(e) {
				return true
			}
		}
		return false
	case "^=", "*=":
		return slices.ContainsFunc(values, func(v any) bool {
			text, ok := v.(string)
			want, _ := f.Value.(string)
			return ok && (f.Op == "^=" && strings.HasPrefix(text, want) || f.Op == "*=" && strings.Contains(text, want))
		})
	}
	return slices.ContainsFunc(values, func(v any) bool {
		c, ok := order(v, f.Value)
		return ok && (f.Op == ">" && c > 0 || f.Op == ">=" && c >= 0 || f.Op == "<" && c < 0 || f.Op == "<=" && c <= 0)
	})
}

// order compares two numbers, texts or times; other values have no order.
func order(a, b any) (int, bool) {
	switch a := a.(type) {
	case json.Number:
		x, _ := Number(a)
		if y, ok := Number(b); ok {
			return x.Cmp(y), true
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(a, y), true
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return a.Compare(y), true
		}
	}
	return 0, false
}

func matchesAll(filters []Filter, e *Event) bool {
	for _, f := range filters {
		if !f.matches(e) {
			return false
		}
	}
	return true
}
