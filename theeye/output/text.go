package output

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8/decor"
)

// Bounds of texts of unknown origin.
const (
	// maxCell bounds a cell of a table, in columns of the terminal.
	maxCell = 64
	// maxCellRunes bounds the characters of a cell that are read: characters
	// without a width are not bounded by maxCell.
	maxCellRunes = 4 * maxCell
	// maxInLine bounds a text within a line, in characters.
	maxInLine = 400
)

// widths measures text independently of the locale, so that the same values
// are always printed the same way.
var widths = runewidth.Condition{StrictEmojiNeutral: true}

// Plain returns a text that is safe on a terminal: line breaks remain, and
// characters that control the terminal or the direction of writing are
// replaced by their escape sequences.
func Plain(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		if r == '\n' {
			b.WriteRune(r)
			continue
		}
		writeSafe(&b, r)
	}
	return b.String()
}

// OneLine returns a text that is safe within a line: without line breaks, and
// not longer than 400 characters.
func OneLine(text string) string { return safePrefix(text, maxInLine) }

// Cell returns a text that is safe in a cell of a table: without line breaks,
// and not wider than 64 columns.
func Cell(text string) string {
	text = widths.Truncate(safePrefix(text, maxCellRunes), maxCell, "…")
	if widths.StringWidth(" "+text+" ") != widths.StringWidth(text)+2 {
		// Its first or last character would combine with its neighbour.
		text = widths.Truncate(strings.Trim(strconv.QuoteToASCII(text), `"`), maxCell, "...")
	}
	return text
}

// safePrefix returns the first limit characters of a text, made safe within a
// line.
func safePrefix(text string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > limit {
			b.WriteString("…")
			break
		}
		writeSafe(&b, r)
	}
	return b.String()
}

func writeSafe(b *strings.Builder, r rune) {
	const joiner, nonJoiner = '\u200d', '\u200c' // of emoji and of scripts
	switch {
	case unicode.IsPrint(r), r == joiner, r == nonJoiner:
		b.WriteRune(r)
	case unicode.Is(unicode.Zs, r):
		b.WriteByte(' ') // wide spaces too
	default:
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
}

// escapeControls escapes the characters that JSON allows in strings and that
// some terminals interpret: DEL and the controls from U+0080 to U+009F. The
// JSON value stays the same, because outside of strings JSON is ASCII.
func escapeControls(text []byte) []byte {
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

// IndentJSON returns a JSON text with one member a line. A text that is not
// valid JSON is returned unchanged.
func IndentJSON(raw []byte) string {
	v := jsontext.Value(bytes.Clone(raw))
	if err := v.Indent(jsontext.WithIndent("  ")); err != nil {
		return string(raw)
	}
	return string(v) + "\n"
}

// Uint formats a number.
func Uint(n uint64) string { return strconv.FormatUint(n, 10) }

// Bytes formats a number of bytes with a binary unit.
func Bytes(n uint64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("% .1f", decor.SizeB1024(min(n, math.MaxInt64)))
}

// Seconds formats a number of seconds as a duration.
func Seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}

// Prefix returns the first n bytes of an id.
func Prefix(id string, n int) string { return id[:min(n, len(id))] }
