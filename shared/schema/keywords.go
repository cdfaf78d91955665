package schema

import "strings"

// draft is a draft of JSON Schema: 4, 6 or 7.
type draft int

// drafts are the supported values of $schema; the library would silently ignore
// others. The trailing # is optional.
var drafts = map[string]draft{
	"http://json-schema.org/draft-04/schema": 4,
	"http://json-schema.org/draft-06/schema": 6,
	"http://json-schema.org/draft-07/schema": 7,
}

const defaultDraft draft = 7

// extension is the prefix of the keywords that The Eye defines.
const extension = "x-eye-"

// keyword describes one keyword.
type keyword struct {
	// since is the first draft that has it.
	since draft
	// check records the faults of its value and returns the copy for the library.
	check func(c *checker, n *node, m Location, v any) any
}

// annotations do not constrain data. The library does not get them, since it
// would follow references inside them.
var annotations = map[string]bool{
	"title": true, "description": true, "default": true, "examples": true, "$comment": true,
	"readOnly": true, "writeOnly": true, "contentEncoding": true, "contentMediaType": true,
}

func isAnnotation(name string) bool {
	return annotations[name] || strings.HasPrefix(name, extension)
}

// keywords are the keywords that constrain data, except $ref.
var keywords = map[string]keyword{
	"type":  {4, (*checker).checkType},
	"enum":  {4, (*checker).checkEnum},
	"const": {6, (*checker).checkConst},

	"definitions": {4, (*checker).checkDefinitions},
	"allOf":       {4, (*checker).checkInPlaceList},
	"anyOf":       {4, (*checker).checkInPlaceList},
	"oneOf":       {4, (*checker).checkInPlaceList},
	"not":         {4, (*checker).checkInPlace},
	"if":          {7, (*checker).checkInPlace},
	"then":        {7, (*checker).checkInPlace},
	"else":        {7, (*checker).checkInPlace},

	"properties":           {4, (*checker).checkProperties},
	"patternProperties":    {4, (*checker).checkPatternProperties},
	"additionalProperties": {4, (*checker).checkAdditionalProperties},
	"propertyNames":        {6, (*checker).checkPropertyNames},
	"dependencies":         {4, (*checker).checkDependencies},
	"required":             {4, (*checker).checkRequired},
	"minProperties":        {4, (*checker).checkCount},
	"maxProperties":        {4, (*checker).checkCount},

	"items":           {4, (*checker).checkItems},
	"additionalItems": {4, (*checker).checkAdditionalItems},
	"contains":        {6, (*checker).checkContains},
	"uniqueItems":     {4, (*checker).checkUniqueItems},
	"minItems":        {4, (*checker).checkCount},
	"maxItems":        {4, (*checker).checkCount},

	"multipleOf":       {4, (*checker).checkMultipleOf},
	"minimum":          {4, (*checker).checkNumber},
	"maximum":          {4, (*checker).checkNumber},
	"exclusiveMinimum": {4, (*checker).checkExclusiveBound},
	"exclusiveMaximum": {4, (*checker).checkExclusiveBound},

	"minLength": {4, (*checker).checkCount},
	"maxLength": {4, (*checker).checkCount},
	"pattern":   {4, (*checker).checkPattern},
	"format":    {4, (*checker).checkFormat},
}

// companions are the keywords without which a keyword has no effect, with the
// newest draft for which that holds.
var companions = map[string]struct {
	other string
	until draft
}{
	"then":             {"if", 7},
	"else":             {"if", 7},
	"exclusiveMinimum": {"minimum", 4},
	"exclusiveMaximum": {"maximum", 4},
}

// orderedBounds are the lower and upper bounds that must not cross.
var orderedBounds = [][2]string{
	{"minLength", "maxLength"}, {"minItems", "maxItems"}, {"minProperties", "maxProperties"},
}
