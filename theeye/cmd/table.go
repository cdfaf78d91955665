package cmd

import "strings"

// expendable are the columns that a narrow terminal can do without, the first to
// leave out first.
var expendable = []string{
	"CHART", "P90", "MEDIAN", "DROPPED", "IN SCHEMA", "MAX", "MIN", "INSTANCE", "COMMIT", "STARTED", "SAMPLE", "CONTENT", "SESSION", "EVENT", "EXIT", "LAST", "APPLICATION", "AUTHOR", "LIMITS", "ORIGINS",
	"REVISION", "CATEGORY", "TOTAL", "DURATION", "PATH", "RECEIVED", "FIRST",
}

// rigid are the columns whose cells are not cut.
var rigid = []string{
	"TIME", "RECEIVED", "FIRST", "LAST", "STARTED", "SEEN", "CREATED", "COUNT", "EVENTS", "STORED", "REJECTED", "SHARE", "STATE", "REVISION",
	"DURATION", "OF FIRST", "OF PREVIOUS", "DISTINCT", "CHART", "CODE", "ACTION", "OUTCOME", "CHANGE", "SEQUENCE",
}

// middle are the columns of paths.
var middle = []string{"FIELD", "PATH"}

// wrongCells are the texts of cells that name a problem, by the header of their
// column. A column without
// texts has them in every cell.
var wrongCells = map[string][]string{
	"CODE":     nil,
	"OUTCOME":  {"rejected"},
	"STATE":    {"disabled", "expired", "failed", "cancelled"},
	"ACTION":   {"removed"},
	"CHECK":    {"FAIL"},
	"CHANGE":   {"newly rejected", "still rejected"},
	"REVISION": {"BEHIND"},
	"STATUS":   {"rejected", "refused"},
}

// saysWrong reports whether a cell names a problem.
func saysWrong(header, text string) bool {
	texts, ok := wrongCells[header]
	if !ok || text == "" {
		return false
	}
	for _, wrong := range texts {
		if strings.HasSuffix(text, wrong) {
			return true
		}
	}
	return texts == nil
}
