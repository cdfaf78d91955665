// Package store keeps outcomes: one document for every accepted event, stored
// or rejected, written by a rule that ends in the same documents whatever the
// order of deliveries, crashes, concurrent processors and replays.
//
// The rule is in Writer and is the same for every database. A database brings
// only three single-document steps (Backend) and the questions of the query
// API (Reader):
//
//	insert what is new  →  read the holders of taken ids, once
//	same content:  replace, if mine has the earlier place, or the same place
//	               and the higher revision; no match is success
//	other content: keep mine under ConflictID by the same rule; the event that
//	               was written first stays
//
// A document's place is its Origin, the message's position in the stream. No
// step needs a transaction, an upsert or a lock: each is one atomic operation
// on one document, and a crash between any two of them leaves nothing that a
// redelivery does not complete.
//
// Package mongo is the adapter for MongoDB; the embedded one is in the module
// standalone. Package storetest is the suite that both pass.
package store
