// Package demo makes the events of a small shop's site: what its visitors did in
// the days before a given time. They enter by search, by a newsletter or by the
// front page, read, compare, sign up, buy and leave; some come back for weeks.
// Days and hours are busy as they are where a visitor lives. One event in a
// hundred is of an old page that sends them wrongly, and is rejected.
//
// A Config decides every byte: the same one gives the same events with the same
// ids, so sending them again changes nothing. More events of the same seed, days
// and end contain the fewer ones.
//
// Sample.Summary is what a correct count of the stored events must give. It is
// counted while the events are planned, and no store or query takes part.
package demo
