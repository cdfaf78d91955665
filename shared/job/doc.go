// Package job is what an operator starts and a processor does: replays, dry
// runs and audits, with their progress and reports. They are kept in the
// JetStream bucket JOBS, one key a job.
//
// Promises:
//
//   - A job outlives the process that runs it. The runner saves its progress at
//     least every SaveEvery; a job that was not saved for LeaseTime belongs to
//     whoever takes it over, and goes on from its last checkpoint.
//   - Every change of a record replaces exactly the version that was read
//     (ErrChanged otherwise), so a job has one runner that can save, whatever
//     clocks and pauses.
//   - The last MaxKept finished jobs of each kind are kept with their reports.
package job
