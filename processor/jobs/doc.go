// Package jobs runs replays, dry runs and audits in the processors.
//
// Of each kind one job runs at a time, whatever the number of processors: the
// oldest that is not finished. A runner holds a job by saving it every second
// on top of the version that it saved last; whoever finds a job that was not
// saved for job.LeaseTime takes it over and goes on from its checkpoint. A
// runner that was away so long that another has the job learns it from its next
// save, and stops. What both did in between is harmless: dry runs and audits
// write nothing, and what replays write is decided by the store's write rule.
package jobs
