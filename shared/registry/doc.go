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
// An Editor changes the buckets, one key in one step, and says who did it and
// why. Its promises:
//
//   - A change replaces exactly the version that it was compared with: of all
//     who want to replace one revision, one does.
//   - Nothing that has a fault gets in, and a put opens no file and no
//     connection but that to NATS.
//   - Every version and every removal stays, with author, note and time. A copy
//     of all is in the stream CHANGES, which the server keeps, so that no way
//     to change the registry goes past it; Editor.Changes tells what was before
//     and after, without secrets and hashes.
//   - A secret is returned once, by the call that makes it. Values that hold one
//     print, log and encode without it.
//   - Memory does not grow with the registry but for lists, which have one entry
//     a type, application or token, and for the owners of write keys, which
//     PutApplication compares with.
//
// Declarations are the same things as files in a folder under version control.
// Follow brings a folder into the registry and never reverts what was changed
// in the registry since a file was last applied.
package registry
