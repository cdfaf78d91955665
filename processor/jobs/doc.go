// Package jobs runs replays, dry runs and audits in the processors.
//
// Of each kind one job runs at a time, whatever the number of processors: the
// oldest that is not finished. A runner holds a job by saving it every second as
// the successor of the version that it saved last; that is its lease. A runner
// that finds a job which was not saved for job.LeaseTime takes it over and
// continues at its checkpoint. A runner that was suspended for so long that
// another one has the job learns it from its next save, and stops. The work that
// both did in the meantime is harmless: dry runs and audits write nothing, and
// the store's write rule decides about the writes of replays.
package jobs
