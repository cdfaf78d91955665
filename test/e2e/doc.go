// Package e2e holds the end-to-end tests: real binaries, real HTTP, a real
// nats-server and a real database, in both shapes that people run. Whatever is
// asserted of one shape is asserted of the other.
//
// EYE_E2E_OUTAGE=60s makes the outage of the database last that long.
package e2e
