// Package live shows outcomes as they happen.
//
// Each outcome is shown as the store has it, in the order of the stream and once,
// and nothing is left out in silence. For that it waits: a message of the stream
// has an outcome for certain once the ack floor of the processors' consumer has
// passed it, because a processor acknowledges a message only after the store has
// its document. So one Hub a process, while anybody listens, asks for the floor a
// few times a second, reads the messages up to it from the stream, and looks up
// their documents in the store, in bulk. It needs no consumer of its own, and no
// right but those with which pending events are found: to read messages, and the
// state of stream and consumer.
//
// A message is shown by the document that names it as its origin. A repeated
// delivery of an event, or the same content sent again, is not the origin of a
// document, and so is not shown; another content under the same id is, as rejected.
// A document that expired before it was read is not shown either.
//
// The alternatives were worse: to evaluate messages again shows outcomes that the
// write rule may decide otherwise; to read the store by received time misses what
// is written late; a consumer of its own needs the right to create consumers, which
// in NATS is a right to copy messages anywhere in the account.
//
// A Subscription begins at the position of the Hub, or resumes behind an earlier
// one: then it first reads that part of the stream by itself, at most MaxResume
// messages. Its queue is bounded; where it overflows, the subscription ends with
// the number of outcomes that it lost, and the position that misses none. Messages
// that the stream does not have any more, or too many to catch up with, are a Gap.
package live
