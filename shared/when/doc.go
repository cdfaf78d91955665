// Package when reads the times and durations that people write: in query
// parameters, in the bodies of operators' calls, in declarations, in settings and
// in flags. One grammar serves all of them.
//
// A time is one of
//
//	2026-11-19T10:00:00Z            RFC 3339, also with an offset or a fraction
//	2026-11-19 10:00:00             without an offset: in the zone of the reader
//	2026-11-19T10:00                without seconds, with or without an offset
//	2026-11-19                      the beginning of that day in the zone
//	today, yesterday, now
//	7d, 90m, 2w, 1h30m              that long ago
//
// A duration is a sum of numbers with units: 30d, 90m, 2w, 1h30m, 1d12h, 1.5h,
// 250ms, or 0. A day is 24 hours and a week seven days. Months and years differ in
// length and are no units.
//
// The zone is UTC wherever a machine may read; a command on a terminal may use the
// local one, and says so. The times of events are no concern of this package: a
// client writes them by the stricter rules of package event.
package when
