package schema

import (
	"errors"
	"regexp/syntax"
)

const (
	// maxPattern bounds the text of a pattern, in bytes.
	maxPattern = 1024
	// maxProgram bounds the instructions it compiles to: matching costs the
	// length of the string times those.
	maxProgram = 2000
	// programShare is how many instructions cost as much as one keyword.
	programShare = 2
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
	return len(program.Inst) / programShare
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
