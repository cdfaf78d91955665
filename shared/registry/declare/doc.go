// Package declare brings folders of declarations into the registry: schemas, the
// policy and applications as files under version control.
//
//	applications/<name>.json
//	schemas/<category>/<name>.json    both names escaped as in subjects
//	policy.json
//
// Promises:
//
//   - A folder with a fault in any file is not applied, and LoadDir lists every
//     fault of every file.
//   - Applying a folder removes nothing. It puts what differs from the registry,
//     and replaces exactly the versions that it compared with.
//   - Follow applies a file again only if the file changes. It never
//     reverts changes that were made in the registry since, also over restarts.
package declare
