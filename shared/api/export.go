package api

// Values of parameter format of GET PathExport.
const (
	FormatNDJSON  = "ndjson"
	FormatCSV     = "csv"
	FormatParquet = "parquet"
)

// Media types of exports and of GET PathLive.
const (
	ContentTypeNDJSON  = "application/x-ndjson"
	ContentTypeCSV     = "text/csv; charset=utf-8"
	ContentTypeParquet = "application/vnd.apache.parquet"
	ContentTypeEvents  = "text/event-stream"
)

// Headers of an export. The first two are trailers.
const (
	// HeaderComplete is "true" behind an export that is whole, else "false".
	HeaderComplete = "Eye-Complete"
	// HeaderNextCursor is the cursor that continues an export that is not whole.
	HeaderNextCursor = "Eye-Next-Cursor"
	// HeaderFrom and HeaderTo are the range of timestamps of the export.
	HeaderFrom = "Eye-From"
	HeaderTo   = "Eye-To"
)

// ExportEnd is the last line of an export as NDJSON.
type ExportEnd struct {
	// End is true; no event has the member.
	End bool `json:"_end"`
	// Events counts the lines before this one.
	Events int64 `json:"events"`
	// NextCursor continues an export that is not whole; null where it is.
	NextCursor Cursor `json:"next_cursor"`
}

// Columns of an export as CSV besides those of ExportColumns and of data.
const (
	// ColumnDataRest is the last column: an object of the values of data that have
	// no column.
	ColumnDataRest = "data_rest"
	// ExportIncomplete is the first of the three fields of the last row where an
	// export is not whole; the last one is the cursor that continues.
	ExportIncomplete = "_incomplete"
)

// ExportColumns returns the columns of every export as CSV and Parquet.
func ExportColumns() []string {
	return []string{"event_id", "application", "session_id", "category", "name", "timestamp", "received_at", "schema_version"}
}

// ExportFormatVersion is the version of the columns of an export, which a Parquet
// file names.
const ExportFormatVersion = "1"
