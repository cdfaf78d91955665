// Package collector is the service that sites talk to: it takes events over
// HTTP and answers as soon as they are safe on disk.
//
//	authenticate → read → charge → accept → commit → answer
//
// authenticate finds the application by the write key, read takes the body
// within its limits and splits it into events, charge takes what they cost from
// what the key may send now, accept checks that each can be carried and stamps
// it, commit puts all of a request into the stream together with those of
// others, answer says what became of each event.
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
//   - A request over the rates of its write key is answered 429 and costs the
//     key nothing, as does one that is answered 503. Each process counts for
//     itself, and from nothing when it starts.
//   - A client that goes away changes nothing about what it sent.
package collector
