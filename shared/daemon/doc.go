// Package daemon is what every process of The Eye has around its work: flags
// and environment, one log line an occurrence, signals and a bounded drain,
// exit codes, an admin listener, and steps that stop in the reverse order of
// their start.
//
// A service's main is one line: daemon.Main(name, run). The command people use
// has flags of its own and composes the same parts: NewProcess and Supervise.
//
// Exit codes: 0 done, 1 it met a failure, 2 wrong usage or configuration, 3 it
// could not reach what it needs.
package daemon
