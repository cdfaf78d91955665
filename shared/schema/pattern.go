package schema

import (
	"errors"
	"regexp/syntax"
	"slices"
)

const (
	// maxPattern bounds the text of a pattern, in bytes.
	maxPattern = 1024
	// maxProgram bounds the instructions of the compiled pattern: matching costs
	// their number times the length of the string.
	maxProgram = 2000
	// boundedShare is the number of instructions that cost as much as one keyword
	// where matching ends within the length of the pattern.
	boundedShare = 2
	// scanWeight is the cost of one instruction where matching reads the whole
	// string: about 20 ms for a megabyte.
	scanWeight = 4
)

// checkPattern checks the keyword. The library compiles it once.
func (c *checker) checkPattern(n *node, m Location, v any) any {
	text, ok := v.(string)
	if !ok {
		m.Faultf("must be a string (a regular expression)")
		return ""
	}
	n.weight += c.patternCost(m, text)
	return text
}

// patternCost checks a regular expression and returns the cost of matching it.
func (c *checker) patternCost(m Location, text string) int {
	if len(text) > maxPattern {
		m.Faultf("the pattern is %d bytes long; %d are allowed", len(text), maxPattern)
		return 0
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		m.Faultf("is not a regular expression that Go's regexp (RE2) takes: %s", syntaxReason(err))
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		m.Faultf("the pattern is too complex: it compiles to more than %d instructions", maxProgram)
		return 0
	}
	if anchoredAtStart(parsed) && hasMaxLength(parsed) {
		return len(program.Inst) / boundedShare
	}
	return len(program.Inst) * scanWeight
}

// anchoredAtStart reports whether a pattern matches at the start of the text only.
func anchoredAtStart(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText:
		return true
	case syntax.OpConcat, syntax.OpCapture:
		return len(re.Sub) > 0 && anchoredAtStart(re.Sub[0])
	case syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !anchoredAtStart(sub) })
	}
	return false
}

// hasMaxLength reports whether the matches of a pattern have a maximum length.
func hasMaxLength(re *syntax.Regexp) bool {
	switch {
	case re.Op == syntax.OpStar, re.Op == syntax.OpPlus, re.Op == syntax.OpRepeat && re.Max < 0:
		return false
	}
	return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !hasMaxLength(sub) })
}

// syntaxReason returns the reason why a regular expression does not parse.
func syntaxReason(err error) string {
	var syntaxError *syntax.Error
	if errors.As(err, &syntaxError) {
		return string(syntaxError.Code)
	}
	return "it does not parse"
}

// validPattern checks the format "regex": a regular expression that a schema may
// use as a pattern.
func validPattern(text string) bool {
	if len(text) > maxPattern {
		return false
	}
	_, err := syntax.Parse(text, syntax.Perl)
	return err == nil
}
