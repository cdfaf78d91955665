package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mattn/go-runewidth"
)

// Bounds of a table.
const (
	// maxCell bounds a cell, in columns of the terminal.
	maxCell = 64
	// maxCellRunes bounds what is looked at of a cell: characters that take
	// no column are bounded by nothing else.
	maxCellRunes = 4 * maxCell
	// columnGap stands between two columns.
	columnGap = "  "
)

// widths measures text. It does not follow the locale: what is printed depends
// on what is shown alone.
var widths = runewidth.Condition{StrictEmojiNeutral: true}

// table prints rows under a header, each column as wide as its widest cell.
// Whoever sent an event chose what stands in it: nothing of a cell reaches the
// terminal but characters that are seen, and none is wider than maxCell. An
// output that cannot be written makes the command fail in its end.
func (t *terminal) table(header []string, rows [][]string) { t.newTable(header).print(rows) }

// table is a table that is printed in parts.
type table struct {
	t      *terminal
	header []string // nil once it is printed
	width  []int
}

// newTable prints nothing yet.
func (t *terminal) newTable(header []string) *table {
	return &table{t: t, header: header, width: make([]int, len(header))}
}

// print prints further rows, the first time under the header. A column keeps
// at least the width that it had.
func (t *table) print(rows [][]string) {
	if t.header != nil {
		rows = append([][]string{t.header}, rows...)
		t.header = nil
	}
	lines := make([][]string, 0, len(rows))
	for _, row := range rows {
		line := make([]string, len(t.width))
		for i := range min(len(row), len(line)) {
			line[i] = cell(row[i])
			t.width[i] = max(t.width[i], widths.StringWidth(line[i]))
		}
		lines = append(lines, line)
	}
	var b bytes.Buffer
	for _, line := range lines {
		appendLine(&b, line, t.width)
	}
	t.t.write(b.Bytes())
}

// write prints, and keeps the first error for the end of the command.
func (t *terminal) write(text []byte) {
	if _, err := t.out.Write(text); err != nil && t.failed == nil {
		t.failed = fmt.Errorf("print: %w", err)
	}
}

// appendLine pads the cells of a line, none behind the last that has text.
func appendLine(b *bytes.Buffer, line []string, width []int) {
	gap := 0
	for i, text := range line {
		if text != "" {
			b.WriteString(strings.Repeat(" ", gap))
			b.WriteString(text)
			gap = 0
		}
		gap += width[i] - widths.StringWidth(text) + len(columnGap)
	}
	b.WriteByte('\n')
}

// cell is text fit for one cell: on one line, plain, and cut.
func cell(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxCellRunes {
			b.WriteString("…")
			break
		}
		writePlain(&b, r)
	}
	text = widths.Truncate(b.String(), maxCell, "…")
	if widths.StringWidth(" "+text+" ") != widths.StringWidth(text)+2 {
		// Its first or last character would join what stands beside the cell.
		text = widths.Truncate(strings.Trim(strconv.QuoteToASCII(text), `"`), maxCell, "...")
	}
	return text
}

// plain is text of any origin for a terminal: lines stay lines, and of what
// would steer the terminal, or turn the direction of writing, the escape is
// shown.
func plain(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		if r == '\n' {
			b.WriteRune(r)
			continue
		}
		writePlain(&b, r)
	}
	return b.String()
}

func writePlain(b *strings.Builder, r rune) {
	const joiner, nonJoiner = '\u200d', '\u200c' // of emoji and of scripts
	switch {
	case unicode.IsPrint(r), r == joiner, r == nonJoiner:
		b.WriteRune(r)
	case unicode.Is(unicode.Zs, r):
		b.WriteByte(' ') // a space as wide as the terminal has one
	default:
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
}

// printJSON prints one JSON value on one line. A jsontext.Value is printed
// with the numbers that it has.
func (t *terminal) printJSON(v any) error {
	text, ok := v.(jsontext.Value)
	if !ok {
		var err error
		if text, err = json.Marshal(v); err != nil {
			return fmt.Errorf("encode the output: %w", err)
		}
	} else if text = text.Clone(); text.Compact() != nil {
		return fmt.Errorf("the answer is no JSON; is --url right?")
	}
	return t.printLine(text)
}

// printLine prints a line of JSON, which has no line breaks.
func (t *terminal) printLine(text []byte) error {
	if _, err := t.out.Write(append(harmless(text), '\n')); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// harmless escapes in a JSON text the characters that JSON lets stand and that
// some terminals obey: DEL and the controls from U+0080 to U+009F. The value
// stays the same. They stand in strings alone, as nowhere else does anything
// beyond ASCII.
func harmless(text []byte) []byte {
	b := make([]byte, 0, len(text)+1)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r >= 0x7f && r < 0xa0 {
			b = fmt.Appendf(b, `\u%04x`, r)
		} else {
			b = append(b, text[:n]...)
		}
		text = text[n:]
	}
	return b
}
