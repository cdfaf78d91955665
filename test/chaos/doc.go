// Package chaos tests that no accepted event is lost: it sends events to a
// pipeline whose processes are killed with SIGKILL at random moments, and then
// compares every document of the store with its own record of the events sent.
//
//	Load            sends and records   →  Ledger: events sent, events accepted
//	Fleet           starts and kills    →  real binaries, one process or many
//	Ledger.Check    reads everything    →  findings: missing, twice, altered, …
//	Trial           one run of all three
//
// The checker derives the expected outcome from the Kind of an event and shares no
// code with the pipeline. The tests prove that it fails on each of a list of
// planted bugs.
package chaos
