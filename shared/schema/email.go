package schema

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Maximum lengths in bytes of RFC 5321, section 4.5.3.
const (
	maxEmail     = 254
	maxLocalPart = 64
)

// validEmail is a Mailbox of RFC 5321, which is ASCII.
func validEmail(s string) bool { return isASCII(s) && validMailbox(s, validHostname) }

// validIDNEmail is a Mailbox of RFC 6531, whose grammar takes more domains than
// exist.
func validIDNEmail(s string) bool {
	return utf8.ValidString(s) && validMailbox(s, func(domain string) bool { return allLabels(domain, validMailLabel) })
}

func validMailLabel(label string) bool {
	return label != "" && label[0] != '-' && label[len(label)-1] != '-' &&
		!strings.ContainsFunc(label, func(r rune) bool { return r < utf8.RuneSelf && r != '-' && (r == '_' || !isWord(r)) })
}

func validMailbox(s string, validDomain func(string) bool) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > maxLocalPart || len(s) > maxEmail {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		return validLocalPart(local) && validAddressLiteral(literal)
	}
	return validLocalPart(local) && validDomain(domain)
}

// validLocalPart is a dot-string or a quoted string.
func validLocalPart(s string) bool {
	if len(s) > 1 && s[0] == '"' {
		return s[len(s)-1] == '"' && validQuoted(s[1:len(s)-1])
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return !isAtomText(r) }) {
			return false
		}
	}
	return true
}

func isAtomText(r rune) bool {
	return r >= utf8.RuneSelf && r != utf8.RuneError || isWord(r) || r > ' ' && strings.ContainsRune("!#$%&'*+-/=?^`{|}~", r)
}

// validQuoted checks the text between the quotes: printable characters, with a
// backslash before a quote or a backslash.
func validQuoted(s string) bool {
	escaped := false
	for _, r := range s {
		switch {
		case r < ' ' || r == 0x7F || r == utf8.RuneError:
			return false
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '"':
			return false
		}
	}
	return !escaped
}

// validAddressLiteral checks an address after its opening bracket.
func validAddressLiteral(s string) bool {
	inside, ok := strings.CutSuffix(s, "]")
	if !ok {
		return false
	}
	if tagged, ok := cutPrefixFold(inside, "IPv6:"); ok {
		return validIPv6(tagged)
	}
	a, err := netip.ParseAddr(inside)
	return err == nil && a.Is4()
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
