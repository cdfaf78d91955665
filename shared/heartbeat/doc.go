// Package heartbeat tells which processes of The Eye are live, of which build
// they are, and which registry revision each of them works by.
//
// Every service of every process puts a beat under <service>.<instance> of the
// bucket SERVICES: each second, and at once when its revision changes. The
// bucket lives in memory and forgets a beat after stream.HeartbeatTTL, so it
// shows a process that died or hangs no longer than that. One that ends in
// order removes its beat.
//
// A replay takes a service whose beat has expired for gone, and judges without
// it. So a service that judges holds itself to its own heart (Heart.Liveness): what
// it judged before a lapse it judges again, by the registry as it is then.
//
// Whose beat it is, the key says, and when it came, the server's clock: the
// rights of a NATS user are by subject, and the clocks of machines differ.
package heartbeat
