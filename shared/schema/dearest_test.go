package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// costlySubschemas are subschemas whose evaluation is expensive, and values that make
// them so. Every combination is searched for the most expensive one.
var costlySubschemas = map[string]string{
	"true": `true`, "empty": `{}`, "type": `{"type": ["number", "string", "object", "array"]}`,
	"wrong type": `{"type": "null"}`, "minimum": `{"minimum": -1e308}`, "wrong minimum": `{"minimum": 1.7e308}`,
	"long bounds":       `{"minimum": -1.234567890123456789012345678901234567890123456789e-300, "maximum": 1.234567890123456789012345678901234567890123456789e300}`,
	"multipleOf 1":      `{"multipleOf": 1}`,
	"multipleOf small":  `{"multipleOf": 1.234567890123456789012345678901234567890123456789e-250}`,
	"multipleOf large":  `{"multipleOf": 1.234567890123456789012345678901234567890123456789e250}`,
	"multipleOf digits": `{"multipleOf": ` + strings.Repeat("7", 60) + `}`,
	"enum":              `{"enum": ["a", 1, null, {"a": [1, 2]}]}`,
	"enum of many":      `{"enum": [` + list(500, "%d") + `]}`,
	"const":             `{"const": {"a": [1, 2, 3]}}`, "uniqueItems": `{"uniqueItems": true}`,
	"lengths": `{"minLength": 1, "maxLength": 2000000}`, "pattern": `{"pattern": "^[a-z]+$"}`,
	"pattern that floats": `{"pattern": "[ab]{20}c"}`, "pattern of stars": `{"pattern": "(.*)(.*)(.*)(.*)x"}`,
	"pattern with an end": `{"pattern": "^[a-z]{1,200}$"}`, "pattern of groups": `{"pattern": "^([a-z]{1,10}-?){1,40}$"}`,
	"pattern of cases": `{"pattern": "(foo|bar|[bB]az)+$"}`,
	"date-time":        `{"format": "date-time"}`, "email": `{"format": "email"}`, "uri": `{"format": "uri"}`,
	"uri-reference": `{"format": "uri-reference"}`, "iri": `{"format": "iri"}`, "hostname": `{"format": "hostname"}`, "ipv6": `{"format": "ipv6"}`,
	"uuid": `{"format": "uuid"}`, "regex": `{"format": "regex"}`, "json-pointer": `{"format": "json-pointer"}`,
	"relative-json-pointer": `{"format": "relative-json-pointer"}`, "date": `{"format": "date"}`, "time": `{"format": "time"}`,
	"required":          `{"required": [` + list(200, `"m%d"`) + `]}`,
	"properties":        `{"properties": {` + list(200, `"m%d": {}`) + `}}`,
	"many properties":   `{"properties": {` + list(2000, `"m%d": true`) + `}}`,
	"patternProperties": `{"patternProperties": {"^m": {}, "[0-9]$": {"type": ["number", "string"]}}}`,
	"long patterns":     `{"patternProperties": {"^[a-z]{1,100}[0-9]{1,100}$": {}}}`,
	"propertyNames":     `{"propertyNames": {"pattern": "^[a-z]+[0-9]+$", "maxLength": 500000}}`,
	"additional":        `{"additionalProperties": {"type": ["number", "string", "array", "object"]}}`,
	"no additional":     `{"additionalProperties": false}`,
	"dependencies":      `{"dependencies": {"m1": ["m2"], "m3": {"minProperties": 1}}}`,
	"counts":            `{"minProperties": 1, "maxProperties": 100000, "minItems": 1, "maxItems": 100000}`,
	"items":             `{"items": {"minimum": 0}}`, "contains": `{"contains": {"const": "nothing"}}`,
	"items of a list": `{"items": [{}, {}], "additionalItems": {"type": ["number", "string"]}}`,
	"not":             `{"not": {"type": "null"}}`, "if": `{"if": {"minimum": 5}, "then": {"maximum": 9}, "else": {"minLength": 1}}`,
	"anyOf": `{"anyOf": [{"type": "null"}, {"type": "boolean"}, {}]}`, "oneOf": `{"oneOf": [{"type": "null"}, {"type": "boolean"}, {}]}`,
	"nothing of anyOf":       `{"anyOf": [{"type": "null"}, {"minimum": 1e300, "maxLength": 0}]}`,
	"many alternatives":      `{"anyOf": [` + list(100, `{"required": ["k%d"]}`) + `]}`,
	"alternatives of bounds": `{"oneOf": [` + list(40, `{"minimum": 1e%d, "maxLength": 0}`) + `]}`,
	"tests of elements":      `{"not": {"items": {"minimum": 1e300}, "additionalProperties": {"maxLength": 0}}}`,
	"nested":                 `{"allOf": [{"anyOf": [{"oneOf": [{"not": {"not": {}}}]}]}]}`,
}

// costlyData are arrays that a subschema is applied to each element of: many of a kind,
// or one as large as an event may be, of 1/share of the largest size.
func costlyData(share int) map[string]string {
	return map[string]string{
		"ones":         `[` + list(9900/share, `1`) + `]`,
		"numbers":      `[` + list(9900/share, `%d`) + `]`,
		"exponents":    `[` + list(9900/share, `1e308`) + `]`,
		"small":        `[` + list(9900/share, `-1.2345678901234567890123456789012345678901234567890e-300`) + `]`,
		"large":        `[` + list(9900/share, `1.2345678901234567890123456789012345678901234567890e300`) + `]`,
		"digits":       `[` + list(9900/share, strings.Repeat("9", 62)) + `]`,
		"empty texts":  `[` + list(9900/share, `""`) + `]`,
		"texts":        `[` + list(9000/share, `"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"`) + `]`,
		"addresses":    `[` + list(9000/share, `"http://user@example.com:80/a/b/c?d=e&f=%%20#frag"`) + `]`,
		"mails":        `[` + list(9000/share, `"john.doe.and.others+tag@mail.example.com"`) + `]`,
		"times":        `[` + list(9000/share, `"2026-01-02T03:04:05.678901+02:00"`) + `]`,
		"pointers":     `[` + list(9000/share, `"/a/b/c/~0/~1/0/1/2"`) + `]`,
		"expressions":  `[` + list(900/share, `"`+strings.Repeat("(a|b){9}[c-f]*", 70)+`"`) + `]`,
		"hosts":        `[` + list(4000/share, `"`+strings.Repeat("abcdefgh.", 27)+`com"`) + `]`,
		"long text":    `["` + strings.Repeat("a", 1_000_000/share) + `"]`,
		"long pointer": `["` + strings.Repeat("/~0", 330_000/share) + `"]`,
		"wide text":    `["` + strings.Repeat("é", 500_000/share) + `"]`,
		"nulls":        `[` + list(9900/share, `null`) + `]`,
		"arrays":       `[` + list(9900/share, `[]`) + `]`,
		"pairs":        `[` + list(3000/share, `[1, "a"]`) + `]`,
		"deep":         `[` + list(300/share, strings.Repeat("[", 28)+strings.Repeat("]", 28)) + `]`,
		"objects":      `[` + list(9900/share, `{}`) + `]`,
		"members":      `[{` + list(990/share, `"m%d": 1`) + `}]`,
		"few members":  `[` + list(95/share, `{"m0": 1, "m1": 2, "m2": 3, "m3": "x", "m4": null, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5}`) + `]`,
		"long names":   `[{` + list(990/share, `"`+strings.Repeat("m", 900)+`%d": 1`) + `}]`,
	}
}

// costlyCase is a schema and an event for it.
type costlyCase struct {
	name   string
	schema *Schema
	data   map[string]any
}

// costlyCases applies every subschema to every array, as often as the bounds on schemas
// allow up to times. It calls each with a case.
func costlyCases(tb testing.TB, times, share int, each func(costlyCase)) {
	tb.Helper()
	trees := map[string]map[string]any{}
	for name, data := range costlyData(share) {
		trees[name] = tree(tb, `{"a": `+data+`}`)
	}
	for _, subschema := range slices.Sorted(maps.Keys(costlySubschemas)) {
		repeated := strings.ReplaceAll(costlySubschemas[subschema], "%", "%%")
		var s *Schema
		n := times
		for ; n > 0; n = n * 2 / 3 {
			if s, _ = Compile([]byte(`{"additionalProperties": {"items": {"allOf": [` + list(n, repeated) + `]}}}`)); s != nil {
				break
			}
		}
		if s == nil {
			tb.Fatalf("%s cannot be put even once", subschema)
		}
		for _, name := range slices.Sorted(maps.Keys(trees)) {
			each(costlyCase{fmt.Sprintf("%s × %d on %s", subschema, n, name), s, trees[name]})
		}
	}
}

// measureCase returns the work of an evaluation and its processor time, which is the
// least of some runs of at least 2 ms.
func (c costlyCase) measureCase() (work Work, took time.Duration) {
	const run, runs = 2 * time.Millisecond, 2
	size, _ := measure(c.data)
	m := workMeter{limit: MaxWork}
	m.addValue(c.schema.work.root, c.data)
	took = time.Hour
	for range runs {
		times, begin, used := 0, cpuTime(), time.Duration(0)
		for ; used < run; used = cpuTime() - begin {
			c.schema.evaluate(c.data, size)
			times++
		}
		took = min(took, used/time.Duration(times))
	}
	return m.total, took
}

// BenchmarkDearest searches for the schema and the event that take the longest among
// those that are evaluated. It ranks every combination by its time for a unit of work at
// a hundredth of the size, and prints the times of the worst at full size.
func BenchmarkDearest(b *testing.B) {
	type found struct {
		kind    string
		perUnit float64
	}
	ranking := map[bool][]found{} // apart for valid data, since errors are not work
	costlyCases(b, 20, 100, func(c costlyCase) {
		work, took := c.measureCase()
		valid := len(c.schema.Validate(c.data)) == 0
		ranking[valid] = append(ranking[valid], found{kindOf(c.name), float64(took) / float64(work)})
	})
	worst := map[string]bool{}
	for valid, all := range ranking {
		slices.SortFunc(all, func(x, y found) int { return cmp.Compare(y.perUnit, x.perUnit) })
		for _, f := range all[:40] {
			fmt.Printf("valid %-5t %5.1f ns/unit  %s\n", valid, f.perUnit, f.kind)
			worst[f.kind] = true
		}
	}
	var dearest time.Duration
	costlyCases(b, 2000, 1, func(c costlyCase) {
		size, _ := measure(c.data)
		if !worst[kindOf(c.name)] || c.schema.work.estimate(c.data, size, MaxWork) > MaxWork {
			return
		}
		work, took := c.measureCase()
		fmt.Printf("%8s %9d units  %s\n", took.Round(time.Millisecond), work, c.name)
		dearest = max(dearest, took)
	})
	b.ReportMetric(dearest.Seconds(), "s/dearest")
}

// kindOf is the name of a case without the number of its subschemas.
func kindOf(name string) string {
	subschema, data, _ := strings.Cut(name, " × ")
	_, data, _ = strings.Cut(data, " on ")
	return subschema + " on " + data
}
