// Package standalone is The Eye in one process: the three services over an
// embedded NATS server and an embedded store, or MongoDB, on one listener. It
// composes the services that also run as separate processes and adds no logic of
// theirs.
//
//	mux ─▶ collector ─▶ natsd ─▶ processor ─▶ store ◀─ queryapi ◀─ mux
//
// New acquires everything that can fail, so that a port in use, a folder in use
// and a faulty setting are reported before anything starts. Run starts the parts
// in the order in which they need each other, and drains them in the reverse
// order: mux, collector, processor, query API, registry, store, NATS and with it
// the folder's lock.
package standalone
