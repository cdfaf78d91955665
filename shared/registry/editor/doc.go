// Package editor changes the registry: one key in one step, with who did it and
// why. It also lists applications and tokens, and changes.
//
// Promises:
//
//   - A change replaces exactly the version that it was compared with: of all
//     writers that want to replace one revision, one succeeds.
//   - A declaration with a fault is never written, and checking one opens no file
//     and no connection.
//   - Every version and every removal stays, with author, note and time. The
//     server keeps a copy of all in the stream CHANGES, so that no way to change
//     the registry goes past it; Editor.Changes shows before and after, without
//     secrets and digests.
//   - A secret is returned once, by the call that makes it. Values that hold one
//     print, log and encode without it.
//   - Memory does not grow with the registry, except for lists, which have one
//     entry a type, application or token, and for the owners of write keys, which
//     PutApplication compares with.
package editor
