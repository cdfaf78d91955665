// Package mongo keeps documents in MongoDB 6 or later, or in a server that
// speaks its protocol.
//
// One collection, events, has one document for each event; meta has the
// layout's version and the highest registry revision. Only single-document
// operations are used, with write concern {w: majority, j: true}: what Insert
// and Replace report as done survives the loss of power of a minority. There
// are no transactions, no upserts on events and no pipeline updates.
//
// # Documents
//
// Fields are those of store.Document; fields that a rejected event does not have
// are absent.
// timestamp is a date for people, timestamp_us the exact time. received_at and
// expires_at are dates. data keeps the order of its members, and its numbers
// are int64, Decimal128 or double as event.ParseNumber decides. A read returns the
// bytes that were written.
//
// A BSON key cannot hold NUL. In the keys of data, and only there, U+0000 is
// kept as U+0001 '0' and U+0001 as U+0001 '1'; every other key (with a dot, a
// dollar sign, empty) stays as it was sent.
//
// # Reads
//
// A document past its expires_at is invisible to every read, whether the
// server's TTL monitor has removed it or not; it goes on holding its id until
// then.
//
// MongoDB sorts by the index it filters by. FerretDB over DocumentDB does not;
// there Config.TimeWindows makes a page of a long range of time cheap.
package mongo
