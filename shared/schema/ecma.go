package schema

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A patternError is a fragment of a regular expression that cannot be translated.
type patternError struct{ fragment, reason string }

func (e *patternError) Error() string {
	return fmt.Sprintf("%q in the pattern %s", e.fragment, e.reason)
}

// translatePattern translates a regular expression of ECMA 262, as JSON Schema
// prescribes it (of Unicode characters, without flags), to RE2 with the same matches.
// What RE2 cannot do, and what ECMA 262 does not define, is a *patternError. So is
// what means one thing with the flag u and another one without it; escapes of
// punctuation that only need not be escaped are taken.
func translatePattern(text string) (string, error) {
	t := translator{rest: text}
	t.out.Grow(len(text) + len(text)/4)
	if err := t.translateAll(); err != nil {
		return "", err
	}
	return t.out.String(), nil
}

type translator struct {
	// checks is set where only the syntax matters: look-around and references are
	// taken then.
	checks bool
	rest   string // not read yet
	out    strings.Builder
	// groups are the open ones: whether each may be repeated once it is closed.
	groups []bool
	names  map[string]bool
	// unicode is the first escape that only the flag u has, plain the first
	// character that only patterns without it have: together they have no meaning.
	unicode, plain string
}

// refuse returns the error of a fragment.
func refuse(fragment, reason string) error { return &patternError{truncate(fragment, 40), reason} }

func (t *translator) translateAll() error {
	repeatable := false
	for t.rest != "" {
		var err error
		if strings.IndexByte("*+?{", t.rest[0]) >= 0 {
			repeatable, err = t.translateQuantifier(repeatable)
		} else {
			repeatable, err = t.translateTerm()
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(t.groups) > 0:
		return refuse("(", "is not closed")
	case t.unicode != "" && t.plain != "":
		return refuse(t.unicode, fmt.Sprintf("needs the flag u, which does not take %q; escape special characters, and only these", t.plain))
	}
	return nil
}

// take removes n bytes from the rest and returns them.
func (t *translator) take(n int) string {
	taken := t.rest[:n]
	t.rest = t.rest[n:]
	return taken
}

// takeRune removes one character.
func (t *translator) takeRune() rune {
	r, size := utf8.DecodeRuneInString(t.rest)
	t.rest = t.rest[size:]
	return r
}

// translateTerm translates a character, class, group or assertion, and reports
// whether a quantifier may follow.
func (t *translator) translateTerm() (repeatable bool, err error) {
	switch t.rest[0] {
	case '^':
		t.take(1)
		t.out.WriteString(`\A`)
		return false, nil
	case '$':
		t.take(1)
		t.out.WriteString(`\z`)
		return false, nil
	case '|':
		t.out.WriteString(t.take(1))
		return false, nil
	case '(':
		return false, t.translateGroup()
	case ')':
		last := len(t.groups) - 1
		if last < 0 {
			return false, refuse(")", "closes no group; write \\)")
		}
		repeatable, t.groups = t.groups[last], t.groups[:last]
		t.out.WriteString(t.take(1))
		return repeatable, nil
	case '.':
		t.take(1)
		t.out.WriteString(`[^\n\r\x{2028}\x{2029}]`)
	case '[':
		return true, t.translateClass()
	case '\\':
		return t.translateEscape()
	case ']', '}':
		t.plain = t.rest[:1]
		t.writeLiteral(t.takeRune())
	default:
		t.writeLiteral(t.takeRune())
	}
	return true, nil
}

func (t *translator) writeLiteral(r rune) {
	if r < utf8.RuneSelf && !isWord(r) {
		fmt.Fprintf(&t.out, `\x{%X}`, r)
		return
	}
	t.out.WriteRune(r)
}

// translateGroup translates the start of a group.
func (t *translator) translateGroup() error {
	t.groups = append(t.groups, !strings.HasPrefix(t.rest, "(?<=") && !strings.HasPrefix(t.rest, "(?<!"))
	if !strings.HasPrefix(t.rest, "(?") {
		t.take(1)
		t.out.WriteString("(?:")
		return nil
	}
	if t.checks && lookAround.MatchString(t.rest) {
		t.take(len(lookAround.FindString(t.rest)))
		return nil
	}
	for prefix, reason := range map[string]string{
		"(?=": "looks ahead", "(?!": "looks ahead", "(?<=": "looks behind", "(?<!": "looks behind",
	} {
		if strings.HasPrefix(t.rest, prefix) {
			return refuse(t.rest[:groupLength(t.rest)], reason+", which is not supported; say it by allOf, anyOf and not")
		}
	}
	if strings.HasPrefix(t.rest, "(?:") {
		t.out.WriteString(t.take(3))
		return nil
	}
	name, _, ok := strings.Cut(strings.TrimPrefix(t.rest, "(?<"), ">")
	if !strings.HasPrefix(t.rest, "(?<") || !ok || !isGroupName(name) {
		return refuse(t.rest[:min(len(t.rest), 4)], "is not a group of ECMAScript without flags")
	}
	if t.names[name] {
		return refuse("(?<"+name+">", "is the name of two groups")
	}
	if t.names == nil {
		t.names = map[string]bool{}
	}
	t.names[name] = true
	t.take(len("(?<>") + len(name))
	t.out.WriteString("(?:")
	return nil
}

// lookAround is the start of a look-ahead or look-behind.
var lookAround = regexp.MustCompile(`^\(\?<?[=!]`)

// namedReference is a reference to a group by its name.
var namedReference = regexp.MustCompile(`^\\k<[^>]+>`)

// groupLength returns the length of the group that a text starts with.
func groupLength(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

func isGroupName(name string) bool {
	for i, r := range name {
		if r != '_' && r != '$' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}

// maxRepeat is the highest repetition that RE2 takes.
const maxRepeat = 1000

// translateQuantifier translates *, +, ?, {n}, {n,} or {n,m}, with a ? after it. Any
// other brace is a literal, and again is set: it can be repeated.
func (t *translator) translateQuantifier(repeatable bool) (again bool, err error) {
	length, translated, ok := 1, t.rest[:1], true
	if t.rest[0] == '{' {
		if length, translated, err = readBraces(t.rest, t.checks); err != nil {
			return false, err
		}
		ok = translated != ""
	}
	if !ok && strings.HasPrefix(t.rest, "{,") {
		return false, refuse(t.rest[:braceLength(t.rest)], "is not a repetition of ECMAScript; write {0,…}, or \\{ for the character")
	}
	if !ok {
		t.plain = "{"
		t.writeLiteral(t.takeRune())
		return true, nil
	}
	quantifier := t.take(length)
	if !repeatable {
		return false, refuse(quantifier, "repeats nothing; write \\"+quantifier[:1]+" for the character")
	}
	t.out.WriteString(translated)
	if strings.HasPrefix(t.rest, "?") {
		t.out.WriteString(t.take(1))
	}
	return false, nil
}

func braceLength(text string) int {
	if i := strings.IndexByte(text, '}'); i >= 0 {
		return i + 1
	}
	return 1
}

// readBraces returns the length of a repetition in braces, and its translation, which is
// empty where the braces are none: RE2 takes {01} for text.
func readBraces(text string, unlimited bool) (length int, translated string, err error) {
	if length = braceLength(text); length < len("{0}") {
		return 0, "", nil
	}
	low, high, ranged := strings.Cut(text[1:length-1], ",")
	if !isNumeral(low) || high != "" && !isNumeral(high) {
		return 0, "", nil
	}
	n, err1 := strconv.Atoi(low)
	m := n
	var err2 error
	if ranged && high != "" {
		m, err2 = strconv.Atoi(high)
	}
	switch {
	case err1 != nil || err2 != nil || !unlimited && max(n, m) > maxRepeat:
		return 0, "", refuse(text[:length], fmt.Sprintf("repeats more than %d times; use maxLength", maxRepeat))
	case n > m:
		return 0, "", refuse(text[:length], "has its bounds in the wrong order")
	}
	switch {
	case !ranged:
		return length, fmt.Sprintf("{%d}", n), nil
	case high == "":
		return length, fmt.Sprintf("{%d,}", n), nil
	}
	return length, fmt.Sprintf("{%d,%d}", n, m), nil
}

func isNumeral(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func isWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// translateEscape translates an escape outside of a class.
func (t *translator) translateEscape() (repeatable bool, err error) {
	if len(t.rest) > 1 {
		switch c := t.rest[1]; {
		case c == 'b' || c == 'B':
			t.out.WriteString(t.take(2))
			return false, nil
		case t.checks && c == 'k' && namedReference.MatchString(t.rest):
			t.take(len(namedReference.FindString(t.rest)))
			return true, nil
		case t.checks && '1' <= c && c <= '9':
			t.take(2)
			return true, nil
		case '1' <= c && c <= '9', c == 'k':
			return false, refuse(t.rest[:2], "refers back to a group, which is not supported")
		}
	}
	single, set, err := t.readEscape()
	switch {
	case err != nil:
		return false, err
	case set != nil:
		t.writeClass(set.text(), false)
	default:
		t.writeLiteral(single)
	}
	return true, nil
}
