// Package admin is the operators' half of the query API: it shows and changes
// the registry, starts and shows replays, dry runs and audits, and reports the
// state of the installation.
//
// A command and its result are values: the package knows neither HTTP nor the
// analysts' half. It needs NATS and not the store, so that the registry can be
// repaired while the store is unavailable. Every change names the revision that
// it replaces, and is made in the name of a token.
//
// Errors that a client can act on are those of package editor and job, and of
// type problem.Error.
package admin
