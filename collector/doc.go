// Package collector is the service that sites send events to: it accepts them
// over HTTP and answers as soon as they are synced to disk.
//
//		authenticate → read → limit → accept → stamp → commit → answer
//		  auth.go    body.go  ratelimit.go  accept.go  commit.go  answer.go
//		                                               publish.go
//
//	  - authenticate: the write key names the application; its origin is checked.
//	  - read: the body is read within its bounds, decompressed, and split into
//	    events.
//	  - limit: the cost of the request is reserved from the rate limits of the
//	    write key.
//	  - accept: each event is inspected; one that cannot be carried is refused.
//	  - stamp: an accepted event becomes a message, with headers for the
//	    application, the time received and the format.
//	  - commit: the messages of a request are published together with those of
//	    other requests (commit.go groups, publish.go talks to NATS).
//	  - answer: each event of the request gets its result.
//
// serveEvents in routes.go calls these steps in this order.
//
// Promises:
//
//   - An event is answered `accepted` only after the server acknowledged it, and
//     the server acknowledges after the sync. Unless every event of a request is
//     known to be on disk, the whole request is answered 503, which claims
//     nothing: sending the same events again is always safe.
//   - The application comes from the key, never from the body.
//   - The bytes of an event reach the stream as they were received.
//   - The service depends on NATS alone. Without NATS, requests are answered 503;
//     with it they are answered whatever the state of processors and store.
//   - Memory is bounded: bodies and queued events have a budget each. A request
//     over a budget is answered 503. Of the memory for bodies a write key has a
//     share, so that no key keeps another out; the size that a body claims is
//     reserved before it is read, and given back before the answer is written.
//   - A body may arrive slowly, as long as it makes progress. The rest of a body
//     that is answered early is read, so that its client gets to read the answer.
//   - A request over the rates of its write key is answered 429 and costs the
//     key nothing, as does one that is answered 503. Each process counts by
//     itself, and from zero when it starts.
//   - A client that disconnects changes nothing about the events it sent.
package collector
