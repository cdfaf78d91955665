package schema

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Maximum lengths in bytes of a name and of a label, in its ASCII form.
const (
	maxHostname = 253
	maxLabel    = 63
)

// labelSyntax is a label of RFC 1123.
var labelSyntax = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)

// validHostname is RFC 1123, with labels in Punycode as RFC 5891 says.
func validHostname(s string) bool {
	return validOldHostname(s) && allLabels(s, func(label string) bool {
		return len(label) < 4 || label[2:4] != "--" || strings.EqualFold(label[:2], "xn")
	})
}

// validOldHostname is the format of drafts 4 and 6, which allow two hyphens anywhere.
func validOldHostname(s string) bool {
	if s == "" || len(s) > maxHostname || !allLabels(s, validASCIILabel) {
		return false
	}
	return !strings.Contains(strings.ToLower(s), "xn--") || validDirections(s)
}

// fullStops are the separators of labels that RFC 3490 knows.
var fullStops = strings.NewReplacer("\u3002", ".", "\uFF0E", ".", "\uFF61", ".")

// validIDNHostname is RFC 5890: labels of either form, in Unicode or in Punycode.
func validIDNHostname(s string) bool {
	if s == "" || len(s) > 4*maxHostname {
		return false
	}
	s = fullStops.Replace(s)
	if isASCII(s) {
		return validHostname(s)
	}
	length := -1
	return allLabels(s, func(label string) bool {
		ascii := label
		if !isASCII(label) {
			var ok bool
			if ascii, ok = encodeLabel(label); !ok {
				return false
			}
		}
		length += 1 + len(ascii)
		return length <= maxHostname && validHostname(ascii)
	}) && validDirections(s)
}

// validDirections checks the directions of the labels against each other.
func validDirections(s string) bool {
	_, err := stableLabels.ToUnicode(strings.ToLower(s))
	return err == nil
}

func allLabels(s string, valid func(string) bool) bool {
	for label := range strings.SplitSeq(s, ".") {
		if !valid(label) {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// validASCIILabel checks a label of ASCII. One that starts with xn-- must be the
// encoding of a valid label of Unicode.
func validASCIILabel(label string) bool {
	if !labelSyntax.MatchString(label) {
		return false
	}
	if len(label) < 4 || label[2:4] != "--" {
		return true
	}
	lower := strings.ToLower(label)
	if !strings.HasPrefix(lower, "xn--") {
		return true
	}
	decoded, err := idna.Punycode.ToUnicode(lower)
	if err != nil || isASCII(decoded) {
		return false
	}
	encoded, err := idna.Punycode.ToASCII(decoded)
	return err == nil && encoded == lower && validUnicodeLabel(decoded)
}

// encodeLabel returns the form in Punycode of a label, which need not be valid.
func encodeLabel(label string) (string, bool) {
	if len(label) > 4*maxLabel {
		return "", false
	}
	ascii, err := idna.Punycode.ToASCII(label)
	return ascii, err == nil && len(ascii) <= maxLabel
}

// stableLabels checks what RFC 5892 derives from tables: characters that a
// normalisation changes, joiners, and the direction of text.
var stableLabels = idna.New(
	idna.MapForLookup(), idna.Transitional(false), idna.ValidateLabels(true), idna.CheckJoiners(true),
	idna.CheckHyphens(true), idna.BidiRule(),
)

// validUnicodeLabel checks a label by RFC 5891 and 5892.
func validUnicodeLabel(label string) bool {
	runes := []rune(label)
	if !norm.NFC.IsNormalString(label) || unicode.Is(unicode.M, runes[0]) {
		return false
	}
	for i, r := range runes {
		if !validInLabel(r) || !validInContext(runes, i) {
			return false
		}
	}
	mapped, err := stableLabels.ToUnicode(label)
	return err == nil && mapped == label
}

// letterDigits are the categories of RFC 5892, section 2.1.
var letterDigits = []*unicode.RangeTable{unicode.Ll, unicode.Lu, unicode.Lo, unicode.Nd, unicode.Lm, unicode.Mn, unicode.Mc}

// validInLabel reports whether a character is valid in a label, or valid in a
// context.
func validInLabel(r rune) bool {
	switch r {
	case 0x0640, 0x07FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B: // section 2.6
		return false
	case '-', 0x06FD, 0x06FE, 0x0F0B, 0x3007, 0x00B7, 0x0375, 0x05F3, 0x05F4, 0x30FB, 0x200C, 0x200D:
		return true
	}
	isJamo := 0x1100 <= r && r <= 0x11FF || 0xA960 <= r && r <= 0xA97C || 0xD7B0 <= r && r <= 0xD7FB
	return !isJamo && unicode.In(r, letterDigits...)
}

// validInContext checks the rules of RFC 5892, appendix A, except those of the
// joiners.
func validInContext(label []rune, i int) bool {
	at := func(i int) rune {
		if i < 0 || i >= len(label) {
			return -1
		}
		return label[i]
	}
	switch r := label[i]; {
	case r == 0x00B7:
		return at(i-1) == 'l' && at(i+1) == 'l'
	case r == 0x0375:
		return unicode.Is(unicode.Greek, at(i+1))
	case r == 0x05F3 || r == 0x05F4:
		return unicode.Is(unicode.Hebrew, at(i-1))
	case r == 0x30FB:
		return containsAny(label, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) })
	case 0x0660 <= r && r <= 0x0669:
		return !containsAny(label, func(r rune) bool { return 0x06F0 <= r && r <= 0x06F9 })
	}
	return true
}

func containsAny(label []rune, is func(rune) bool) bool {
	for _, r := range label {
		if is(r) {
			return true
		}
	}
	return false
}
