// Package job keeps the jobs that a processor runs, with their progress and reports:
// replays, dry runs and audits, which an operator starts, and the changes of the
// retention, which a change of the policy starts. Each is one key of the JetStream
// bucket JOBS.
//
// Promises:
//
//   - A job outlives the process that runs it. The runner saves its progress at
//     least every SaveEvery. If a job was not saved for LeaseTime, another process
//     takes it over and continues from its last checkpoint.
//   - Every change of a record replaces exactly the version that was read
//     (ErrChanged otherwise), so a job has one runner that can save, whatever the
//     clocks and pauses.
//   - The last MaxKept finished jobs of each kind are kept with their reports.
package job
