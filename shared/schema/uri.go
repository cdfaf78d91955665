package schema

import (
	"regexp"
	"strings"
)

// maxURI bounds the length of URIs, in bytes.
const maxURI = 8 << 10

const (
	unreservedMarks = "-._~"
	subDelimiters   = "!$&'()*+,;="
)

// reference checks a URI (RFC 3986) or, where international is set, an IRI (RFC 3987).
type reference struct{ international bool }

// validReference accepts a URI, which is absolute, or a reference; characters
// outside of ASCII for IRIs.
func validReference(s string, absolute, international bool) bool {
	if len(s) > maxURI {
		return false
	}
	return reference{international}.isValid(s, absolute)
}

var schemeSyntax = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)

func (f reference) isValid(s string, absolute bool) bool {
	s, fragment, _ := strings.Cut(s, "#")
	s, query, _ := strings.Cut(s, "?")
	if !f.consistsOf(fragment, subDelimiters+":@/?", false) || !f.consistsOf(query, subDelimiters+":@/?", true) {
		return false
	}
	scheme, rest, hasScheme := strings.Cut(s, ":")
	switch {
	case hasScheme && schemeSyntax.MatchString(scheme):
		s = rest
	case absolute || hasScheme && !strings.Contains(scheme, "/"):
		return false // a relative path has no colon in its first segment
	}
	path := s
	if after, ok := strings.CutPrefix(s, "//"); ok {
		authority := after
		path = ""
		if slash := strings.IndexByte(after, '/'); slash >= 0 {
			authority, path = after[:slash], after[slash:]
		}
		if !f.isAuthority(authority) {
			return false
		}
	}
	return f.consistsOf(path, subDelimiters+":@/", false)
}

func (f reference) isAuthority(s string) bool {
	if user, host, ok := strings.Cut(s, "@"); ok {
		if !f.consistsOf(user, subDelimiters+":", false) {
			return false
		}
		s = host
	}
	if literal, ok := strings.CutPrefix(s, "["); ok {
		address, port, closed := strings.Cut(literal, "]")
		return closed && isIPLiteral(address) && (port == "" || port[0] == ':' && isPort(port[1:]))
	}
	host, port, _ := strings.Cut(s, ":")
	return f.consistsOf(host, subDelimiters, false) && isPort(port)
}

func isPort(s string) bool { return strings.Trim(s, "0123456789") == "" }

var futureAddress = regexp.MustCompile(`^[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+$`)

func isIPLiteral(s string) bool { return futureAddress.MatchString(s) || validIPv6(s) }

// consistsOf reports whether a part consists of unreserved characters, escapes and
// the others that it allows.
func (f reference) consistsOf(part, others string, private bool) bool {
	for i := 0; i < len(part); {
		c := part[i]
		switch {
		case c == '%':
			if _, ok := readHex(part[i+1:], 2); !ok {
				return false
			}
			i += 3
			continue
		case c < 0x80:
			if c != '_' && !isWord(rune(c)) && strings.IndexByte(unreservedMarks+others, c) < 0 {
				return false
			}
			i++
			continue
		}
		length := 1
		for i+length < len(part) && part[i+length]&0xC0 == 0x80 {
			length++
		}
		if !f.international || !isInternational([]rune(part[i : i+length])[0], private) {
			return false
		}
		i += length
	}
	return true
}

// isInternational is ucschar of RFC 3987, and iprivate in queries.
func isInternational(r rune, private bool) bool {
	switch {
	case 0xE000 <= r && r <= 0xF8FF, r >= 0xF0000:
		return private && r&0xFFFE != 0xFFFE
	case r < 0xA0, 0xFDD0 <= r && r <= 0xFDEF, r >= 0xFFF0 && r <= 0xFFFF, r >= 0xE0000 && r < 0xE1000:
		return false
	}
	return r&0xFFFE != 0xFFFE
}

// templateExpression is an expression of RFC 6570 between its braces.
var templateExpression = regexp.MustCompile(`^[+#./;?&=,!@|]?` + templateVariable + `(?:,` + templateVariable + `)*$`)

const (
	templateCharacter = `(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})`
	templateVariable  = templateCharacter + `(?:\.?` + templateCharacter + `)*(?::[1-9][0-9]{0,3}|\*)?`
)

// validTemplate is a URI template of RFC 6570.
func validTemplate(s string) bool {
	if len(s) > maxURI {
		return false
	}
	literals := reference{international: true}
	for {
		literal, rest, open := strings.Cut(s, "{")
		if !literals.consistsOf(literal, subDelimiters+":/?#[]@", true) {
			return false
		}
		if !open {
			return true
		}
		expression, after, closed := strings.Cut(rest, "}")
		if !closed || !templateExpression.MatchString(expression) {
			return false
		}
		s = after
	}
}
