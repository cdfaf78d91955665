// Package lastuse keeps when each write key and each token was last used, so that an
// operator sees which ones no site and no person needs any more.
//
// The mark of a credential is the hour, in UTC, in which a process last admitted a
// request with it. It is one key of the bucket USES. Promises:
//
//   - No request waits for a mark: a Recorder notes uses in memory and writes them each
//     minute, at most once an hour for each credential and process.
//   - A mark never moves back, whichever processes write it and whatever their clocks
//     say: each write replaces the mark that it was compared with, by a later hour. An
//     hour that the clock of the NATS server had not reached counts as the hour of that
//     clock.
//   - A process that is killed loses the uses of the last minute, no others; one that
//     stops regularly writes them.
//   - Memory and space are bounded: by the credentials that are in use, and by
//     stream.UsesTTL, after which a mark is removed.
package lastuse
