// Package events answers the questions of analysts: stored and rejected events
// in pages, sessions as timelines, one event with its outcome, its trace
// through the revisions of the registry, and the types of events.
//
// A question and its answer are values: the package knows neither HTTP nor the
// operators' half of the query API. It reads a Store, and for one event the
// messages of the stream that have no outcome yet (pending.go).
//
// Stored events that filters select come from columns where these are held: they name the
// documents, and the store has them (columns.go). Otherwise the store is scanned for them
// (scan.go). Both list the same, in the same order and under the same positions, but
// columns lag by two seconds at most.
//
// Work is bounded: events and bytes of a page, messages and concurrency of a
// search in the stream, revisions and concurrency of a trace. Errors that a
// client can act on are of type problem.Error; all others are those of the
// store or of NATS.
package events
