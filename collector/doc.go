// Package collector is the service that sites talk to: it takes events over
// HTTP and answers as soon as they are safe on disk.
//
//	authenticate → read → accept → commit → answer
//
// authenticate finds the application by the write key, read takes the body
// within its limits, accept splits it into events, checks that each can be
// carried and stamps it, commit puts all of a request into the stream together
// with those of others, answer says what became of each event.
//
// Promises:
//
//   - An event is answered `accepted` only after the server acknowledged it, and
//     the server acknowledges after the sync. Where one event of a request is
//     not known to be on disk the whole request is answered 503, which claims
//     nothing: sending the same events again is always safe.
//   - The application comes from the key, never from the body.
//   - An event's bytes reach the stream as they were received.
//   - The service depends on NATS alone. Without it requests are answered 503;
//     with it they are answered whatever the processors and the store do.
//   - Memory is bounded: bodies that are read, events that wait, and bodies
//     that are unpacked each have a budget. What is over it is answered 503.
//   - A client that goes away changes nothing about what it sent.
package collector
