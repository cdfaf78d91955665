// Package export writes every stored event that a question selects, in the order
// (timestamp, id), as NDJSON, CSV or Parquet.
//
// A Source reads the store in keyset pages, one ahead of the page that is being
// encoded, and holds no other: memory does not depend on the number of events. An
// Encoder turns pages into bytes. Run joins the two until the events, or the
// reasons to go on, end, and returns the position behind the last event that was
// written; a later export continues there without a gap and without an event twice.
//
// An export that is not whole never looks like one:
//
//   - NDJSON ends with a line that is no event. It has the count, and the cursor
//     that continues; a whole export has no cursor.
//   - CSV that is not whole ends with a row of another number of fields, which
//     strict readers refuse.
//   - A Parquet file that is not whole has no footer, so that no reader opens it.
//
// Columns of data are paths as filters spell them. They are fixed before the first
// row: by the caller, or by a look at the first events (Survey). Values without a
// column of their own are in the column data_rest of CSV; Parquet has all data as JSON.
package export
