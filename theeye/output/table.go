package output

import (
	"bytes"
	"strings"
)

// columnGap separates two columns.
const columnGap = "  "

// Table prints rows under a header.
func (p *Printer) Table(header []string, rows [][]string) { p.NewTable(header).Append(rows) }

// Table is a table that is printed in parts. Every column is as wide as its
// widest cell so far.
type Table struct {
	printer *Printer
	header  []string // nil once it is printed
	widths  []int
}

// NewTable returns a table of which nothing is printed yet.
func (p *Printer) NewTable(header []string) *Table {
	return &Table{printer: p, header: header, widths: make([]int, len(header))}
}

// Append prints more rows; the first call prints the header too. A column never
// becomes narrower. Cells are made safe for the terminal and cut as by Cell.
func (t *Table) Append(rows [][]string) {
	if t.header != nil {
		rows = append([][]string{t.header}, rows...)
		t.header = nil
	}
	lines := make([][]string, 0, len(rows))
	for _, row := range rows {
		line := make([]string, len(t.widths))
		for i := range min(len(row), len(line)) {
			line[i] = Cell(row[i])
			t.widths[i] = max(t.widths[i], widths.StringWidth(line[i]))
		}
		lines = append(lines, line)
	}
	var b bytes.Buffer
	for _, line := range lines {
		appendLine(&b, line, t.widths)
	}
	t.printer.writeTable(b.Bytes())
}

// appendLine pads the cells of a line, but nothing after the last cell that has
// text.
func appendLine(b *bytes.Buffer, line []string, columns []int) {
	gap := 0
	for i, text := range line {
		if text != "" {
			b.WriteString(strings.Repeat(" ", gap))
			b.WriteString(text)
			gap = 0
		}
		gap += columns[i] - widths.StringWidth(text) + len(columnGap)
	}
	b.WriteByte('\n')
}
