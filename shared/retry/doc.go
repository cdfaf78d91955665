// Package retry waits and tries again, for as long as a context allows.
//
// Promises:
//
//   - No wait outlives its context: every function returns as soon as the
//     context ends, with context.Cause of it.
//   - A context that has ended wins over everything that happens at the same
//     moment, so a caller never goes on with a context that is over.
package retry
