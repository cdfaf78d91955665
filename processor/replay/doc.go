// Package replay runs accepted events through the registry again: to write the new
// outcomes (Replay), or to report how they would differ (DryRun).
//
// # The protocol of a replay
//
// A replay brings every event of its range to its target, a registry revision that
// was made for it. Processors go on working at the same time, at their own speed
// and with the revisions that they know. Each part of the protocol is needed;
// protocol_test.go visits every order of steps, and finds a fault when one part is
// left out.
//
//   - Guard. Documents are written by the store's write rule: at one origin the
//     higher revision wins, whichever process writes last.
//   - Barrier. The end of the range is fixed only when the heartbeat of every live
//     processor names the target or later, and this build. So events after the
//     range are validated against the target or later.
//   - Fence. A processor whose heartbeat has expired counts as gone, so it must not
//     go on as before: it sends its next heartbeat only after it has caught up with
//     the registry, and writes only batches that it has validated since. The batches
//     that it had in flight before are in the range.
//   - Wait and sweep. A selection by outcome skips an event whose outcome a slow
//     processor then changes. So at the end the replay waits until no live processor
//     has a batch in flight that it validated below the target, and reads the range
//     again, until it finds nothing to write. Any other selection skips no event, and
//     no processor can undo what the replay has written: it needs no second reading.
//
// When a replay ends, no selected event of its range is below its target, except
// events whose retention under the target is over by then: they stay as they are
// until they are removed. Without a selection by outcome that holds permanently.
// With one, it does not cover the writes of a processor that was silent for longer
// than heartbeats live, between validation and that write.
//
// # How events are counted
//
// An event has one origin, and counts there; its copies at other origins count as
// duplicates. Another content under its id is an event of its own, rejected
// permanently with the code id_conflict, and is selected as such. An event that has
// not been written yet is selected whatever outcome is selected.
package replay
