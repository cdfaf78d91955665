package schema

import "strings"

// draft is a draft of JSON Schema: 4, 6 or 7, or the year of a later one.
type draft int

const (
	defaultDraft draft = 7
	draft2019    draft = 2019
	draft2020    draft = 2020
)

// drafts are the supported values of $schema, without the scheme and a trailing #.
var drafts = map[string]draft{
	"json-schema.org/draft-04/schema":      4,
	"json-schema.org/draft-06/schema":      6,
	"json-schema.org/draft-07/schema":      7,
	"json-schema.org/draft/2019-09/schema": draft2019,
	"json-schema.org/draft/2020-12/schema": draft2020,
	// Iglu's schemas describe themselves, beside draft 4.
	"iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0": 4,
}

// String returns the name of the draft as people write it.
func (d draft) String() string {
	switch d {
	case draft2019:
		return "2019-09"
	case draft2020:
		return "2020-12"
	}
	return string(rune('0' + d))
}

// parseDraft reads a value of $schema.
func parseDraft(v any) (draft, bool) {
	s, _ := v.(string)
	for _, scheme := range []string{"http://", "https://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			d, ok := drafts[strings.TrimSuffix(rest, "#")]
			return d, ok
		}
	}
	return 0, false
}

// extension is the prefix of the keywords that The Eye defines.
const extension = "x-eye-"

// keyword describes one keyword.
type keyword struct {
	// since is the first draft that has it, until the last one, 0 for all.
	since, until draft
	// check records the faults of its value and returns the copy for the library.
	check func(c *checker, n *node, m Location, v any) any
}

// annotations do not constrain data. The library does not get them, since it
// would follow references inside them. Any other keyword that resembles no
// constraint is an annotation, too: these are listed because some of them do.
var annotations = map[string]bool{
	"title": true, "description": true, "default": true, "examples": true, "$comment": true,
	"readOnly": true, "writeOnly": true, "contentEncoding": true, "contentMediaType": true, "contentSchema": true,
	"deprecated": true, "example": true, "markdownDescription": true, "self": true, "labels": true,
	"note": true, "notes": true, "names": true, "name": true,
}

func isAnnotation(name string) bool {
	return annotations[name] || strings.HasPrefix(name, "x-")
}

// foreignKeywords constrain data elsewhere, and would be ignored in silence here.
var foreignKeywords = map[string]string{
	"nullable":         `is a keyword of OpenAPI; add "null" to type`,
	"discriminator":    "is a keyword of OpenAPI; use oneOf with const",
	"divisibleBy":      "is a keyword of draft 3; use multipleOf",
	"disallow":         "is a keyword of draft 3; use not",
	"extends":          "is a keyword of draft 3; use allOf",
	"$recursiveRef":    "is not supported; use $ref",
	"$recursiveAnchor": "is not supported; use $ref with a JSON pointer",
	"$dynamicRef":      "is not supported; use $ref",
	"$vocabulary":      "is not supported; it stands in descriptions of dialects",
}

// keywords are the keywords that constrain data, except $ref.
var keywords = map[string]keyword{
	"type":  {4, 0, (*checker).checkType},
	"enum":  {4, 0, (*checker).checkEnum},
	"const": {6, 0, (*checker).checkConst},

	"definitions": {4, 0, (*checker).checkDefinitions},
	"$defs":       {4, 0, (*checker).checkDefinitions},
	"allOf":       {4, 0, (*checker).checkAllOf},
	"anyOf":       {4, 0, (*checker).checkAnyOf},
	"oneOf":       {4, 0, (*checker).checkOneOf},
	"not":         {4, 0, (*checker).checkNot},
	"if":          {7, 0, (*checker).checkIf},
	"then":        {7, 0, (*checker).checkThen},
	"else":        {7, 0, (*checker).checkElse},

	"properties":            {4, 0, (*checker).checkProperties},
	"patternProperties":     {4, 0, (*checker).checkPatternProperties},
	"additionalProperties":  {4, 0, (*checker).checkAdditionalProperties},
	"unevaluatedProperties": {draft2019, 0, (*checker).checkUnevaluatedProperties},
	"propertyNames":         {6, 0, (*checker).checkPropertyNames},
	"dependencies":          {4, 0, (*checker).checkDependencies},
	"dependentRequired":     {draft2019, 0, (*checker).checkDependentRequired},
	"dependentSchemas":      {draft2019, 0, (*checker).checkDependentSchemas},
	"required":              {4, 0, (*checker).checkRequired},
	"minProperties":         {4, 0, (*checker).checkCount},
	"maxProperties":         {4, 0, (*checker).checkCount},

	"items":            {4, 0, (*checker).checkItems},
	"prefixItems":      {draft2020, 0, (*checker).checkPrefixItems},
	"additionalItems":  {4, draft2019, (*checker).checkAdditionalItems},
	"unevaluatedItems": {draft2019, 0, (*checker).checkUnevaluatedItems},
	"contains":         {6, 0, (*checker).checkContains},
	"minContains":      {draft2019, 0, (*checker).checkMinContains},
	"maxContains":      {draft2019, 0, (*checker).checkMaxContains},
	"uniqueItems":      {4, 0, (*checker).checkUniqueItems},
	"minItems":         {4, 0, (*checker).checkCount},
	"maxItems":         {4, 0, (*checker).checkCount},

	"multipleOf":       {4, 0, (*checker).checkMultipleOf},
	"minimum":          {4, 0, (*checker).checkNumber},
	"maximum":          {4, 0, (*checker).checkNumber},
	"exclusiveMinimum": {4, 0, (*checker).checkExclusiveBound},
	"exclusiveMaximum": {4, 0, (*checker).checkExclusiveBound},

	"minLength": {4, 0, (*checker).checkCount},
	"maxLength": {4, 0, (*checker).checkCount},
	"pattern":   {4, 0, (*checker).checkPattern},
	"format":    {4, 0, (*checker).checkFormat},
}

// assertions are the keywords that the library evaluates for one value, where this
// package evaluates the rest.
var assertions = map[string]bool{
	"required": true, "minProperties": true, "maxProperties": true, "minItems": true, "maxItems": true,
	"multipleOf": true, "minimum": true, "maximum": true, "exclusiveMinimum": true, "exclusiveMaximum": true,
	"minLength": true, "maxLength": true, "pattern": true, "format": true,
}

// companions are the keywords without which a keyword has no effect, with the
// newest draft for which that holds.
var companions = map[string]struct {
	other string
	until draft
}{
	"then":             {"if", draft2020},
	"else":             {"if", draft2020},
	"exclusiveMinimum": {"minimum", 4},
	"exclusiveMaximum": {"maximum", 4},
	"minContains":      {"contains", draft2020},
	"maxContains":      {"contains", draft2020},
}
