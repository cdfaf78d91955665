package schema

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/theeye/theeye/shared/event"
)

// A legal event that takes more work by a legal schema than is done is rejected before
// the evaluation.
func TestDataThatCostsTooMuchIsRejected(t *testing.T) {
	small := "-1.2345678901234567890123456789012345678901234567890e-300"
	for name, tc := range map[string]struct{ schema, data string }{
		"divisions":         {`{"additionalProperties": {"items": {"allOf": [` + list(850, `{"multipleOf": 1e-308}`) + `]}}}`, `[` + list(9900, small) + `]`},
		"bounds":            {`{"additionalProperties": {"items": {"allOf": [` + list(600, `{"minimum": -1e308, "maximum": 1e308}`) + `]}}}`, `[` + list(9900, small) + `]`},
		"patterns":          {`{"additionalProperties": {"pattern": "[ab]{400}c"}}`, `"` + strings.Repeat("a", 1_000_000) + `"`},
		"names":             {`{"additionalProperties": {"patternProperties": {"^[a-z]{1,200}[0-9]{1,200}$": {}}}}`, `{` + list(990, `"`+strings.Repeat("m", 1000)+`%d": 1`) + `}`},
		"expressions":       {`{"additionalProperties": {"items": {"allOf": [` + list(300, `{"format": "regex"}`) + `]}}}`, `[` + list(900, `"`+strings.Repeat("a", 1000)+`"`) + `]`},
		"lengths":           {`{"additionalProperties": {"allOf": [` + list(900, `{"maxLength": 2000000}`) + `]}}`, `"` + strings.Repeat("a", 1_000_000) + `"`},
		"formats":           {`{"additionalProperties": {"allOf": [` + list(900, `{"format": "json-pointer"}`) + `]}}`, `"` + strings.Repeat("/a", 500_000) + `"`},
		"in place":          {`{"additionalProperties": {"items": {"allOf": [` + list(900, `{"type": "number"}`) + `]}}}`, `[` + list(9900, "1") + `]`},
		"by a reference":    {`{"definitions": {"a/b%%": {"allOf": [` + list(900, `{"type": "number"}`) + `]}}, "additionalProperties": {"items": {"$ref": "#/definitions/a~1b%25"}}}`, `[` + list(9900, "1") + `]`},
		"of a list":         {`{"additionalProperties": {"items": [{}], "additionalItems": {"allOf": [` + list(900, `{}`) + `]}}}`, `[` + list(9900, "1") + `]`},
		"of members":        {`{"properties": {"a": {"additionalProperties": {"items": {"not": {"oneOf": [` + list(600, `{"maximum": 1e300}`) + `]}}}}}}`, `{"b": [` + list(9900, small) + `]}`},
		"names of a member": {`{"additionalProperties": {"propertyNames": {"pattern": "[ab]{300}c"}}}`, `{` + list(990, `"`+strings.Repeat("m", 1000)+`%d": 1`) + `}`},
	} {
		s := compile(t, strings.ReplaceAll(tc.schema, "%%", "%"))
		faults := s.Validate(tree(t, `{"a": `+tc.data+`}`))
		if len(faults) != 1 || faults[0].Code != event.CodeTooCostly || faults[0].Path != "/data" {
			t.Errorf("%s: %v, want %s", name, faults, event.CodeTooCostly)
		}
		if few := s.Validate(tree(t, `{"a": [1], "b": {"c": "d"}}`)); len(few) > 0 && few[0].Code == event.CodeTooCostly {
			t.Errorf("%s: data that is small costs too much: %v", name, few)
		}
	}
}

// What sites send is far below the bound: the largest events by rich schemas, long
// texts beside patterns that do not apply to them, and patterns with an end.
func TestLargeDataIsEvaluated(t *testing.T) {
	plain := `{"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"}, "at": {"format": "date-time"},
		"n": {"type": "number", "minimum": 0, "maximum": 1e9, "multipleOf": 0.01}, "kind": {"enum": ["a", "b", "c"]}, "tags": {"items": {"type": "string", "maxLength": 64}}}}`
	object := `{"id": "0123456789abcdef-0123456789abcdef", "at": "2026-01-02T03:04:05.678Z", "n": 12.34, "kind": "b", "tags": [` + list(90, `"tag"`) + `]}`
	for name, tc := range map[string]struct{ schema, data string }{
		"objects":      {`{"additionalProperties": {"items": ` + plain + `}}`, `[` + list(95, object) + `]`},
		"ids":          {`{"additionalProperties": {"items": {"pattern": "^[a-z0-9-]{1,64}$", "minLength": 1}}}`, `[` + list(9900, `"0123456789abcdef-0123456789abcdef-0123456789abcdef"`) + `]`},
		"alternatives": {`{"additionalProperties": {"items": {"oneOf": [` + list(20, `{"required": ["k%d"]}`) + `]}}}`, `[` + list(900, `{"k7": 1}`) + `]`},
		"a page":       {`{"properties": {"path": {"pattern": "[ab]{300}c"}}, "additionalProperties": {"type": "string"}}`, `"` + strings.Repeat("x", 1_000_000) + `"`},
		"a text":       {`{"additionalProperties": {"pattern": "^[a-z ]+$", "maxLength": 1000000}}`, `"` + strings.Repeat("x ", 500_000) + `"`},
	} {
		if faults := compile(t, tc.schema).Validate(tree(t, `{"a": `+tc.data+`}`)); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

// The bound by the size of data is an upper bound of the work by its content, so that
// negligible data is not walked.
func TestWorkIsBoundedBySize(t *testing.T) {
	small := map[string]any{}
	for i, v := range []string{`"ab-1"`, `12.5`, `-1.5e-300`, `{"m1": 2, "m2": [1, "x"]}`, `[1, [2, {"a": "b"}]]`, `null`, `true`, `[]`} {
		small[fmt.Sprint("v", i)] = tree(t, `{"a": `+v+`}`)["a"]
	}
	check := func(c costlyCase) {
		size, _ := measure(c.data)
		m := workMeter{limit: MaxWork}
		m.addValue(c.schema.work.root, c.data)
		if bound := c.schema.work.most.workOf(size); bound < min(m.total, MaxWork) {
			t.Errorf("%s: bound %d, work %d", c.name, bound, m.total)
		}
	}
	costlyCases(t, 3, 500, func(c costlyCase) {
		check(c)
		check(costlyCase{c.name + ", small", c.schema, small})
	})
}

// An event over a limit of the caller is not evaluated, and its work is reported; a
// negligible one is, whatever the limit.
func TestValidateWithin(t *testing.T) {
	s := NewSet(1, DefaultPolicy(), map[Type]Versioned{
		pageview: {Schema: compile(t, `{"additionalProperties": {"items": {"allOf": [`+list(100, `{"type": "integer"}`)+`]}}}`), Revision: 1},
	}, nil)
	ev := func(n int) *event.Event {
		return sent(t, `"page interaction"`, `"pageview"`, `{"a": [`+list(n, "1")+`]}`, `"2026-01-02T03:04:05Z"`)
	}
	v, ok := s.ValidateWithin(ev(1000), received, "demo", NegligibleWork)
	if ok || v.Work <= NegligibleWork || v.Faults != nil {
		t.Errorf("over the limit: %t, %+v", ok, v)
	}
	if again, ok := s.ValidateWithin(ev(1000), received, "demo", v.Work); !ok || again.Work != v.Work || len(again.Faults) > 0 {
		t.Errorf("at the limit: %t, %+v", ok, again)
	}
	if v, ok := s.ValidateWithin(ev(2), received, "demo", 0); !ok || len(v.Faults) > 0 || v.Work > NegligibleWork {
		t.Errorf("negligible: %t, %+v", ok, v)
	}
}

// Patterns cost by what can be alive at each position, not by the size of the program.
func TestPatternCost(t *testing.T) {
	for pattern, tc := range map[string]struct{ short, long Work }{ // of 10 and of 1000 bytes
		`^a`:            {40, 40},
		`^[a-z]{1,64}$`: {100, 450},
		`^[a-z]+$`:      {100, 5_100},
		`[ab]{100}c`:    {1_000, 110_000},
		`x`:             {70, 4_100},
	} {
		cost := newPatternCost(pattern)
		if s, l := cost.workOf(10), cost.workOf(1000); s > tc.short || l > tc.long {
			t.Errorf("%s costs %d and %d, want at most %d and %d", pattern, s, l, tc.short, tc.long)
		}
	}
	if c := newPatternCost(`[ab]{400}c`); c.workOf(1_000_000) < 100_000_000 {
		t.Errorf("a pattern of 400 instructions that floats costs %d for a megabyte", c.workOf(1_000_000))
	}
}

// The text of a number in a message takes microseconds, however long the number is.
func TestNumbersInMessagesAreShort(t *testing.T) {
	for text, want := range map[string]string{
		"0.01": "0.01", "9007199254740993": "9007199254740993", "1e300": "1e+300",
		"1.2345678901234567890123456789e-300": "1.2345678901234568e-300",
	} {
		r, _ := new(big.Rat).SetString(text)
		if got := quoteNumber(t, r); got != want {
			t.Errorf("%s is quoted as %s", text, got)
		}
	}
}

func quoteNumber(t *testing.T, r *big.Rat) string {
	t.Helper()
	return text(new(big.Float).SetRat(r))
}

// Alternatives that do not match are no faults, however many there are: they do not
// count against the bound on the memory of faults.
func TestAlternativesAreNoFaults(t *testing.T) {
	for name, schema := range map[string]string{
		"not":      `{"allOf": [` + list(20, `{"not": {"required": ["x%d"]}}`) + `]}`,
		"if":       `{"allOf": [` + list(20, `{"if": {"required": ["x%d"]}, "then": false}`) + `]}`,
		"anyOf":    `{"anyOf": [` + list(20, `{"required": ["x%d"]}`) + `, {}]}`,
		"oneOf":    `{"oneOf": [` + list(20, `{"required": ["x%d"]}`) + `, {}]}`,
		"contains": `{"properties": {"l": {"contains": {"const": "b"}}}}`,
	} {
		data := tree(t, `{"a": [`+list(900, `{"l": ["a", "a", "a", "a", "a", "a", "b"]}`)+`]}`)
		if faults := compile(t, `{"additionalProperties": {"items": `+schema+`}}`).Validate(data); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		s := compile(t, schema)
		if faults, err := s.engine.findFaults(tree(t, `{"l": ["a", "b"]}`), 1); err != nil || len(faults) > 0 {
			t.Errorf("%s: at a limit of one fault: %v, %v", name, faults, err)
		}
	}
}
