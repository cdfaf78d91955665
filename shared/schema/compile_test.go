package schema

import (
	"encoding/json"
	"fmt"
	"regexp/syntax"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/event"
)

const (
	draft4 = `"$schema": "http://json-schema.org/draft-04/schema#", `
	draft6 = `"$schema": "http://json-schema.org/draft-06/schema#", `
	draft7 = `"$schema": "http://json-schema.org/draft-07/schema#", `

	later = `"$schema": "https://json-schema.org/draft/2020-12/schema", `
)

func compile(t testing.TB, raw string) *Schema {
	t.Helper()
	s, faults := Compile([]byte(raw))
	if len(faults) > 0 {
		t.Fatalf("Compile(%.200s): %v", raw, faults)
	}
	return s
}

// list is repeat elements, joined: element may have a verb for its index.
func list(repeat int, element string) string {
	parts := make([]string, repeat)
	for i := range parts {
		parts[i] = element
		if strings.Contains(element, "%d") {
			parts[i] = fmt.Sprintf(element, i)
		}
	}
	return strings.Join(parts, ",")
}

func TestCompileAccepts(t *testing.T) {
	for name, raw := range map[string]string{
		"empty":                   `{}`,
		"true":                    `true`,
		"false, draft 7":          `{` + draft7 + `"properties": {"a": false}}`,
		"draft without hash":      `{"$schema": "http://json-schema.org/draft-06/schema", "const": {}}`,
		"annotations":             `{"title": "t", "description": "d", "default": [1], "examples": [{}], "$comment": "c", "readOnly": true, "contentEncoding": "base64"}`,
		"our keywords":            `{"x-eye-note": {"$ref": "file:///"}, "x-eye-supersedes": [7, 3], "x-eye-reject-examples": [{"a": 1}, [{"$ref": "file:///"}]], "properties": {"a": {"type": "string", "x-eye-pii": "hash", "examples": 1}, "b": {"items": {"properties": {"items": {"x-eye-pii": "drop"}}}}}}`,
		"id at the root":          `{"$id": "https://schemas.example.com/a.json", "definitions": {"a": {}}, "properties": {"a": {"$ref": "#/definitions/a"}}}`,
		"id of draft 4":           `{` + draft4 + `"id": "https://schemas.example.com/a.json"}`,
		"members named keywords":  `{"properties": {"$ref": {}, "id": {}, "$id": {}, "type": {}, "enum": {}, "const": {}, "definitions": {"properties": {"$ref": {}}}}}`,
		"definitions of any name": `{"definitions": {"id": {}, "enum": {}, "$ref": {}, "a/b~c": {"type": "string"}, "é ": {}}, "properties": {"a": {"$ref": "#/definitions/a~1b~0c"}, "b": {"$ref": "#/definitions/%C3%A9%20"}}}`,
		"reference into a schema": `{"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}}, "allOf": [{}, {"properties": {"c": {"$ref": "#/allOf/0"}}}]}`,
		"recursion into the data": `{"properties": {"child": {"$ref": "#"}}, "items": {"$ref": "#"}, "additionalProperties": {"$ref": "#"}}`,
		"list, recursive":         `{"definitions": {"node": {"properties": {"next": {"$ref": "#/definitions/node"}}}}, "properties": {"head": {"$ref": "#/definitions/node"}}}`,
		"definitions beside $ref": `{"$ref": "#/definitions/a", "definitions": {"a": {"type": "object"}}, "title": "t"}`,
		"draft 4 bounds":          `{` + draft4 + `"minimum": 1, "exclusiveMinimum": true, "additionalProperties": false, "items": [{}], "additionalItems": true}`,
		"equal bounds":            `{"minLength": 2, "maxLength": 2, "minItems": 0, "maxItems": 0, "minProperties": 1, "maxProperties": 1}`,
		"counts as floats":        `{"minLength": 2.0, "maxLength": 1e2}`,
		"dependencies":            `{"dependencies": {"a": ["b"], "c": {"required": ["d"]}, "e": []}}`,
		"forty alternatives":      `{"oneOf": [` + list(40, `{"required": ["a","b","c","d","e","f","g","h","i","j"], "properties": {"kind": {"const": %d}}}`) + `]}`,
		"two thousand members":    `{"properties": {` + list(2000, `"m%d": {"type": "string"}`) + `}}`,
		"long bounded pattern":    `{"pattern": "^[a-zA-Z0-9]{1,255}$"}`,
		"dialects":                `{"$schema": "https://json-schema.org/draft-07/schema", "properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}`,
		"Iglu's dialect":          `{"$schema": "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#", "self": {"vendor": "com.example"}, "properties": {"a": {"minimum": 0, "exclusiveMinimum": true}}}`,
		"annotations of others":   `{"labels": {}, "x-owner": "shop", "enumDescriptions": [], "properties": {"a": {"deprecated": true, "example": 1, "markdownDescription": "m", "javaType": "T"}}}`,
		"formats of others":       `{"properties": {"a": {"format": "int64"}, "b": {"format": "acme_colour"}, "c": {"format": "x-card"}}}`,
		"names by generators":     `{"$id": "http://example.com/a", "properties": {"a": {"$id": "#/properties/a", "type": "string"}}}`,
		"$defs in draft 7":        `{"$defs": {"a": {"type": "string"}}, "properties": {"b": {"$ref": "#/$defs/a"}}}`,
		"beside $ref, the same":   `{"definitions": {"a": {"type": "object"}}, "properties": {"b": {"$ref": "#/definitions/a", "type": "object"}}}`,
		"draft 2020-12":           `{` + later + `"$defs": {"a": {"$anchor": "n", "type": "string"}}, "properties": {"b": {"$ref": "#n", "minLength": 1}, "c": {"prefixItems": [{}], "items": false}}, "dependentRequired": {"b": ["c"]}, "dependentSchemas": {"c": {"required": ["b"]}}}`,
		"a size to the byte":      `{"title": "` + strings.Repeat("x", MaxBytes-13) + `"}`,
	} {
		t.Run(name, func(t *testing.T) { compile(t, raw) })
	}
}

// Each refusal is at the place where the fault is; "" is the document.
func TestCompileRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		want []string // pointers, in order
	}{
		"no JSON":            {`{"type": }`, []string{"/type"}},
		"two documents":      {`{} {}`, []string{""}},
		"comment":            {`{} // x`, []string{""}},
		"ends early":         {`{"a": {`, []string{"/a"}},
		"invalid UTF-8":      {"{\"title\": \"\xff\"}", []string{"/title"}},
		"duplicate member":   {`{"type": "string", "type": "number"}`, []string{"/type"}},
		"duplicate, escaped": {`{"type": "string", "\u0074ype": "number"}`, []string{"/type"}},
		"over 64 KB":         {`{"title": "` + strings.Repeat("x", MaxBytes) + `"}`, []string{""}},
		"deep":               {strings.Repeat(`{"not":`, MaxDepth+1) + "{}" + strings.Repeat("}", MaxDepth+1), []string{strings.Repeat("/not", MaxDepth)}},
		"huge exponent":      {`{"minimum": 1e10000000}`, []string{"/minimum"}},
		"many digits":        {`{"multipleOf": 1` + strings.Repeat("0", 64) + `, "maximum": 1e309}`, []string{"/maximum", "/multipleOf"}},
		"no schema":          {`[]`, []string{""}},
		"null":               {`null`, []string{""}},
		"number":             {`1`, []string{""}},

		"draft of next year": {`{"$schema": "https://json-schema.org/draft/2027-12/schema"}`, []string{"/$schema"}},
		"draft of a file":    {`{"$schema": "file:///etc/passwd"}`, []string{"/$schema"}},
		"draft inside":       {`{"properties": {"a": {` + draft6 + `"type": "string"}}}`, []string{"/properties/a/$schema"}},
		"unknown keyword":    {`{"propertees": {}, "not": {"requierd": []}}`, []string{"/not/requierd", "/propertees"}},
		"newer keyword":      {`{` + draft4 + `"const": 1, "if": {}, "propertyNames": {}}`, []string{"/const", "/if", "/propertyNames"}},
		"two of an $id":      {`{"properties": {"a": {"$id": "http://example.com/"}, "b": {"$id": "http://example.com/"}}}`, []string{"/properties/b/$id"}},
		"boolean in draft 4": {`{` + draft4 + `"properties": {"a": true}}`, []string{"/properties/a"}},

		"ref to a file":    {`{"$ref": "file:///etc/passwd"}`, []string{"/$ref"}},
		"ref over HTTP":    {`{"items": {"$ref": "http://127.0.0.1:1/x#/a"}}`, []string{"/items/$ref"}},
		"ref to a dialect": {`{"$ref": "https://json-schema.org/draft/2020-12/schema"}`, []string{"/$ref"}},
		"relative ref":     {`{"allOf": [{"$ref": "other.json"}, {"$ref": "/etc/passwd"}, {"$ref": ""}]}`, []string{"/allOf/0/$ref", "/allOf/1/$ref", "/allOf/2"}},
		"ref by name":      {`{"$ref": "#name"}`, []string{"/$ref"}},
		"ref is no string": {`{"$ref": 1}`, []string{"/$ref"}},
		"ref to nothing":   {`{"properties": {"a": {"$ref": "#/definitions/a"}}}`, []string{"/properties/a/$ref"}},
		"ref to no schema": {`{"properties": {"a": {"$ref": "#/properties"}, "b": {"$ref": "#/enum/0"}}, "enum": [{}]}`, []string{"/properties/a/$ref", "/properties/b/$ref"}},
		"ref to a default": {`{"properties": {"a": {"$ref": "#/default"}}, "default": {"$ref": "file:///etc/passwd"}}`, []string{"/properties/a/$ref"}},
		"beside ref":       {`{"definitions": {"a": {}}, "properties": {"b": {"$ref": "#/definitions/a", "type": "string"}}}`, []string{"/properties/b/type"}},
		"broken escape":    {`{"$ref": "#/%zz"}`, []string{"/$ref"}},

		"ref to itself":          {`{"$ref": "#"}`, []string{""}},
		"cycle of two":           {`{"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}}`, []string{"/definitions/b"}},
		"cycle by allOf":         {`{"allOf": [{"$ref": "#"}]}`, []string{"/allOf/0"}},
		"cycle by not":           {`{"not": {"anyOf": [{"oneOf": [{"$ref": "#"}]}]}}`, []string{"/not/anyOf/0/oneOf/0"}},
		"cycle by if":            {`{"if": {"$ref": "#"}, "then": {"$ref": "#"}, "else": {"$ref": "#"}}`, []string{"/else", "/if", "/then"}},
		"cycle by dependencies":  {`{"dependencies": {"a": {"$ref": "#"}}}`, []string{"/dependencies/a"}},
		"doubling in place":      {`{"definitions": {"d0": {"type": "string"}, ` + doubling(30) + `}, "$ref": "#/definitions/d30"}`, []string{""}},
		"doubling down the data": {`{"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}`, []string{""}},
		"too many alternatives":  {`{"anyOf": [` + list(1500, `{"type":"string","minLength":1}`) + `]}`, []string{""}},

		"later keywords":         {`{"prefixItems": [{}], "dependentRequired": {}}`, []string{"/dependentRequired", "/prefixItems"}},
		"keywords that are gone": {`{` + later + `"items": [{}], "additionalItems": false}`, []string{"/additionalItems", "/items"}},
		"dynamic references":     {`{` + later + `"$dynamicRef": "#a", "$defs": {"a": {"$dynamicAnchor": "a"}}}`, []string{"/$dynamicRef"}},
		"what is foreign":        {`{"properties": {"a": {"nullable": true, "divisibleBy": 2}}}`, []string{"/properties/a/divisibleBy", "/properties/a/nullable"}},
		"typing mistakes":        {`{"additionalProperites": false, "$reff": "#", "oneof": [], "propertys": {}, "minlength": 1, "x-minlength": 1}`, []string{"/$reff", "/additionalProperites", "/minlength", "/oneof", "/propertys"}},

		"root of a string":      {`{"type": "string"}`, []string{"/type"}},
		"root of an array":      {`{"type": ["array", "null"]}`, []string{"/type"}},
		"root of constants":     {`{"enum": [1, []], "const": 7}`, []string{"/const", "/enum"}},
		"root of no object":     {`{"allOf": [{"anyOf": [{"type": "string"}, {"oneOf": [false, {"$ref": "#/definitions/a"}]}]}], "definitions": {"a": {"enum": [1, "a"]}}}`, []string{""}},
		"minimum over maximum":  {`{"properties": {"a": {"minimum": 2, "maximum": 1.5}}}`, []string{"/properties/a/minimum"}},
		"minimum, excluded":     {`{"properties": {"a": {"minimum": 2, "exclusiveMaximum": 2.0}, "b": {"exclusiveMinimum": 2, "exclusiveMaximum": 2}, "c": {"minimum": 9007199254740993, "maximum": 9007199254740992}}}`, []string{"/properties/a/minimum", "/properties/b/exclusiveMinimum", "/properties/c/minimum"}},
		"minimum, old excluded": {`{` + draft4 + `"properties": {"a": {"minimum": 2, "exclusiveMinimum": true, "maximum": 2}}}`, []string{"/properties/a/minimum"}},
		"contains crossed":      {`{` + later + `"properties": {"a": {"contains": {}, "minContains": 3, "maxContains": 2}, "b": {"contains": {}, "minContains": 3, "maxItems": 2}}}`, []string{"/properties/a/minContains", "/properties/b/minContains"}},
		"required, impossible":  {`{"required": ["a", "b", "c"], "properties": {"a": {}, "b": false}, "additionalProperties": false}`, []string{"/required/1", "/required/2"}},
		"required, too many":    {`{"required": ["a", "b"], "maxProperties": 1}`, []string{"/required"}},
		"members, too few":      {`{"minProperties": 2, "properties": {"a": {}}, "additionalProperties": false}`, []string{"/minProperties"}},
		"contains, too few":     {`{"properties": {"a": {"maxItems": 0, "contains": {}}}}`, []string{"/properties/a/contains"}},
		"formats, other names":  {`{"properties": {"a": {"format": "date_time"}, "b": {"format": "url"}, "c": {"format": "e-mail"}}}`, []string{"/properties/a/format", "/properties/b/format", "/properties/c/format"}},
		"mistakes, long names":  {`{"additionalProperty": false, "uniqueItem": true, "max_length": 3}`, []string{"/additionalProperty", "/max_length", "/uniqueItem"}},
		"elements, too few":     {`{"properties": {"a": {"minItems": 2, "items": [{}], "additionalItems": false}}}`, []string{"/properties/a/minItems"}},
		"constants of no type":  {`{"properties": {"a": {"type": "string", "enum": [1, 2]}, "b": {"type": "integer", "const": 1.5}}}`, []string{"/properties/a/enum", "/properties/b/const"}},

		"no such type":          {`{"type": "text"}`, []string{"/type"}},
		"no type":               {`{"type": []}`, []string{"/type"}},
		"a type twice":          {`{"properties": {"a": {"type": ["string", "string"]}}}`, []string{"/properties/a/type"}},
		"enum empty":            {`{"enum": []}`, []string{"/enum"}},
		"enum equal":            {`{"properties": {"a": {"enum": [1, 1.0, "1", 10e-1, 0, -0.0]}}}`, []string{"/properties/a/enum/1", "/properties/a/enum/3", "/properties/a/enum/5"}},
		"required no list":      {`{"required": "a"}`, []string{"/required"}},
		"required twice":        {`{"required": ["a", "b", "a", 1]}`, []string{"/required/2", "/required/3"}},
		"properties no object":  {`{"properties": []}`, []string{"/properties"}},
		"allOf empty":           {`{"allOf": [], "items": []}`, []string{"/allOf", "/items"}},
		"items of no schema":    {`{"items": [1]}`, []string{"/items/0"}},
		"dependencies":          {`{"dependencies": {"a": 1, "b": [1]}}`, []string{"/dependencies/a", "/dependencies/b/0"}},
		"then without if":       {`{"then": {}}`, []string{"/then"}},
		"exclusive alone":       {`{` + draft4 + `"exclusiveMinimum": true}`, []string{"/exclusiveMinimum"}},
		"exclusive of draft 4":  {`{"minimum": 1, "exclusiveMinimum": true}`, []string{"/exclusiveMinimum"}},
		"counts":                {`{"minLength": -1, "maxLength": 1.5, "minItems": "1", "maxItems": 1e300, "minProperties": null}`, []string{"/maxItems", "/maxLength", "/minItems", "/minLength", "/minProperties"}},
		"bounds crossed":        {`{"minLength": 2, "maxLength": 1, "minProperties": 3, "maxProperties": 0}`, []string{"/minLength", "/minProperties"}},
		"multiple of zero":      {`{"multipleOf": 0, "not": {"multipleOf": -1}, "items": {"multipleOf": "1"}}`, []string{"/items/multipleOf", "/multipleOf", "/not/multipleOf"}},
		"minimum no number":     {`{"minimum": "1"}`, []string{"/minimum"}},
		"unique no boolean":     {`{"uniqueItems": 1}`, []string{"/uniqueItems"}},
		"unknown format":        {`{"format": "phone", "not": {"format": 1}}`, []string{"/format", "/not/format"}},
		"pattern not RE2":       {`{"pattern": "(?=a)", "patternProperties": {"(?<!a)": {}, "\\1": {}}}`, []string{"/pattern", "/patternProperties/(?<!a)", `/patternProperties/\1`}},
		"pattern no string":     {`{"pattern": 1}`, []string{"/pattern"}},
		"pattern long":          {`{"pattern": "` + strings.Repeat("a", maxPattern+1) + `"}`, []string{"/pattern"}},
		"pattern complex":       {`{"pattern": "(a{1,100}b{1,100}){1,10}"}`, []string{"/pattern"}},
		"pattern of many steps": {`{"pattern": "^[a-f]{900}[g-z]{900}[0-9]{900}$"}`, []string{"/pattern"}},
		"pattern repeats":       {`{"pattern": "((a{100}){100}){100}"}`, []string{"/pattern"}},
		"patterns together":     {`{"allOf": [` + list(8, `{"pattern": "^[a-f%d]{1,900}$"}`) + `]}`, []string{""}},
		"pattern that floats":   {`{"pattern": "[ab]{500}c"}`, []string{""}},
		"pattern without end":   {`{"patternProperties": {"^a+[ab]{500}$": {}}}`, []string{""}},
		"pointer of odd names":  {`{"properties": {"a/b~": {"type": 1}}}`, []string{"/properties/a~1b~0/type"}},
		"everything at once":    {`{"type": "x", "properties": {"a": {"format": "y"}}, "typ": 1}`, []string{"/properties/a/format", "/typ", "/type"}},
		"faults beside numbers": {`{"type": "x", "minimum": 1e400}`, []string{"/minimum", "/type"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, faults := Compile([]byte(tc.raw))
			if s != nil {
				t.Error("a schema was returned beside the faults")
			}
			got := make([]string, len(faults))
			for i, f := range faults {
				got[i] = f.Path
				if f.Code == "" || f.Message == "" {
					t.Errorf("fault without code or message: %+v", f)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("places of the faults (-want +got):\n%s\n%v", diff, faults)
			}
		})
	}
}

// doubling is n definitions, each of which names the one before twice.
func doubling(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(`"d%d": {"allOf": [{"$ref": "#/definitions/d%d"}, {"$ref": "#/definitions/d%d"}]}`, i+1, i, i)
	}
	return strings.Join(parts, ",")
}

// Two schemas that both lead back to the root double the evaluations, in place
// or at each level of the data, whichever keywords they stand under.
func TestSchemasThatMultiplyAreRefused(t *testing.T) {
	const root = `{"$ref": "#"}`
	for name, raw := range map[string]string{
		"items and contains":     `{"items": ` + root + `, "contains": ` + root + `}`,
		"items, twice":           `{"items": {"allOf": [` + root + `, ` + root + `]}}`,
		"one of several items":   `{"items": [{}, {"anyOf": [` + root + `, ` + root + `]}]}`,
		"additional items":       `{"items": [{}], "additionalItems": {"oneOf": [` + root + `, ` + root + `]}}`,
		"contains, twice":        `{"contains": {"allOf": [` + root + `, ` + root + `]}}`,
		"two patterns":           `{"patternProperties": {"^a": ` + root + `, "^b": ` + root + `}}`,
		"a member and a pattern": `{"properties": {"a": ` + root + `}, "patternProperties": {"^a": ` + root + `}}`,
		"additional members":     `{"additionalProperties": {"not": ` + root + `, "if": ` + root + `}}`,
		"condition":              `{"properties": {"a": {"if": {}, "then": ` + root + `, "else": ` + root + `}}}`,
		"dependencies":           `{"properties": {"a": {"dependencies": {"x": ` + root + `, "y": ` + root + `}}}}`,
	} {
		s, faults := Compile([]byte(raw))
		if s != nil || len(faults) != 1 || faults[0].Path != "" || !strings.Contains(faults[0].Message, "too often") {
			t.Errorf("%s: %v, want a refusal of the document", name, faults)
		}
	}
	for name, raw := range map[string]string{
		"members":           `{"properties": {"a": ` + root + `, "b": ` + root + `}, "additionalProperties": ` + root + `}`,
		"items":             `{"items": [` + root + `, ` + root + `], "additionalItems": ` + root + `}`,
		"array or object":   `{"items": ` + root + `, "additionalProperties": ` + root + `}`,
		"several, not deep": `{"properties": {"a": {"allOf": [{"items": {"allOf": [{}, {}]}}, {"items": {"allOf": [{}, {}]}}]}}}`,
	} {
		if _, faults := Compile([]byte(raw)); len(faults) > 0 {
			t.Errorf("%s, of which one applies to a value: %v", name, faults)
		}
	}
}

// A schema that multiplies more slowly is taken; data that goes so deep is rejected.
func TestDataThatMultipliesIsRejected(t *testing.T) {
	const root = `{"$ref": "#"}`
	for name, raw := range map[string]string{
		"every second level":       `{"properties": {"a": {"items": {"allOf": [` + root + `, ` + root + `]}}}}`,
		"arrays of arrays of each": `{"properties": {"a": {"$ref": "#/definitions/a"}}, "definitions": {"a": {"items": {"items": {"$ref": "#/definitions/a"}, "contains": {"$ref": "#/definitions/a"}}}}}`,
	} {
		s := compile(t, raw)
		shallow, deep := `[[1]]`, `[`+list(40, strings.Repeat(`[`, 24)+`1`+strings.Repeat(`]`, 24))+`]`
		if name == "every second level" {
			shallow, deep = `[{"a": [{}]}]`, `[`+list(40, strings.Repeat(`{"a":[`, 14)+strings.Repeat(`]}`, 14))+`]`
		}
		if faults := s.Validate(tree(t, `{"a": `+shallow+`}`)); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		if faults := s.Validate(tree(t, `{"a": `+deep+`}`)); len(faults) != 1 || faults[0].Code != event.CodeTooCostly {
			t.Errorf("%s, deep: %v", name, faults)
		}
	}
}

// The compiler of the library is not safe for concurrent use; Compile is.
func TestCompileConcurrently(t *testing.T) {
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for range 25 {
				s, faults := Compile(fmt.Appendf(nil, `{"definitions": {"v": {"const": %d}}, "properties": {"v": {"$ref": "#/definitions/v"}}}`, i))
				if len(faults) > 0 {
					t.Error(faults)
					return
				}
				right, wrong := map[string]any{"v": json.Number(fmt.Sprint(i))}, map[string]any{"v": json.Number("7")}
				if len(s.Validate(right)) != 0 || len(s.Validate(wrong)) != 1 {
					t.Errorf("schema %d has another constant", i)
				}
			}
		})
	}
	group.Wait()
}

func TestCompileCodes(t *testing.T) {
	for raw, want := range map[string]string{
		`{`:                              event.CodeInvalidJSON,
		`{"a": 1, "a": 2}`:               event.CodeDuplicateKey,
		`{"minimum": 1e999}`:             event.CodeNumberOutOfRange,
		strings.Repeat("[", 1<<16):       event.CodeTooDeep,
		strings.Repeat("[", MaxBytes+1):  event.CodeTooLarge,
		`[` + list(MaxValues, "1") + `]`: event.CodeTooLarge,
		`{"type": "x"}`:                  CodeInvalidDeclaration,
		"\ufeff{}":                       event.CodeInvalidJSON,
		`{"enum": [` + list(9997, "%d"):  event.CodeInvalidJSON,
	} {
		_, faults := Compile([]byte(raw))
		if len(faults) == 0 || faults[0].Code != want {
			t.Errorf("Compile(%.40s) = %v, want code %s", raw, faults, want)
		}
	}
}

// Patterns that read a whole string cost more than those that end early.
func TestPatternsThatScan(t *testing.T) {
	for pattern, scans := range map[string]bool{
		`^/`: false, `^[a-z]{1,64}$`: false, `^(a|b)?c`: false, `(^a|^b)c`: false, `\Aa{2}`: false,
		``: true, `a`: true, `^a+`: true, `^a*`: true, `^a{2,}`: true, `^a|b`: true, `(?m)^a`: true, `a^`: true,
	} {
		parsed, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if got := !(anchoredAtStart(parsed) && hasMaxLength(parsed)); got != scans {
			t.Errorf("pattern %q scans: %t", pattern, got)
		}
	}
}
