// Package audit accounts for every sequence of the stream: it determines the
// outcome of the event that was accepted there. It does not rely on the counters
// of the services; it reads the stream and the store.
//
//	every sequence  →  the message there  →  its _id and content  →  the document held
//
// The audit scans a range of the stream, reconciles each message with the store,
// and adds up a report. Its verdicts exclude each other:
//
//   - stored, rejected: the store holds the event from this origin.
//   - duplicate: the store holds it from an earlier origin, which is named.
//   - pending: the store does not hold it, and the live consumer has not settled
//     it. The consumer's floor is read before the store: an event that is settled
//     in between is in the store, and not the other way round.
//   - expired: the store does not hold it, and may have removed it: the retention
//     of its outcome under some registry revision since then is over.
//   - purged: the stream has no message there, and the sequence lies below the
//     purge mark of the processors. They write the mark before they purge (Marks).
//   - missing in the store: the stream has a message, and none of the above
//     applies. A document of a later copy does not count: this message has never
//     been written.
//   - lost in the stream: the stream has no message there, and no processor purged
//     it. The stream's leader was asked twice for each such sequence: a server
//     skips messages that it cannot read, ends a read there, or does not answer at
//     all.
//
// A loss at the end of the stream cannot be seen by reading the stream, and its
// sequences are assigned to other messages. So the processors note the end, with
// the time of its message, while they run. A stream that ends before the noted
// end, or that has another message there, has lost its tail. An event that was
// accepted and lost within one observation interval of the processors is not
// detected.
//
// Two kinds of events are called missing although they were only removed at their
// time: one that the database could not keep, where the retention of rejected
// events is shorter than that of stored ones, and a conflict whose opponent expired
// shortly before. That is the safe side: an event that is missing is never called
// expired.
package audit
