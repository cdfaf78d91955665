// Package registry gives every service the newest registry: the schemas and the
// policy that judge, and the write keys and tokens that let in. It lives in
// three JetStream buckets, SCHEMAS, APPLICATIONS and TOKENS; the registry
// revision is that of SCHEMAS.
//
// Promises:
//
//   - A Registry has no snapshot before it has read all buckets that its service
//     needs: half a registry would reject good events and turn good keys away.
//     Once it has one it keeps it while NATS is away.
//   - Snapshots are immutable and read without a lock. Changes that arrive
//     together make one snapshot; only a changed schema is compiled.
//   - A snapshot is a function of the buckets alone: a record that this version
//     cannot read is logged, and the newest version of it that can be read
//     takes its place, in every process alike.
//   - Every version counts: the newest 100 before the present one of a type, since
//     the type was made or last removed, judge events that name them, and At
//     makes the snapshot of any revision again.
//   - Secrets of write keys and tokens are kept as SHA-256 only; no secret is in a
//     log.
//
// Declarations are the same things as files in a folder under version control.
// Follow brings a folder into the registry and never reverts what was changed
// in the registry since a file was last applied.
package registry
