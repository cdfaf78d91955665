// Package chaos proves by force that nothing accepted is lost: it sends events
// to a pipeline whose processes are killed with SIGKILL at random moments, and
// then holds every document of the store against its own record of what it
// sent.
//
//	Load            sends and records   →  Ledger: what was sent, what was accepted
//	Fleet           starts and kills    →  real binaries, one process or many
//	Ledger.Check    reads everything    →  findings: missing, twice, altered, …
//	Trial           one run of all three
//
// The checker knows what to expect by how an event was made (Kind) and shares
// no code with the pipeline. It is trusted only because it fails on each of a
// list of planted bugs, which the tests run every time.
package chaos
