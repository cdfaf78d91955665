package schema

import (
	"errors"
	"maps"
	"regexp"
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

// pattern is a checked regular expression; it matches nothing where it has a fault.
type pattern struct {
	translated string
	compiled   *regexp.Regexp
	cost       int
}

// checkPattern checks the keyword. The library compiles the translation once.
func (c *checker) checkPattern(n *node, m Location, v any) any {
	text, ok := v.(string)
	if !ok {
		m.Faultf("must be a string (a regular expression)")
		return ""
	}
	p := c.readPattern(m, text)
	n.weight += p.cost
	return p.translated
}

// readPattern checks a regular expression of ECMA 262 and translates it.
func (c *checker) readPattern(m Location, text string) pattern {
	p := pattern{compiled: matchesNothing}
	if len(text) > maxPattern {
		m.Faultf("the pattern is %d bytes long; %d are allowed", len(text), maxPattern)
		return p
	}
	translated, err := translatePattern(text)
	if err != nil {
		m.Faultf("%v", err)
		return p
	}
	parsed, err := syntax.Parse(translated, syntax.Perl)
	if err != nil {
		m.Faultf("the pattern is too complex, or is not a regular expression: %s", syntaxReason(err))
		return p
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		m.Faultf("the pattern is too complex: it compiles to more than %d instructions", maxProgram)
		return p
	}
	if p.compiled, err = regexp.Compile(translated); err != nil {
		m.Faultf("the pattern does not compile: %s", syntaxReason(err))
		return pattern{compiled: matchesNothing}
	}
	p.translated, p.cost = translated, matchCost(parsed, program)
	if _, known := c.patterns[translated]; !known {
		c.patterns[translated] = text
	}
	return p
}

// matchesNothing stands for a pattern with a fault.
var matchesNothing = regexp.MustCompile(`[^\x00-\x{10FFFF}]`)

// matchCost is the cost of matching a pattern, as a weight.
func matchCost(parsed *syntax.Regexp, program *syntax.Prog) int {
	if anchoredAtStart(parsed) && hasMaxLength(parsed) {
		return len(program.Inst) / boundedShare
	}
	return len(program.Inst) * scanWeight
}

// translatePatterns replaces the patterns of patternProperties by their translation
// in the copy for the library.
func (c *checker) translatePatterns(schemas map[string]any) map[string]any {
	copied := make(map[string]any, len(schemas))
	for _, text := range slices.Sorted(maps.Keys(schemas)) {
		translated, err := translatePattern(text)
		if err != nil {
			continue // readPattern added the fault
		}
		for _, taken := copied[translated]; taken; _, taken = copied[translated] {
			translated += "(?:)" // two forms of one pattern
		}
		copied[translated] = schemas[text]
	}
	return copied
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

// validPattern checks the format "regex": the syntax of ECMA 262.
func validPattern(text string) bool {
	if len(text) > maxPattern {
		return false
	}
	t := translator{checks: true, rest: text}
	return t.translateAll() == nil
}
