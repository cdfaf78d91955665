package schema

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xeipuuv/gojsonschema"

	"github.com/theeye/theeye/shared/event"
)

// maxDetail bounds the part of a schema that a message quotes, in bytes.
const maxDetail = 160

// maxPrecision is the precision in bits up to which a number is quoted exactly.
const maxPrecision = 256

// separator is a byte that cannot occur in a member's name: names are UTF-8.
const separator = "\xff"

// describe converts an error of the library to a fault: the path in the event, and
// a sentence that quotes the schema and never the data; patterns are the
// original patterns by their translation. It reports false for
// errors that only repeat others.
func describe(e gojsonschema.ResultError, patterns map[string]string) (event.Fault, bool) {
	tokens := strings.Split(e.Context().String(separator), separator)
	if len(tokens) > 1 && strings.HasPrefix(tokens[1], countMark) {
		tokens = tokens[1:] // a counted evaluation
	}
	tokens[0] = "data" // the library's name for the root
	details := e.Details()
	switch e.Type() {
	case "number_all_of", "condition_then", "condition_else":
		return event.Fault{}, false // the errors inside are listed too
	case "required", "additional_property_not_allowed", "invalid_property_name":
		tokens = append(tokens, text(details["property"]))
	case "pattern":
		details["pattern"] = patterns[fmt.Sprint(details["pattern"])]
	case "missing_dependency":
		tokens = append(tokens, text(details["dependency"]))
	}
	return event.Fault{
		Code:    event.CodeSchemaViolation,
		Path:    event.Pointer(tokens...),
		Message: message(e.Type(), details),
	}, true
}

// sentences are the messages of errors, by the error type of the library. %[1]s is
// the value of detail.
var sentences = map[string]struct{ format, detail string }{
	"false":                           {"nothing is allowed here", ""},
	"required":                        {"the member is missing", ""},
	"missing_dependency":              {"the member is missing; another one requires it", ""},
	"additional_property_not_allowed": {"the member is not allowed", ""},
	"invalid_property_name":           {"the name of the member is not allowed", ""},
	"number_any_of":                   {"matches none of the alternatives (anyOf)", ""},
	"number_one_of":                   {"does not match exactly one of the alternatives (oneOf)", ""},
	"number_not":                      {"matches what is excluded (not)", ""},
	"const":                           {"is not %[1]s", "allowed"},
	"enum":                            {"is none of %[1]s", "allowed"},
	"array_no_additional_items":       {"has more elements than are allowed", ""},
	"array_min_items":                 {"has fewer elements than %[1]s", "min"},
	"array_max_items":                 {"has more elements than %[1]s", "max"},
	"unique":                          {"has equal elements", ""},
	"contains":                        {"has no element that matches (contains)", ""},
	"array_min_properties":            {"has fewer members than %[1]s", "min"},
	"array_max_properties":            {"has more members than %[1]s", "max"},
	"string_gte":                      {"is shorter than %[1]s characters", "min"},
	"string_lte":                      {"is longer than %[1]s characters", "max"},
	"pattern":                         {"does not match the pattern %[1]s", "pattern"},
	"format":                          {"is not in the format %[1]s", "format"},
	"multiple_of":                     {"is not a multiple of %[1]s", "multiple"},
	"number_gte":                      {"is less than %[1]s", "min"},
	"number_gt":                       {"is not greater than %[1]s", "min"},
	"number_lte":                      {"is greater than %[1]s", "max"},
	"number_lt":                       {"is not less than %[1]s", "max"},
}

func message(kind string, details gojsonschema.ErrorDetails) string {
	if kind == "invalid_type" {
		return fmt.Sprintf("must be of type %s, not %s", text(details["expected"]), text(details["given"]))
	}
	s, ok := sentences[kind]
	if !ok {
		return "does not match the schema"
	}
	if s.detail == "" {
		return s.format
	}
	return fmt.Sprintf(s.format, text(details[s.detail]))
}

// text formats a detail of an error, which is a part of the schema or the name of
// a member.
func text(v any) string {
	if f, ok := v.(*big.Float); ok {
		if f.IsInt() && f.MantExp(nil) <= 64 {
			return f.Text('f', 0)
		}
		if f.Prec() > maxPrecision { // its shortest text takes long
			approximate, _ := f.Float64()
			return strconv.FormatFloat(approximate, 'g', -1, 64)
		}
		return f.Text('g', -1)
	}
	return truncate(fmt.Sprint(v), maxDetail)
}

// truncate returns a text of at most limit bytes, cut at a character.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := limit
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
