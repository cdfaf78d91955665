// Package audit accounts for every sequence of the stream: what became of the
// event that was accepted there. Nothing in the services' own counting is
// believed; the audit looks at the stream and at the store.
//
//	every sequence  →  the message there  →  its _id and content  →  what is held
//
// Its verdicts, each of which excludes the others:
//
//   - stored, rejected: the event is held from this place.
//   - duplicate: it is held from an earlier place, which is named.
//   - pending: it is not held, and the live consumer has not settled it. The
//     consumer's floor is read before the store: what is settled between the
//     two is in the store, and not the other way round.
//   - expired: it is not held, and may be gone: the retention of its outcome
//     by any registry revision since then is over.
//   - purged: there is no message, and it lies below what the processors have
//     kept of the stream. They say so before they purge (Marks).
//   - missing in the store: there is a message, and nothing of the above. A
//     document of a later copy does not count: mine has never been written.
//   - lost in the stream: there is no message, and nobody removed it. The
//     stream's leader was asked for each such sequence itself, twice: a server
//     passes over what it cannot read, ends there, or does not answer at all.
//
// What the stream lost at its end cannot be seen by reading it, and its
// sequences are given to other messages. So the end is noted, with the time of
// its message, as long as processors run; a stream that ends before it, or that
// holds another message there, has lost what was behind. What was accepted and
// lost within Observe of the processor is not seen.
//
// Two events are called missing that were only removed at their time: one that
// the database could not keep, where rejected events are kept for less time
// than stored ones, and a conflict whose opponent expired shortly before. That
// is the safe side: nothing that is missing is called expired.
package audit
