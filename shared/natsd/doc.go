// Package natsd runs a NATS server with JetStream inside this process, for the
// single binary and for tests.
//
// It adds these promises to those of the server:
//
//   - An acknowledgement means "on disk": the server syncs every write.
//   - A folder has one process: Start locks it, because two servers open one
//     folder without an error and destroy it. A second process gets ErrLocked.
//   - Nothing is published onto a nearly full disk: Guard fails before the server
//     notices, because NATS does not answer on a full disk.
//   - The server recovers from a write error: it refuses a stream that it once
//     failed to write until it is restarted. Run detects this and restarts it as
//     soon as there is space again; connections made by Connect survive that.
//   - Atomic batches are staged in memory, where the machine has a memory file system:
//     one sync of the disk a batch instead of some six.
//
// The server listens on no address by default, and then on loopback only.
package natsd
