// Package replay runs accepted events through the registry again: for real
// (Replay), or to tell what that would change (DryRun).
//
// # The protocol of a replay
//
// A replay brings every event of its range to its target, a registry revision
// that was made for it, while processors go on working, at their own pace and
// with what they knew. Each part of the protocol is needed; protocol_test.go
// visits every order of steps, and finds a fault when one is left out.
//
//   - Guard. Documents are written by the store's write rule: at one place the
//     higher revision wins, whoever writes last.
//   - Barrier. The end of the range is fixed only when the heartbeat of every
//     live processor names the target or later, and this build. So what comes
//     after the range is judged by the target or later.
//   - Fence. A processor whose heartbeat has lapsed counts as gone, so it must
//     not go on as if nothing had happened: it sends its next heartbeat only
//     after it has caught up with the registry, and writes only what it judged
//     since. What it had in its hands before is in the range.
//   - Wait and sweep. A selection by outcome passes over an event whose outcome
//     a slow processor then changes. So at the end the replay waits until no
//     live processor has in its hands what it judged below the target, and
//     reads the range again, as often as it finds something to write.
//
// When a replay ends, no event of its range that it selects is below its
// target, but for those that by then would be past their retention: they stay as
// they are until they are removed. Without a selection by outcome that holds for
// good. With one there is an exception: what a processor writes that was
// silent, for longer than heartbeats live, between its judgement and that write.
//
// # What counts
//
// An event has one place, and counts there; its copies at other places count as
// duplicates. Another content under its id is an event of its own, rejected for
// good with the code id_conflict, and is selected as such. An event that nobody
// has written yet is selected whatever outcome is asked for.
package replay
