// Package processor gives every accepted event its outcome.
//
//	fetch  →  decode  →  validate  →  write  →  settle
//
// A worker takes one batch at a time through these steps: it fetches messages
// from the shared consumer of the stream, decodes and validates them against one
// registry revision, writes their documents to the store, and settles the
// messages, which acknowledges or releases them. worker.go has the path of one
// batch from top to bottom, fetch.go and settle.go its two ends.
//
// Promises:
//
//   - A message is acknowledged only after the store has returned from writing
//     its document. A crash before that repeats the work; the store's write
//     rule makes repetition harmless.
//   - The outcome of a message is a pure function of the message and a registry
//     revision (package outcome): no clock, no network, no count of deliveries.
//     One batch is validated against one revision.
//   - Nothing is dropped. A message that no collector wrote, that cannot be
//     decoded, or on which the validator panics is kept whole as rejected. The
//     other messages of its batch are not affected.
//   - While the store is unavailable no further messages are fetched, and those
//     in flight are kept in progress, so that an outage causes no redelivery. A
//     store that refuses its configuration stops the processor and decides no
//     event.
//   - A processor whose heartbeat is live validates against the revision that
//     the heartbeat names, or a later one. A batch that it validated before its
//     heartbeat expired is validated again before it is written, and one whose
//     heartbeat expired during the write is validated and written once more.
//   - The stream is purged only below the acknowledgement floor of every durable
//     consumer, so nothing unprocessed is ever removed.
//   - Memory is bounded by the number of workers: each holds one batch, bounded
//     in messages and bytes.
//
// Any number of processors may run side by side; they share one consumer. They
// also share the jobs, which are replays and dry runs (package replay) and audits
// (package audit): of each kind, one runs at a time in one of the processors
// (package jobs).
package processor
