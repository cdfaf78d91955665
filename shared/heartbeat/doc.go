// Package heartbeat shows which processes of The Eye are live, which build they
// run, and which registry revision each of them works with.
//
// Every service of every process puts a beat under <service>.<instance> of the
// bucket SERVICES: each second, and at once when its revision changes. The
// bucket is in memory and drops a beat after stream.HeartbeatTTL, so it lists a
// process that died or hangs no longer than that. A process that stops regularly
// removes its beat.
//
// A replay assumes that a service whose beat has expired is dead, and does not
// wait for it. So a service that validates checks its own Liveness: after an
// expiration it validates its batch again, with the registry as it is then.
//
// Service and instance come from the key of a beat, and its time from the clock
// of the server: the permissions of a NATS user are by subject, and the clocks of
// machines differ.
package heartbeat
