package schema

import (
	"cmp"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/xeipuuv/gojsonschema"

	"github.com/theeye/theeye/shared/event"
)

var (
	uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	pointerText = regexp.MustCompile(`^(?:/(?:[^~/]|~[01])*)*$`)
	relative    = regexp.MustCompile(`^(?:0|[1-9]\d*)(?:#|(?:/(?:[^~/]|~[01])*)*)$`)
	// durationText is a duration of RFC 3339, appendix A.
	durationText = regexp.MustCompile(`^P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T` + durationTime + `)?|T` + durationTime + `)$`)
)

const durationTime = `(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)`

func validDateTime(s string) bool { return event.ValidRFC3339(s) }

func validDate(s string) bool {
	return len(s) == len("2006-01-02") && event.ValidRFC3339(s+"T00:00:00Z")
}

func validTime(s string) bool { return event.ValidRFC3339("2006-01-02T" + s) }

func validDuration(s string) bool { return durationText.MatchString(s) }

func validIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func validIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

func validUUID(s string) bool            { return uuidPattern.MatchString(s) }
func validPointer(s string) bool         { return pointerText.MatchString(s) }
func validRelativePointer(s string) bool { return relative.MatchString(s) }

func init() {
	// The checkers of the library are lenient (a date passes as a date-time) and
	// fail on numbers, to which formats do not apply.
	for name, check := range formats {
		gojsonschema.FormatCheckers.Add(name, checkString(check))
	}
}

// checkString is a format checker of the library that checks strings only.
type checkString func(string) bool

// IsFormat reports whether v is of the format, or not a string.
func (check checkString) IsFormat(v any) bool {
	s, ok := v.(string)
	return !ok || check(s)
}

// oldHostname is the name, for the library and for messages, of the format hostname
// of older drafts.
const oldHostname = "hostname (RFC 1123)"

// formats are the supported values of the keyword format.
var formats = map[string]func(string) bool{
	"date-time":             validDateTime,
	"date":                  validDate,
	"time":                  validTime,
	"email":                 validEmail,
	"idn-email":             validIDNEmail,
	"hostname":              validHostname,
	"idn-hostname":          validIDNHostname,
	oldHostname:             validOldHostname,
	"duration":              validDuration,
	"uri-template":          validTemplate,
	"ipv4":                  validIPv4,
	"ipv6":                  validIPv6,
	"uri":                   func(s string) bool { return validReference(s, true, false) },
	"uri-reference":         func(s string) bool { return validReference(s, false, false) },
	"iri":                   func(s string) bool { return validReference(s, true, true) },
	"iri-reference":         func(s string) bool { return validReference(s, false, true) },
	"uuid":                  validUUID,
	"regex":                 validPattern,
	"json-pointer":          validPointer,
	"relative-json-pointer": validRelativePointer,
}

// annotationFormats are formats of other products that say how a value is kept or
// edited. They check nothing.
var annotationFormats = map[string]bool{
	"int8": true, "int16": true, "int32": true, "int64": true, "uint8": true, "uint16": true, "uint32": true, "uint64": true,
	"float": true, "double": true, "decimal": true, "byte": true, "binary": true, "char": true, "password": true,
	"text": true, "textarea": true, "html": true, "markdown": true, "color": true, "utc-millisec": true,
	"style": true, "mime-type": true, "glob-pattern": true, "match-pattern": true, "content-security-policy": true,
}

// otherNames are names of our formats in other products and in older drafts.
var otherNames = map[string]string{
	"url": "uri", "ip": "ipv4", "ip-address": "ipv4", "host-name": "hostname", "domain": "hostname", "guid": "uuid", "timestamp": "date-time",
}

// hasProductMark reports whether the name of a format carries the mark of its product,
// an underscore, a dot, a colon or x-. Such a format checks nothing.
func hasProductMark(name string) bool {
	return strings.ContainsAny(name, "_.:") || strings.HasPrefix(name, "x-")
}

// checkFormat refuses formats that would be ignored in silence.
func (c *checker) checkFormat(_ *node, m Location, v any) any {
	s, isText := v.(string)
	_, known := formats[s]
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(formats)), func(name string) bool { return name == oldHostname })
	switch nearest := nearestName(s, names); {
	case s == "hostname" && c.draft < 7:
		return oldHostname
	case known:
	case isText && annotationFormats[s]:
		return "" // the library checks nothing
	case nearest != "" || otherNames[s] != "":
		m.Faultf("is not a known format; did you mean %s?", cmp.Or(otherNames[s], nearest))
	case isText && hasProductMark(s):
		return ""
	default:
		m.Faultf("must be one of %v", names)
	}
	return s
}
