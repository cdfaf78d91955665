package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// charSet is a set of characters: ranges of code points, ascending and apart, or a
// set that RE2 has under a name.
type charSet struct {
	ranges [][2]rune
	name   string
}

// text returns the set as it stands inside of brackets.
func (s *charSet) text() string {
	if s.name != "" {
		return s.name
	}
	var b strings.Builder
	for _, r := range s.ranges {
		fmt.Fprintf(&b, `\x{%X}-\x{%X}`, r[0], r[1])
	}
	return b.String()
}

// complement returns the characters that are not in the set, which has no name.
func (s *charSet) complement() *charSet {
	var c charSet
	next := rune(0)
	for _, r := range s.ranges {
		if r[0] > next {
			c.ranges = append(c.ranges, [2]rune{next, r[0] - 1})
		}
		next = r[1] + 1
	}
	if next <= unicode.MaxRune {
		c.ranges = append(c.ranges, [2]rune{next, unicode.MaxRune})
	}
	return &c
}

var (
	digits = &charSet{ranges: [][2]rune{{'0', '9'}}}
	words  = &charSet{ranges: [][2]rune{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}}
	// spaces are WhiteSpace and LineTerminator of ECMA 262.
	spaces = &charSet{ranges: [][2]rune{
		{'\t', '\r'},
		{' ', ' '},
		{0xA0, 0xA0},
		{0x1680, 0x1680},
		{0x2000, 0x200A},
		{0x2028, 0x2029},
		{0x202F, 0x202F},
		{0x205F, 0x205F},
		{0x3000, 0x3000},
		{0xFEFF, 0xFEFF},
	}}
	anything = &charSet{ranges: [][2]rune{{0, unicode.MaxRune}}}
)

// classEscapes are the escapes of sets.
var classEscapes = map[byte]*charSet{
	'd': digits, 'D': digits.complement(), 'w': words, 'W': words.complement(), 's': spaces, 'S': spaces.complement(),
}

// controlEscapes are the escapes of control characters.
var controlEscapes = map[byte]rune{'t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r'}

// readEscape reads an escape: of one character, or of a set.
func (t *translator) readEscape() (rune, *charSet, error) {
	if len(t.rest) < 2 {
		return 0, nil, refuse(`\`, "escapes nothing; write \\\\ for the character")
	}
	c := t.rest[1]
	if set, ok := classEscapes[c]; ok {
		t.take(2)
		return 0, set, nil
	}
	if r, ok := controlEscapes[c]; ok {
		t.take(2)
		return r, nil, nil
	}
	switch c {
	case 'p', 'P':
		set, err := t.readProperty()
		return 0, set, err
	case 'u':
		r, err := t.readUnicodeEscape()
		return r, nil, err
	case 'x':
		r, ok := readHex(t.rest[2:], 2)
		if !ok {
			return 0, nil, refuse(t.rest[:escapeLength(t.rest)], "is no escape of ECMAScript: \\x has two hexadecimal digits, \\u{…} more")
		}
		t.take(4)
		return r, nil, nil
	case 'c':
		if len(t.rest) < 3 || !isLetter(t.rest[2]) {
			return 0, nil, refuse(t.rest[:min(3, len(t.rest))], "is no escape of ECMAScript: \\c has a letter")
		}
		return rune(t.take(3)[2] % 32), nil, nil
	case '0':
		if len(t.rest) > 2 && '0' <= t.rest[2] && t.rest[2] <= '9' {
			return 0, nil, refuse(t.rest[:3], "is no escape of ECMAScript; write \\xHH")
		}
		t.take(2)
		return 0, nil, nil
	}
	if c < utf8.RuneSelf && isWord(rune(c)) && c != '_' {
		return 0, nil, refuse(t.rest[:2], "is no escape of ECMAScript")
	}
	if strings.IndexByte(`^$\.*+?()[]{}|/`, c) < 0 {
		t.plain = t.rest[:2]
	}
	t.take(1)
	return t.takeRune(), nil, nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// escapeLength is the length of \x{…} or \u{…}, for messages.
func escapeLength(text string) int {
	if strings.HasPrefix(text[2:], "{") {
		return braceLength(text)
	}
	return min(len(text), 4)
}

// readHex reads exactly so many hexadecimal digits.
func readHex(text string, digits int) (rune, bool) {
	if len(text) < digits || strings.Trim(text[:digits], "0123456789abcdefABCDEF") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text[:digits], 16, 32)
	return rune(n), err == nil && n <= unicode.MaxRune
}

// readUnicodeEscape reads \uHHHH, a pair of these for a character beyond them, or
// \u{H…}.
func (t *translator) readUnicodeEscape() (rune, error) {
	if digits, ok := strings.CutPrefix(t.rest, `\u{`); ok {
		t.unicode = t.rest[:escapeLength(t.rest)]
		inside, _, closed := strings.Cut(digits, "}")
		significant := strings.TrimLeft(inside, "0")
		r, ok := readHex("0"+significant, 1+len(significant))
		if !closed || inside == "" || len(significant) > 6 || !ok || utf16.IsSurrogate(r) {
			return 0, refuse(t.rest[:escapeLength(t.rest)], "is no character")
		}
		t.take(len(`\u{}`) + len(inside))
		return r, nil
	}
	r, ok := readHex(t.rest[2:], 4)
	if !ok {
		return 0, refuse(t.rest[:min(6, len(t.rest))], "is no escape of ECMAScript: \\u has four hexadecimal digits, or braces")
	}
	if !utf16.IsSurrogate(r) {
		t.take(6)
		return r, nil
	}
	if next, ok := strings.CutPrefix(t.rest[6:], `\u`); ok {
		if low, ok := readHex(next, 4); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				t.take(12)
				return pair, nil
			}
		}
	}
	return 0, refuse(t.rest[:6], "is half of a character, which no text contains; write \\u{…}")
}

// readProperty reads \p{…} or \P{…}: a general category or a script.
func (t *translator) readProperty() (*charSet, error) {
	inside, _, closed := strings.Cut(strings.TrimPrefix(t.rest[2:], "{"), "}")
	if len(t.rest) < 3 || t.rest[2] != '{' || !closed {
		return nil, refuse(t.rest[:min(3, len(t.rest))], "is no property of ECMAScript: the name stands in braces")
	}
	set := namedProperty(inside)
	fragment := t.rest[:len(`\p{}`)+len(inside)]
	t.unicode = fragment
	if set == nil && t.checks && isProperty(inside) {
		set = anything
	}
	if set == nil {
		return nil, refuse(fragment, "is not supported: a general category or Script=… is")
	}
	t.take(len(fragment))
	negated := fragment[1] == 'P'
	switch {
	case set.name == "" && negated:
		return set.complement(), nil
	case negated:
		return &charSet{name: `\P` + set.name[2:]}, nil
	}
	return set, nil
}

// isProperty reports whether a property that is not supported is one of ECMA 262.
func isProperty(property string) bool {
	kind, value, isPair := strings.Cut(property, "=")
	switch kind {
	case "Script", "sc", "Script_Extensions", "scx":
		_, known := unicode.Scripts[value]
		return known || shortScript.MatchString(value)
	}
	return !isPair && slices.Contains(otherProperties, property)
}

// shortScript is the form of the short names of scripts, such as Grek.
var shortScript = regexp.MustCompile(`^[A-Z][a-z]{3}$`)

// otherProperties are the properties of ECMA 262 without a value that are not
// supported.
var otherProperties = strings.Fields(`
	ASCII_Hex_Digit AHex Alphabetic Alpha Assigned Bidi_Control Bidi_C Bidi_Mirrored Bidi_M Case_Ignorable CI Cased
	Changes_When_Casefolded CWCF Changes_When_Casemapped CWCM Changes_When_Lowercased CWL
	Changes_When_NFKC_Casefolded CWKCF Changes_When_Titlecased CWT Changes_When_Uppercased CWU Dash
	Default_Ignorable_Code_Point DI Deprecated Dep Diacritic Dia Emoji Emoji_Component EComp Emoji_Modifier EMod
	Emoji_Modifier_Base EBase Emoji_Presentation EPres Extended_Pictographic ExtPict Extender Ext Grapheme_Base Gr_Base
	Grapheme_Extend Gr_Ext Hex_Digit Hex IDS_Binary_Operator IDSB IDS_Trinary_Operator IDST ID_Continue IDC ID_Start IDS
	Ideographic Ideo Join_Control Join_C Logical_Order_Exception LOE Lowercase Lower Math Noncharacter_Code_Point NChar
	Pattern_Syntax Pat_Syn Pattern_White_Space Pat_WS Quotation_Mark QMark Radical Regional_Indicator RI
	Sentence_Terminal STerm Soft_Dotted SD Terminal_Punctuation Term Unified_Ideograph UIdeo Uppercase Upper
	Variation_Selector VS White_Space space XID_Continue XIDC XID_Start XIDS
	LC Cased_Letter C Other Cn Unassigned Cs Surrogate`)

// namedProperty returns the set of a property, nil for one that is not supported.
func namedProperty(property string) *charSet {
	kind, value, isPair := strings.Cut(property, "=")
	if !isPair {
		switch property {
		case "Any":
			return anything
		case "ASCII":
			return &charSet{ranges: [][2]rune{{0, 0x7F}}}
		}
		kind, value = "General_Category", property
	}
	switch kind {
	case "General_Category", "gc":
		if short, ok := categories[value]; ok {
			value = short
		}
		if _, ok := unicode.Categories[value]; ok && len(value) <= 2 && value != "Cn" {
			return &charSet{name: `\p{` + value + `}`}
		}
	case "Script", "sc":
		if _, ok := unicode.Scripts[value]; ok {
			return &charSet{name: `\p{` + value + `}`}
		}
	}
	return nil
}

// categories are the long names of general categories.
var categories = map[string]string{
	"Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
	"Modifier_Letter": "Lm", "Other_Letter": "Lo",
	"Mark": "M", "Combining_Mark": "M", "Nonspacing_Mark": "Mn", "Spacing_Mark": "Mc", "Enclosing_Mark": "Me",
	"Number": "N", "Decimal_Number": "Nd", "digit": "Nd", "Letter_Number": "Nl", "Other_Number": "No",
	"Punctuation": "P", "punct": "P", "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd", "Open_Punctuation": "Ps",
	"Close_Punctuation": "Pe", "Initial_Punctuation": "Pi", "Final_Punctuation": "Pf", "Other_Punctuation": "Po",
	"Symbol": "S", "Math_Symbol": "Sm", "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk", "Other_Symbol": "So",
	"Separator": "Z", "Space_Separator": "Zs", "Line_Separator": "Zl", "Paragraph_Separator": "Zp",
	"Control": "Cc", "cntrl": "Cc", "Format": "Cf", "Private_Use": "Co",
}

// translateClass translates a class of characters, [ to ].
func (t *translator) translateClass() error {
	text := t.rest
	t.take(1)
	negated := strings.HasPrefix(t.rest, "^")
	if negated {
		t.take(1)
	}
	var inside strings.Builder
	for {
		switch {
		case t.rest == "":
			return refuse(text, "is not closed; write \\[ for the character")
		case t.rest[0] == ']':
			t.take(1)
			t.writeClass(inside.String(), negated)
			return nil
		}
		if err := t.translateClassRange(&inside); err != nil {
			return err
		}
	}
}

func (t *translator) writeClass(inside string, negated bool) {
	switch {
	case inside == "" && negated:
		t.out.WriteString("[" + anything.text() + "]")
	case inside == "":
		t.out.WriteString("[^" + anything.text() + "]")
	case negated:
		t.out.WriteString("[^" + inside + "]")
	default:
		t.out.WriteString("[" + inside + "]")
	}
}

// translateClassRange translates a character, a set, or a range of characters.
func (t *translator) translateClassRange(inside *strings.Builder) error {
	text := t.rest
	first, set, err := t.readClassAtom()
	if err != nil {
		return err
	}
	if len(t.rest) < 2 || t.rest[0] != '-' || t.rest[1] == ']' {
		if set == nil {
			set = &charSet{ranges: [][2]rune{{first, first}}}
		}
		inside.WriteString(set.text())
		return nil
	}
	t.take(1)
	last, lastSet, err := t.readClassAtom()
	fragment := text[:len(text)-len(t.rest)]
	switch {
	case err != nil:
		return err
	case set != nil || lastSet != nil:
		return refuse(fragment, "is a range from or to a set; write \\- for the character")
	case first > last:
		return refuse(fragment, "is a range in the wrong order")
	}
	inside.WriteString((&charSet{ranges: [][2]rune{{first, last}}}).text())
	return nil
}

// readClassAtom reads one character or escape inside of a class.
func (t *translator) readClassAtom() (rune, *charSet, error) {
	switch {
	case !t.checks && strings.HasPrefix(t.rest, "[:") && strings.Contains(t.rest, ":]"):
		return 0, nil, refuse(t.rest[:strings.Index(t.rest, ":]")+2], "is a class of POSIX and not of ECMAScript")
	case strings.HasPrefix(t.rest, `\b`):
		t.take(2)
		return '\b', nil, nil
	case strings.HasPrefix(t.rest, `\-`):
		t.take(2)
		return '-', nil, nil
	case t.rest[0] == '\\':
		return t.readEscape()
	}
	return t.takeRune(), nil, nil
}
