package schema

import (
	"maps"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xeipuuv/gojsonschema"
)

// Maximum lengths in bytes of formats whose check takes more than one pass.
const (
	maxHostname = 253
	maxEmail    = 254
	maxURI      = 8 << 10
)

var (
	datePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	timePattern = regexp.MustCompile(`^(\d{2}:\d{2}):(\d{2})(?:\.\d+)?([Zz]|[+-]\d{2}:\d{2})$`)
	uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	labelSyntax = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
	pointerText = regexp.MustCompile(`^(?:/(?:[^~/]|~[01])*)*$`)
	relative    = regexp.MustCompile(`^(?:0|[1-9]\d*)(?:#|(?:/(?:[^~/]|~[01])*)*)$`)
	escapes     = regexp.MustCompile(`%(?:$|.$|[^0-9A-Fa-f]|.[^0-9A-Fa-f])`)
)

// validDateTime is RFC 3339: a date, T, and a time with its offset.
func validDateTime(s string) bool {
	const date = len("2006-01-02")
	return len(s) > date && (s[date] == 'T' || s[date] == 't') && validDate(s[:date]) && validTime(s[date+1:])
}

func validDate(s string) bool {
	if !datePattern.MatchString(s) {
		return false
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// validTime is RFC 3339's full-time. A leap second is valid at the end of a UTC
// day only.
func validTime(s string) bool {
	parts := timePattern.FindStringSubmatch(s)
	if parts == nil {
		return false
	}
	leap := parts[2] == "60"
	if leap {
		parts[2] = "59"
	}
	t, err := time.Parse("15:04:05Z07:00", parts[1]+":"+parts[2]+strings.ToUpper(parts[3]))
	if err != nil {
		return false
	}
	t = t.UTC()
	return !leap || t.Hour() == 23 && t.Minute() == 59
}

// validEmail accepts an address without a display name.
func validEmail(s string) bool {
	if len(s) > maxEmail {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

func validHostname(s string) bool {
	if s == "" || len(s) > maxHostname {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !labelSyntax.MatchString(label) {
			return false
		}
	}
	return true
}

func validIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func validIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

// validReference accepts a URI (absolute) or a URI reference; characters outside
// of ASCII only for IRIs.
func validReference(s string, absolute, ascii bool) bool {
	if len(s) > maxURI || escapes.MatchString(s) || strings.ContainsAny(s, "\"<>\\^`{|} ") {
		return false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || ascii && r > 0x7f {
			return false
		}
	}
	u, err := url.Parse(s)
	return err == nil && (!absolute || u.IsAbs())
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

// formats are the supported values of the keyword format.
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

// checkFormat refuses formats that the library would ignore.
func (c *checker) checkFormat(_ *node, m Location, v any) any {
	s, _ := v.(string)
	if _, ok := formats[s]; !ok {
		m.Faultf("must be one of %v", slices.Sorted(maps.Keys(formats)))
		return ""
	}
	return s
}
