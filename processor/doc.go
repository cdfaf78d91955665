// Package processor gives every accepted event its outcome: it takes messages
// from the stream, judges them by one registry revision, writes the documents
// and acknowledges.
//
//	fetch  →  decode  →  judge  →  write  →  settle
//
// Promises:
//
//   - A message is acknowledged only after the store has returned from writing
//     its document. A crash before that repeats the work; the store's write
//     rule makes repetition harmless.
//   - The outcome of a message is a pure function of the message and a registry
//     revision (package judge): no clock, no network, no count of deliveries.
//     One batch is judged by one revision.
//   - Nothing is dropped. What no collector wrote, what cannot be decoded and
//     what makes the validator panic is kept whole as rejected, alone: its
//     neighbours never notice.
//   - While the store is away nothing more is fetched, and what is in work is
//     kept in progress: no message is delivered again for it. A store that
//     refuses its configuration stops the processor and decides no event.
//   - A processor that its heartbeat shows live judges by the revision that it
//     shows, or a later one. What it judged before it counted as gone it judges
//     again before it writes.
//   - The stream is purged only below the acknowledged floor of every durable
//     consumer, so nothing unprocessed is ever removed.
//   - Memory is bounded by the lanes: each holds one batch, bounded in messages
//     and bytes.
//
// Any number of processors may run side by side; they share one consumer. They
// also share the jobs: replays and dry runs (package replay) and audits (package
// audit), of each kind one at a time in one of them (package jobs).
package processor
