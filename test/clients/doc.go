// Package clients tests the clients of the project between faults and a real
// pipeline: every event that a site has handed over is stored, once.
//
//	client → Gate (answers) → faultproxy (connections) → collector, stream, store
//
// The Gate gives the answers of overload and wrong keys, and loses answers after the
// collector has accepted; the proxy cuts, holds and delays connections. Stored reads
// what became of the events.
package clients
