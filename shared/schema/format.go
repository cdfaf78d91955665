package schema

import (
	"maps"
	"slices"

	"github.com/xeipuuv/gojsonschema"
)

func init() {
	// The library's own checkers are lenient (a date passes as a date-time) and
	// fail on numbers, to which no format applies.
	for name, check := range formats {
		gojsonschema.FormatCheckers.Add(name, checkString(check))
	}
}

// checkString is a checker of the library that looks at strings alone.
type checkString func(string) bool

// IsFormat reports whether v, where it is a string, is of the format.
func (check checkString) IsFormat(v any) bool {
	s, ok := v.(string)
	return !ok || check(s)
}

// formats are the formats that a schema may name.
var formats = map[string]func(string) bool{
	"date-time":             validDateTime,
	"date":                  validDate,
	"time":                  validTime,
	"email":                 validEmail,
	"idn-email":             validEmail,
	"hostname":              validHostname,
	"ipv4":                  validIPv4,
	"ipv6":                  validIPv6,
	"uri":                   func(s string) bool { return validReference(s, true, true) },
	"uri-reference":         func(s string) bool { return validReference(s, false, true) },
	"iri":                   func(s string) bool { return validReference(s, true, false) },
	"iri-reference":         func(s string) bool { return validReference(s, false, false) },
	"uuid":                  validUUID,
	"regex":                 validPattern,
	"json-pointer":          validPointer,
	"relative-json-pointer": validRelativePointer,
}

// format refuses formats that would be ignored.
func (c *checker) format(_ *node, m Members, v any) any {
	s, _ := v.(string)
	if _, ok := formats[s]; !ok {
		m.Faultf("wants one of %v", slices.Sorted(maps.Keys(formats)))
		return ""
	}
	return s
}
