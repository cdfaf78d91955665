// Package backup keeps a copy of an installation in a folder: its streams, its
// registry and jobs, and the embedded store.
//
// A backup is made while the installation runs, part by part in the order of Parts.
// The order makes the copy consistent: whatever happens between two parts, a
// restored installation delivers every event again that its store may lack, and
// never knows of a revision that its registry lacks.
//
//   - Jobs come first: a checkpoint must not be ahead of the events that are written.
//   - Events hold the acknowledgements from before the store was copied: an event
//     that counts as settled is in the store.
//   - The store comes before the registry, which so has every revision that a
//     document names. Documents of events behind the end of the copied stream are
//     removed when it is restored: their sequences will be other events'.
//   - Changes, and the digests of declarations, come before the schemas, applications
//     and tokens that they were copied from.
//
// The folder appears under its name when it is complete: until then its name ends in
// ".partial". Its manifest has the size and the SHA-256 of every file. The
// folder of a stream is as the NATS tools write it, so that they can restore it into
// another server.
//
// A backup has the hashes of keys and tokens, and every event: only its owner can
// read it.
package backup
