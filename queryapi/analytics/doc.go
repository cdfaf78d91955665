// Package analytics answers statistics from snapshots of columns: values below HTTP.
//
// Every answer is a function of the question and a snapshot: the stored events that are
// not masked and have not expired, each once. It is that of the definitions in the
// documents of the API, exactly; no figure is estimated but the number of different
// values of a field with very many, which says so. An application's events stay apart: a
// visitor is a value within one application.
//
// Questions about events (timeseries, top) put rows into cells, a cell for each group and
// interval, and make a figure of each: whole counts of every part are merged, never lists
// of the largest. Values of different parts are told apart by shared codes, which a
// dictionary gives once. Counts in the description of a part serve where they say what
// its rows would.
//
// Questions about visitors walk their events in the order (timestamp, document id). The
// rows of a part are sorted by session, so most sessions are walked where they lie;
// those that several parts have, and visitors that another field names, are gathered.
// What an event is to a question is a mask of bits, made from one look at each distinct
// value of a column and not at each row.
//
// Work is spread over the processors and ends with the context. Memory is bounded: a
// question that would need more is refused with api.CodeAnswerTooLarge.
package analytics
