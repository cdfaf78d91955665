// Package event is the vocabulary of events: the decoded Event, its Head and its
// Faults, the limits on its bytes, its identity, and the one form in which both
// stores keep numbers and times. Packages below shared/format read bytes into
// these types.
//
// Numbers are decided here, so that both stores agree: an integer literal that
// fits int64 stays an int64, one of up to 34 digits becomes a Decimal128, and
// every other number the nearest double, also a subnormal one. Number says which.
// What a double cannot hold (9e308, 1e-350) is refused, not rounded to infinity or
// zero.
//
// The canonical form, whose hash is the content hash, is JSON without white
// space: members sorted by the bytes of their names, numbers as AppendNumber
// writes them, strings with no escape but those of ", \ and control characters.
// It covers the event as it was received, before any translation, without
// event_id and without the members that its format names as transport only.
package event
