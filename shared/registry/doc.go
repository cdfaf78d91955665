// Package registry gives every service the newest registry: the schemas and the
// policy that validate events, and the write keys and tokens that give access. It
// is stored in three JetStream buckets, SCHEMAS, APPLICATIONS and TOKENS; the
// registry revision is that of SCHEMAS. The package editor changes the registry,
// the package declare brings in folders of declarations.
//
// Promises:
//
//   - A Registry has no snapshot before it has read all buckets that its service
//     needs: half a registry would reject good events and refuse good keys. Once it
//     has one, it keeps it while NATS is disconnected.
//   - Snapshots are immutable and read without a lock. Changes that arrive
//     together make one snapshot; only a changed schema is compiled.
//   - A snapshot is a function of the buckets alone: a record that this version
//     cannot read is logged, and its newest readable version is used instead, in
//     every process alike.
//   - Every version counts. The newest 100 before the present one of a type, since
//     the type was made or last removed, validate events that name them. At
//     rebuilds the schemas and the policy of any revision, and History reads every
//     version with its author, note and time.
//   - Secrets of write keys and tokens are stored as SHA-256 only, and never logged.
package registry
