package schema

import (
	"encoding/json"
	"regexp"
)

// subschema is one schema inside a document, as this package evaluates it. The
// library evaluates the assertions of one value, and whole subschemas that hold
// nothing else than it evaluates exactly; see evaluation.
type subschema struct {
	// boolean is set for the schemas true and false.
	boolean *bool
	// engine evaluates the assertions, or everything where whole is true; nil
	// where there are none.
	engine engine
	whole  bool
	// isFlat is set where the engine evaluates the value alone, and none in it.
	isFlat bool
	// required are the names of the keyword.
	required []string

	types     typeNames // nil without the keyword type
	allowed   []*allowedValues
	unique    bool
	ref       *subschema
	allOf     []*subschema
	anyOf     []*subschema
	oneOf     []*subschema
	not       *subschema
	test      *subschema // the keyword if
	then      *subschema
	otherwise *subschema

	properties map[string]*subschema
	patterns   []patternSchema
	additional *subschema // nil without additionalProperties
	names      *subschema
	dependents []dependentSchema
	// requiredBy are members that another one requires.
	requiredBy []string

	list     []*subschema // of the first elements
	rest     *subschema   // of the elements after them
	contains *subschema
	// containsEvaluates is set where an element that matches contains is evaluated.
	containsEvaluates bool
	// minContains and maxContains bound the elements that match contains.
	minContains, maxContains int

	// unevaluatedMembers and unevaluatedElements apply to the rest of what no schema
	// in place evaluates.
	unevaluatedMembers, unevaluatedElements *subschema
}

// patternSchema applies to the members whose names match.
type patternSchema struct {
	names  *regexp.Regexp
	schema *subschema
}

// dependentSchema applies to objects that have the member.
type dependentSchema struct {
	member string
	schema *subschema
}

// typeNames are the values of the keyword type, in their order.
type typeNames []string

// allow reports whether a value is of one of the types.
func (t typeNames) allow(v any) bool {
	actual := typeName(v)
	for _, name := range t {
		if name == actual || name == "number" && actual == "integer" {
			return true
		}
	}
	return false
}

func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if isInteger(v) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}
