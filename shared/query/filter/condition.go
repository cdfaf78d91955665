package filter

import (
	"slices"
	"strings"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Op is the operator of a condition.
type Op uint8

// The operators. The zero Op is not valid.
const (
	OpEqual Op = iota + 1
	OpNotEqual
	OpGreaterEqual
	OpGreater
	OpLessEqual
	OpLess
	OpPrefix
	OpContains
	OpIn
	OpExists
)

// ops are the operators as they are written, none behind another that it begins with.
var ops = [...]string{
	OpEqual: "=", OpNotEqual: "!=", OpGreaterEqual: ">=", OpGreater: ">", OpLessEqual: "<=", OpLess: "<",
	OpPrefix: "^=", OpContains: "*=", OpIn: "in", OpExists: "exists",
}

// String returns the operator as filters spell it.
func (o Op) String() string { return ops[o] }

// Condition is one condition of a Filter. It is immutable: Parse makes it.
type Condition struct {
	Field Field
	Op    Op

	operand Value
	// source is the text of times that depend on the time of Parse.
	source string
	// key is operand.Key of an array or object.
	key string
	// texts and keys are the elements of the operand of in: texts, and the keys of
	// all others.
	texts, keys map[string]struct{}
	// instants are the operands of a time, sorted, in microseconds since 1970.
	instants []int64
}

// Operand returns what the operator compares with: an array for OpIn, a boolean for
// OpExists. An instant is a Text as event.FormatTime writes it.
func (c *Condition) Operand() Value { return c.operand }

// setOperand sets the operand, and what follows from it.
func (c *Condition) setOperand(v Value, source string) {
	c.operand, c.source = v, source
	switch {
	case c.Op == OpIn:
		c.texts, c.keys = map[string]struct{}{}, map[string]struct{}{}
		for _, e := range v.Elements() {
			if e.kind == KindText {
				c.texts[e.text] = struct{}{}
			} else {
				c.keys[e.Key()] = struct{}{}
			}
		}
	case v.kind >= KindArray:
		c.key = v.Key()
	}
	if c.Field.Name.IsTime() && c.Op != OpExists {
		for _, e := range slices.Concat(v.Elements(), []Value{v}) {
			if s, ok := e.TextValue(); ok {
				t, _ := event.ParseTime(s) // of FormatTime
				c.instants = append(c.instants, t.UnixMicro())
			}
		}
		slices.Sort(c.instants)
	}
}

// MatchValues reports whether an event matches whose values at c.Field are the given
// ones: none is missing, several are those behind a []. Instants are texts as
// event.FormatTime writes them.
func (c *Condition) MatchValues(values []Value) bool {
	switch c.Op {
	case OpExists:
		return slices.ContainsFunc(values, exists) == (c.operand.kind == KindTrue)
	case OpNotEqual:
		return !slices.ContainsFunc(values, c.equals)
	default:
		return slices.ContainsFunc(values, c.meets)
	}
}

// MatchValue is MatchValues for one value, which may be missing.
func (c *Condition) MatchValue(v Value) bool {
	switch c.Op {
	case OpExists:
		return exists(v) == (c.operand.kind == KindTrue)
	case OpNotEqual:
		return !c.equals(v)
	default:
		return c.meets(v)
	}
}

func exists(v Value) bool { return v.kind != KindMissing }

// meets reports whether a value meets an operator other than != and exists.
func (c *Condition) meets(v Value) bool {
	switch c.Op {
	case OpEqual:
		return c.equals(v)
	case OpPrefix:
		return v.kind == KindText && strings.HasPrefix(v.text, c.operand.text)
	case OpContains:
		return v.kind == KindText && strings.Contains(v.text, c.operand.text)
	case OpIn:
		return c.lists(v)
	}
	if v.kind != c.operand.kind || v.kind != KindNumber && v.kind != KindText {
		return false
	}
	return c.Op.orders(v.Compare(c.operand))
}

// orders reports whether the result of a comparison meets an operator of order.
func (o Op) orders(comparison int) bool {
	switch o {
	case OpGreater:
		return comparison > 0
	case OpGreaterEqual:
		return comparison >= 0
	case OpLess:
		return comparison < 0
	case OpLessEqual:
		return comparison <= 0
	case OpEqual:
		return comparison == 0
	case OpNotEqual:
		return comparison != 0
	}
	return false
}

func (c *Condition) equals(v Value) bool {
	switch {
	case v.kind != c.operand.kind || v.kind == KindMissing:
		return false
	case v.kind >= KindArray:
		return v.Key() == c.key
	}
	return v.Compare(c.operand) == 0
}

// lists reports whether the operand of in has a value.
func (c *Condition) lists(v Value) bool {
	switch {
	case v.kind == KindText:
		_, ok := c.texts[v.text]
		return ok
	case v.kind == KindMissing || len(c.keys) == 0:
		return false
	}
	_, ok := c.keys[v.Key()]
	return ok
}

// Instant returns the operator and the operand of a condition on a time that takes
// one, in microseconds since 1970.
func (c *Condition) Instant() (op Op, micros int64, ok bool) {
	if len(c.instants) != 1 || c.Op == OpIn {
		return c.Op, 0, false
	}
	return c.Op, c.instants[0], true
}

// MatchInstant is MatchValue for a condition on a time, which is present: micros is in
// microseconds since 1970.
func (c *Condition) MatchInstant(micros int64) bool {
	switch {
	case c.Op == OpExists:
		return c.operand.kind == KindTrue
	case c.Op == OpIn:
		_, ok := slices.BinarySearch(c.instants, micros)
		return ok
	case micros < c.instants[0]:
		return c.Op.orders(-1)
	case micros > c.instants[0]:
		return c.Op.orders(1)
	}
	return c.Op.orders(0)
}

// matchTime is MatchInstant for a time that is missing if it is zero.
func (c *Condition) matchTime(t time.Time) bool {
	if t.IsZero() {
		return c.MatchValue(Value{})
	}
	return c.MatchInstant(t.UnixMicro())
}
