// Package sqlite keeps documents in one SQLite file: the embedded store of
// `theeye up`. No C compiler is needed.
//
// The file is in WAL mode with synchronous=FULL: what Insert and Replace report
// as done survives the loss of power. (NORMAL would lose acknowledged outcomes;
// so does a disk that lies about its syncs.) One connection writes, one bulk a
// transaction; several others read, each from its own snapshot, and neither
// waits for the other.
//
// data is JSON text as event.Event.Data has it, so a read returns the bytes that
// were written, and the same as package mongo does. Times are integers since
// 1970: microseconds for events, milliseconds for received_at and expires_at.
//
// A document past its expires_at is invisible to every read. A goroutine
// removes such documents in small transactions; until then they go on holding
// their ids.
package sqlite
