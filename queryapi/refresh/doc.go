// Package refresh keeps the columns (package columns) equal to the store, and gives
// snapshots of them to questions.
//
// # Promises
//
//   - A Snapshot has every document of the store whose outcome was durable at its AsOf,
//     once, and none that was not there then or later. AsOf is at most two seconds before
//     the call. Documents that have expired by its Now are for the caller to drop.
//   - That holds whatever writers, replays, changes of the retention, restarts and kills
//     come between any two steps, and whatever happens to the folder: it is a cache, and
//     missing, damaged, foreign or old files are rebuilt.
//   - Memory is bounded, whatever the number of events: see limits.
//
// # Protocol
//
// A slot is ten seconds of received time. The store marks the slot of every document that
// it writes, then the day of the slot (package store, Marks). A pass does, each second:
//
//	note the time  →  read the marks of days  →  of each day that has changed:
//	read the marks of its slots  →  scan the slots that have changed  →  install a part
//
// The protocol rests on this order. The generation of a slot is read before its documents,
// so the rows of a part are at least as new as the generations that it is valid for; what
// is written later marks the slot again. The mark of a day is read before those of its
// slots, and written after them, so a day that counts as complete lacks nothing that its
// mark speaks of.
//
// Each slot of a day has one owner among the parts of the day: the part with the newest
// generation. Rows of that slot in any other part are masked. So parts can be installed
// in any order and by several goroutines at once: a pass patches the newest slots while
// the builder merges older ones, by the same steps, and neither waits for the other. A
// part that owns nothing is dropped; its file is removed once no question can use it.
// A question may find a file gone or damaged at any moment, and its slots are held no
// longer: a refresh of the day that began before does not complete it.
//
// Parts are in memory until their hours are over, or until they are large; then they are
// files. A file found at the start counts for the slots whose generation is that of the
// mark, and for no other.
//
// # Files
//
// refresher.go has the state, pass.go the pass, build.go the scan, work.go and plan.go the
// builder and its decisions, which are about cost alone, load.go and check.go the files,
// snapshot.go and views.go the questions, verify.go the comparison with the store.
package refresh
