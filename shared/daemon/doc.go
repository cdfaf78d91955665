// Package daemon is the shell of every process of The Eye: settings, logging with
// one line per occurrence, signals and a bounded drain, exit codes, an admin
// listener, and a group of steps that stop in the reverse order of their start.
//
// The main function of a service is one call of Main, with a struct of settings
// and a function that runs the service. The command theeye has its own flags and
// composes the same parts: ReadFaults, NewProcess and Supervise.
//
// Exit codes: 0 done, 1 a failure, 2 wrong usage or configuration, 3 a service
// that is needed could not be reached.
package daemon
