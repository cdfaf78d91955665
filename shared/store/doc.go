// Package store keeps outcomes: one document for every accepted event, stored
// or rejected, written by a rule that ends in the same documents whatever the
// order of deliveries, crashes, concurrent processors and replays.
//
// The rule is in Writer and is the same for every database. An adapter only
// implements three single-document steps (Backend) and answers the questions of
// package query (Reader):
//
//	insert new documents  →  read the holders of taken ids, once
//	same content:  replace the holder if this document has the earlier origin, or
//	               the same origin and the higher revision; no match is success
//	other content: keep this document under ConflictID by the same rule; the event
//	               that was written first stays
//
// Origin is the position of the event's message in the stream. No step needs a
// transaction, an upsert or a lock: each is one atomic operation on one document,
// and a crash between any two of them leaves nothing that a redelivery does not
// complete.
//
// Package mongo is the adapter for MongoDB, package sqlite the embedded one.
// Package storetest is the suite that both pass.
package store
