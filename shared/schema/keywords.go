package schema

import "strings"

// draft is a draft of JSON Schema: 4, 6 or 7.
type draft int

// drafts are the values of $schema that are understood; others would be ignored
// silently by the library. The trailing # is optional.
var drafts = map[string]draft{
	"http://json-schema.org/draft-04/schema": 4,
	"http://json-schema.org/draft-06/schema": 6,
	"http://json-schema.org/draft-07/schema": 7,
}

const defaultDraft draft = 7

// extension starts the keywords that are The Eye's own.
const extension = "x-eye-"

// keyword is what is known of one keyword.
type keyword struct {
	// since is the first draft that has it.
	since draft
	// check notes the faults of its value and returns what the library gets.
	check func(c *checker, n *node, m Members, v any) any
}

// annotations judge nothing. The library does not get them: it looks for
// references inside of them.
var annotations = map[string]bool{
	"title": true, "description": true, "default": true, "examples": true, "$comment": true,
	"readOnly": true, "writeOnly": true, "contentEncoding": true, "contentMediaType": true,
}

func annotation(name string) bool {
	return annotations[name] || strings.HasPrefix(name, extension)
}

// keywords are the keywords that judge, but for $ref.
var keywords = map[string]keyword{
	"type":  {4, (*checker).types},
	"enum":  {4, (*checker).enum},
	"const": {6, (*checker).constant},

	"definitions": {4, (*checker).definitions},
	"allOf":       {4, (*checker).inPlaceList},
	"anyOf":       {4, (*checker).inPlaceList},
	"oneOf":       {4, (*checker).inPlaceList},
	"not":         {4, (*checker).inPlace},
	"if":          {7, (*checker).inPlace},
	"then":        {7, (*checker).inPlace},
	"else":        {7, (*checker).inPlace},

	"properties":           {4, (*checker).properties},
	"patternProperties":    {4, (*checker).patternProperties},
	"additionalProperties": {4, (*checker).additionalProperties},
	"propertyNames":        {6, (*checker).propertyNames},
	"dependencies":         {4, (*checker).dependencies},
	"required":             {4, (*checker).required},
	"minProperties":        {4, (*checker).count},
	"maxProperties":        {4, (*checker).count},

	"items":           {4, (*checker).items},
	"additionalItems": {4, (*checker).additionalItems},
	"contains":        {6, (*checker).contains},
	"uniqueItems":     {4, (*checker).uniqueItems},
	"minItems":        {4, (*checker).count},
	"maxItems":        {4, (*checker).count},

	"multipleOf":       {4, (*checker).multipleOf},
	"minimum":          {4, (*checker).number},
	"maximum":          {4, (*checker).number},
	"exclusiveMinimum": {4, (*checker).exclusive},
	"exclusiveMaximum": {4, (*checker).exclusive},

	"minLength": {4, (*checker).count},
	"maxLength": {4, (*checker).count},
	"pattern":   {4, (*checker).pattern},
	"format":    {4, (*checker).format},
}

// requires names the keywords without which a keyword judges nothing, by the
// newest draft for which that holds.
var requires = map[string]struct {
	other string
	until draft
}{
	"then":             {"if", 7},
	"else":             {"if", 7},
	"exclusiveMinimum": {"minimum", 4},
	"exclusiveMaximum": {"maximum", 4},
}

// pairs are the lower and upper bounds that must not cross.
var pairs = [][2]string{
	{"minLength", "maxLength"}, {"minItems", "maxItems"}, {"minProperties", "maxProperties"},
}
