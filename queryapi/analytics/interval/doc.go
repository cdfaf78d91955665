// Package interval divides a range of time into the intervals of a statistic:
// minutes, hours, days, weeks and months on the boundaries of a local calendar.
//
// An interval is half-open. A day, a week or a month begins at the first instant
// at which the zone's clocks show its first moment or a later one, so a day has 23
// or 25 hours where clocks change, begins at one o'clock where they skip midnight,
// and is no interval at all where a zone skips it whole. A week begins on Monday
// (ISO 8601). A minute or an hour begins where the clocks show a full one, and at
// every change of the offset from UTC: the hour that clocks repeat is two
// intervals, and a change by half an hour makes one of half an hour.
//
// The number of intervals is bounded while they are counted, before anything is
// allocated for their values. A machine without a database of zones has the one that
// is embedded in the program.
package interval
