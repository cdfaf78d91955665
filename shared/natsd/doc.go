// Package natsd runs a NATS server with JetStream inside this process, for the
// single binary and for tests.
//
// What it promises beyond the server itself:
//
//   - An acknowledgement means "on disk": the server syncs every write.
//   - One process a folder: Start locks it, because two servers open one folder
//     without complaint and destroy it. A second process gets ErrLocked.
//   - Nothing is published onto a nearly full disk: Guard says so before the
//     server finds out, because NATS answers a full disk with silence.
//   - A write error mends itself: the server keeps refusing a stream it once
//     failed to write, until it is restarted. Run notices and restarts it, as
//     soon as there is space again; connections made by Connect survive that.
//
// The server listens on nothing unless told to, and then on loopback alone.
package natsd
