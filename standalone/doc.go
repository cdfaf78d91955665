// Package standalone is The Eye in one process: the three services over an
// embedded NATS server and an embedded store, or MongoDB, on one listener. It
// composes the same services that run as processes of their own; what they do
// is theirs.
//
//	mux ─▶ collector ─▶ natsd ─▶ processor ─▶ store ◀─ queryapi ◀─ mux
//
// New takes everything that can be refused, so that a port in use, a folder
// in use and a faulty setting are told before anything starts. Run starts in
// the order in which the parts need each other, and drains in the reverse:
// mux, collector, processor, query API, registry, store, NATS and with it the
// folder's lock.
package standalone
