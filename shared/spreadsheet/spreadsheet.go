// Package spreadsheet protects those who open a CSV file with a spreadsheet: a cell that
// begins like a formula is executed there.
package spreadsheet

import "strings"

// guarded are the characters with which a spreadsheet begins a formula, and the
// apostrophe that marks a text as no formula.
const guarded = "=+-@\t\r'"

// GuardText returns a text that no spreadsheet takes for a formula: one that begins like
// it gets an apostrophe before it, and so does one that begins with an apostrophe, so that
// the first apostrophe is never one of the text.
func GuardText(text string) string {
	if text != "" && strings.IndexByte(guarded, text[0]) >= 0 {
		return "'" + text
	}
	return text
}
