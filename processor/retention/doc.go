// Package retention brings the documents of the store to the retention of the
// present policy, whatever the policy was when they were written.
//
// Follow, in every processor, compares the policy of the registry with the job of
// the last change, and starts a job where the retention is another. So a change is
// applied whichever way it is made: by HTTP, by a folder of declarations, or while no
// processor ran. One process runs the job (package jobs); another one continues it
// at its checkpoint. A job ends as superseded when the policy changes again.
//
// # The order of a job
//
//   - Due first. The documents that expire within the next minutes under the
//     earlier policy are changed first, and again every minute: the database removes
//     a document by the time that is written in it. What expired before the change
//     may be gone.
//   - Barrier. The job waits until every live processor validates against the policy
//     or a later one, and has nothing in flight that it validated before. From then
//     on every document is written with the new retention.
//   - Pass. All documents are read once, in portions, and those with another
//     ExpiresAt are changed. It ends at the last document that was written before
//     the barrier.
//
// A processor that was suspended may run the task of an earlier job when it wakes.
// Its updates have no effect on documents that the pass has written
// (store.RetentionPortion.Mark); where a runner was lost, the pass writes all.
//
// The job yields to live events: it waits while their lag grows, and rests for half
// as long as each portion took.
package retention
