package output

import (
	"bytes"
	"slices"
	"strings"
)

// columnGap separates two columns.
const columnGap = "  "

const (
	// readable is the width to which a column may be cut while others can be left
	// out instead.
	readable = 12
	// narrowest is the width to which a column is cut at most.
	narrowest = 6
)

// Table prints rows under a header.
func (p *Printer) Table(header []string, rows [][]string) { p.NewTable(header).Append(rows) }

// Table is a table that is printed in parts. Every column is as wide as its
// widest cell so far. Fitted to a terminal, the first part decides the widths:
// cells are cut, and columns left out, so that no line is longer than the
// terminal is wide.
type Table struct {
	printer *Printer
	header  []string
	begun   bool // the header is printed
	widths  []int
	// left says which columns are left out.
	left []bool
}

// NewTable returns a table of which nothing is printed yet.
func (p *Printer) NewTable(header []string) *Table {
	return &Table{printer: p, header: header, widths: make([]int, len(header)), left: make([]bool, len(header))}
}

// Append prints more rows; the first call prints the header too. A column never
// becomes narrower. Cells are made safe for the terminal and cut as by Cell.
func (t *Table) Append(rows [][]string) {
	if t.printer.CSV {
		t.appendCSV(rows)
		return
	}
	begins := !t.begun
	lines := make([][]string, 0, len(rows)+1)
	if begins {
		lines = append(lines, t.header)
		t.begun = true
	}
	for _, row := range rows {
		line := make([]string, len(t.widths))
		for i := range min(len(row), len(line)) {
			line[i] = Cell(row[i])
		}
		lines = append(lines, line)
	}
	fitted := t.printer.Width > 0
	if begins || !fitted {
		for _, line := range lines {
			for i, cell := range line {
				t.widths[i] = max(t.widths[i], widths.StringWidth(cell))
			}
		}
	}
	if begins && fitted {
		t.fit()
	}
	var b bytes.Buffer
	for n, line := range lines {
		t.appendLine(&b, line, begins && n == 0)
	}
	t.printer.writeTable(b.Bytes())
}

// fit makes the table as narrow as the terminal: it leaves out expendable columns
// while the others would be hard to read, then the last ones, and cuts the widest.
func (t *Table) fit() {
	expendable := t.printer.Expendable
	for {
		limit := t.widthLimit()
		if limit >= readable || len(expendable) == 0 && limit >= narrowest || t.shown() == 1 {
			for i, w := range t.widths {
				if !t.isRigid(i) || limit < narrowest {
					t.widths[i] = min(w, max(limit, 1))
				}
			}
			t.remarkLeft()
			return
		}
		if len(expendable) > 0 {
			if i := slices.Index(t.header, expendable[0]); i > 0 { // never the first
				t.left[i] = true
			}
			expendable = expendable[1:]
			continue
		}
		for i := len(t.left) - 1; i >= 0; i-- {
			if !t.left[i] {
				t.left[i] = true
				break
			}
		}
	}
}

// shown returns the number of columns that are not left out.
func (t *Table) shown() int {
	n := 0
	for _, left := range t.left {
		if !left {
			n++
		}
	}
	return n
}

// isRigid reports whether a column is not cut: half a time or a code is worth
// nothing.
func (t *Table) isRigid(column int) bool { return slices.Contains(t.printer.Rigid, t.header[column]) }

// widthLimit returns the width to which columns must be cut so that a line fits.
// Rigid and narrower columns keep theirs. Where nothing must be cut, it is that of
// the widest cell there can be.
func (t *Table) widthLimit() int {
	var cut []int
	room := t.printer.Width + len(columnGap)
	for i, w := range t.widths {
		switch {
		case t.left[i]:
			continue
		case t.isRigid(i) && t.shown() > 1:
			room -= w
		default:
			cut = append(cut, w)
		}
		room -= len(columnGap)
	}
	slices.Sort(cut)
	for i, w := range cut {
		if rest := len(cut) - i; w*rest > room {
			return max(room, 0) / rest
		}
		room -= w
	}
	if room < 0 {
		return 0
	}
	return maxCell
}

// remarkLeft names the columns that are left out.
func (t *Table) remarkLeft() {
	var names []string
	for i, left := range t.left {
		if left && t.widths[i] > 0 {
			names = append(names, t.header[i])
		}
	}
	if len(names) > 0 {
		t.printer.Remarkf("Left out: %s. See --wide.", strings.Join(names, ", "))
	}
}

// appendLine pads the cells of a line, but nothing after the last cell that has
// text.
func (t *Table) appendLine(b *bytes.Buffer, line []string, header bool) {
	gap := 0
	for i, text := range line {
		if t.left[i] {
			continue
		}
		if t.printer.Width > 0 {
			text = t.cutCell(i, text)
		}
		if text != "" {
			b.WriteString(strings.Repeat(" ", gap))
			b.WriteString(t.mark(i, line[i], text, header))
			gap = 0
		}
		gap += t.widths[i] - widths.StringWidth(text) + len(columnGap)
	}
	b.WriteByte('\n')
}

// cutCell cuts the text of a cell to the width of its column.
func (t *Table) cutCell(column int, text string) string {
	width := t.widths[column]
	if over := widths.StringWidth(text) - width; over > 0 && width > 2 && slices.Contains(t.printer.Middle, t.header[column]) {
		end := width / 2
		start := widths.Truncate(text, width-end, "…")
		return start + widths.TruncateLeft(text, over+width-end, "")
	}
	return widths.Truncate(text, width, "…")
}

// mark colours the text of a cell that names a problem, and makes the header bold.
func (t *Table) mark(column int, cell, text string, header bool) string {
	const bold, red, plain = "\x1b[1m", "\x1b[31m", "\x1b[0m"
	switch {
	case !t.printer.Color:
		return text
	case header:
		return bold + text + plain
	case t.printer.Wrong != nil && t.printer.Wrong(t.header[column], cell):
		return red + text + plain
	}
	return text
}
