package output

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// printTable returns the text of a table.
func printTable(header []string, rows ...[]string) string {
	var out bytes.Buffer
	(&Printer{Out: &out}).Table(header, rows)
	return out.String()
}

func TestTableAlignsColumns(t *testing.T) {
	got := printTable(
		[]string{"NAME", "N", "NOTE"},
		[]string{"a", "1", "first"},
		[]string{"東京", "22", ""},
		[]string{"e\u0301te\u0301", "", "no number"}, // with combining accents
		[]string{"short"},
		[]string{"👨‍👩‍👧", "4444", "x", "no column"},
	)
	want := "" +
		"NAME   N     NOTE\n" +
		"a      1     first\n" +
		"東京   22\n" +
		"e\u0301te\u0301          no number\n" +
		"short\n" +
		"👨‍👩‍👧     4444  x\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestTableInPartsHasOneHeaderAndNoNarrowerColumns(t *testing.T) {
	var out bytes.Buffer
	table := (&Printer{Out: &out}).NewTable([]string{"A", "B"})
	table.Append([][]string{{"long", "1"}})
	table.Append([][]string{{"x", "2"}})
	table.Append(nil)
	table.Append([][]string{{"longest", "3"}})
	want := "A     B\nlong  1\nx     2\nlongest  3\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

func TestCellEscapesControlsAndIsCut(t *testing.T) {
	for text, want := range map[string]string{
		"\x1b[31mred\x1b[0m":                   `\x1b[31mred\x1b[0m`,
		"\x1b]0;title\a":                       `\x1b]0;title\a`,
		"a\r\nb\tc":                            `a\r\nb\tc`,
		"\u009b2J":                             `\u009b2J`,
		"\x7f\x00\b":                           `\x7f\x00\b`,
		"abc\u202etxt.exe":                     `abc\u202etxt.exe`,
		"\u2066\u200f\ufeff":                   `\u2066\u200f\ufeff`,
		"line\u2028end":                        `line\u2028end`,
		"bad \xff\xfe":                         "bad \ufffd\ufffd",
		"wide\u3000space\u00a0":                "wide space ",
		"👍🏻":                                   "👍🏻",
		"🏻":                                    `\U0001f3fb`,
		"naïve 東京 \u05d0":                      "naïve 東京 \u05d0",
		"\u0645\u06cc\u200c\u0631\u0648\u062f": "\u0645\u06cc\u200c\u0631\u0648\u062f", // with a non-joiner
		strings.Repeat("x", maxCell):           strings.Repeat("x", maxCell),
		strings.Repeat("x", maxCell+1):         strings.Repeat("x", maxCell-1) + "…",
		strings.Repeat("京", maxCell):           strings.Repeat("京", maxCell/2-1) + "…",
		strings.Repeat("x", 1<<20):             strings.Repeat("x", maxCell-1) + "…",
		"z" + strings.Repeat("\u0301", 1<<20):  "z" + strings.Repeat("\u0301", maxCellRunes-1) + "…",
	} {
		if got := Cell(text); got != want {
			t.Errorf("Cell(%.40q) = %q, want %q", text, got, want)
		}
	}
	if got := Plain("one\n\ttwo\x1b"); got != "one\n\\ttwo\\x1b" {
		t.Errorf("Plain: %q", got)
	}
}

// For any cells, a row is one line without controls, and every column starts
// below its header.
func TestTableOfArbitraryCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOf(rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.StringOf(rapid.Rune())), 2, 2)).Draw(t, "rows")
		for i := range rows {
			rows[i] = append(rows[i], "end")
		}
		out := printTable([]string{"A", "B", "C"}, rows...)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if len(lines) != 1+len(rows) {
			t.Fatalf("%d rows are %d lines", len(rows), len(lines))
		}
		column := strings.Index(lines[0], "C")
		for _, line := range lines {
			if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool {
				return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
			}) {
				t.Fatalf("%q", line)
			}
			last := strings.TrimSuffix(strings.TrimSuffix(line, "end"), "C")
			if n := widths.StringWidth(last); n != column || n > 2*(maxCell+len(columnGap)) {
				t.Fatalf("the last column of %q starts at %d, the header's at %d", line, n, column)
			}
		}
	})
}

// Paths differ at their ends, so cells of such columns are cut in the middle.
func TestPathsAreCutInTheMiddle(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{Out: &out, Width: 21, Middle: []string{"FIELD"}, Rigid: []string{"EVENTS"}}
	p.Table([]string{"FIELD", "EVENTS"}, [][]string{
		{"data.cart.items[].sku", "1"}, {"data.cart.items[].price", "2"}, {"data.東京東京東京東京", "3"}, {"data.a", "4"},
	})
	want := "" +
		"FIELD          EVENTS\n" +
		"data.c…[].sku  1\n" +
		"data.c….price  2\n" +
		"data.…京東京   3\n" +
		"data.a         4\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}
