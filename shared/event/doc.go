// Package event knows what an event is: how its bytes are checked, decoded,
// identified and put into the one form that both stores keep.
//
// Promises:
//
//   - Inspect and Decode are pure functions of the bytes: no clock, no network,
//     no state. The same bytes give the same answer in every process.
//   - What Inspect carries, Decode decodes: an event that passed the door is
//     never unreadable later. A message that reached the stream by another way
//     is told apart by the same *Refusal.
//   - Work and memory are bounded by the limits below, whatever the bytes are.
//   - There is one parser (jsontext, strict): names are compared exactly, a
//     duplicate name or invalid UTF-8 is an error and never a silent choice.
//
// Numbers are decided here, so that both stores agree: an integer literal that
// fits int64 stays an int64, one of up to 34 digits becomes a Decimal128, and
// every other number the nearest double. Number says which. What a double cannot
// hold (9e308, 1e-309) is refused, not rounded to infinity or zero.
//
// The canonical form that is hashed is JSON without white space: members sorted
// by the bytes of their names, numbers as AppendNumber writes them, strings
// with no escape but those of ", \ and control characters.
//
// The way of a body: Split → Inspect at the door; Decode in the processor. Both
// read the tape that scan writes.
package event
