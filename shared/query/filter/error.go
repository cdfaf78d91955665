package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error has the place of a filter's fault, and the text expected there.
type Error struct {
	// Index is that of the filter in its list, from 0.
	Index int
	// Position is the number of bytes of Text before the fault.
	Position int
	// Expected is what should stand there, for people: a noun phrase.
	Expected string
	// Text is the filter.
	Text string
}

// Error returns one sentence, which shows the text around the fault.
func (e *Error) Error() string {
	where := fmt.Sprintf("number %d", e.Index+1)
	if e.Position > 0 {
		where += fmt.Sprintf(", behind %s", quoteEnd(e.Text[:e.Position]))
	}
	return where + ": expected " + e.Expected
}

// quoteEnd quotes the end of a text.
func quoteEnd(s string) string {
	const most = 40
	cut := ""
	if len(s) > most {
		s, cut = s[len(s)-most:], "…"
		for s != "" && !utf8.RuneStart(s[0]) {
			s = s[1:]
		}
	}
	return string(appendQuoted(nil, cut+strings.ToValidUTF8(s, "�")))
}
