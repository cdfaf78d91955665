// Package kv changes keys of JetStream key-value buckets in single steps: by
// compare-and-set, and under leases that another process can take over.
//
// Promises:
//
//   - A write replaces exactly the version that it names, or nothing: of all
//     writers that read one version, one succeeds and the others get
//     ErrConflict. The version of a key is its revision, also that of a removal.
//   - Update reads a key, changes it and writes it, and begins again when another
//     writer came between, at most MaxAttempts times.
//   - A Lease has one holder that can save, whatever clocks and pauses: a holder
//     that was replaced gets ErrConflict. Leases expire by the clock of the
//     process that waits for one; clocks of two processes are never compared.
//   - Nothing is cached but the handles of a bucket: every read asks NATS. Where
//     a bucket has replicas, any of them may answer a read, with a version that
//     is a moment old; a write that relied on it gets ErrConflict.
package kv
