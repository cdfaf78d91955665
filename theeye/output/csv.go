package output

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/theeye/theeye/shared/spreadsheet"
)

// appendCSV prints rows as CSV (RFC 4180), under a header of lower-case names with
// underscores. Texts that a spreadsheet would take for a formula begin with an
// apostrophe; numbers are as they are.
func (t *Table) appendCSV(rows [][]string) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if !t.begun {
		t.begun = true
		names := make([]string, len(t.header))
		for i, name := range t.header {
			names[i] = strings.ReplaceAll(strings.ToLower(name), " ", "_")
		}
		_ = w.Write(names) // a buffer takes everything
	}
	for _, row := range rows {
		cells := make([]string, len(t.header))
		for i := range min(len(row), len(cells)) {
			cells[i] = guardFormula(row[i])
		}
		_ = w.Write(cells)
	}
	w.Flush()
	t.printer.writeTable(b.Bytes())
}

func guardFormula(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return spreadsheet.GuardText(text)
}
