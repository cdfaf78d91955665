// Package problem writes the errors of every HTTP API of The Eye in one shape:
// RFC 9457 problems with a stable code that a client can decide by. A Failure
// is an error that knows its answer, and Recover makes one of a panic. The
// codes themselves belong to the service that answers them.
package problem
