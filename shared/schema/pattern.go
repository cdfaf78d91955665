package schema

import (
	"errors"
	"regexp/syntax"
	"slices"
)

const (
	// maxPattern bounds the text of a pattern, in bytes.
	maxPattern = 1024
	// maxProgram bounds the instructions it compiles to: matching costs the
	// length of the string times those.
	maxProgram = 2000
	// boundedShare is how many instructions cost as much as one keyword where
	// matching ends after as many characters as the pattern is long.
	boundedShare = 2
	// scanWeight is what one instruction costs where matching reads the whole
	// string: a megabyte takes it some 20 ms.
	scanWeight = 4
)

// pattern checks the keyword. The library compiles it once.
func (c *checker) pattern(n *node, m Members, v any) any {
	text, ok := v.(string)
	if !ok {
		m.Faultf("wants a regular expression")
		return ""
	}
	n.weight += c.regexp(m, text)
	return text
}

// regexp checks a regular expression and returns what matching it costs.
func (c *checker) regexp(m Members, text string) int {
	if len(text) > maxPattern {
		m.Faultf("the pattern is %d bytes long; %d are allowed", len(text), maxPattern)
		return 0
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		m.Faultf("is no regular expression that Go's regexp (RE2) takes: %s", reason(err))
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		m.Faultf("the pattern is too complex: it compiles to more than %d instructions", maxProgram)
		return 0
	}
	if fromStart(parsed) && bounded(parsed) {
		return len(program.Inst) / boundedShare
	}
	return len(program.Inst) * scanWeight
}

// fromStart reports whether a pattern matches from the start of the text only.
func fromStart(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText:
		return true
	case syntax.OpConcat, syntax.OpCapture:
		return len(re.Sub) > 0 && fromStart(re.Sub[0])
	case syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !fromStart(sub) })
	}
	return false
}

// bounded reports whether what a pattern matches has a longest length.
func bounded(re *syntax.Regexp) bool {
	switch {
	case re.Op == syntax.OpStar, re.Op == syntax.OpPlus, re.Op == syntax.OpRepeat && re.Max < 0:
		return false
	}
	return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !bounded(sub) })
}

// reason says what is wrong with a regular expression.
func reason(err error) string {
	var syntaxError *syntax.Error
	if errors.As(err, &syntaxError) {
		return string(syntaxError.Code)
	}
	return "it does not parse"
}

// validPattern reports whether text is a regular expression that a schema may
// hold: the format "regex".
func validPattern(text string) bool {
	if len(text) > maxPattern {
		return false
	}
	_, err := syntax.Parse(text, syntax.Perl)
	return err == nil
}
