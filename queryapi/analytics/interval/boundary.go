package interval

import "time"

// farthest is more than any zone's clocks are ahead of UTC.
const farthest = 26 * time.Hour

// reachLocal returns the first instant at which the clocks of a zone show a local
// time or a later one. The local time is given as if it were UTC.
func reachLocal(local time.Time, zone *time.Location) time.Time {
	t := local.Add(-farthest).In(zone)
	for {
		_, offset := t.Zone()
		reached := local.Add(-time.Duration(offset) * time.Second)
		if reached.Before(t) {
			reached = t
		}
		_, end := t.ZoneBounds()
		if end.IsZero() || reached.Before(end) {
			return reached.In(zone)
		}
		t = end.In(zone)
	}
}

// localDate returns midnight of the local date of t, as if it were UTC.
func localDate(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// startDate returns the first day of the day, week or month of a date.
func (u Unit) startDate(date time.Time) time.Time {
	switch u {
	case Week:
		sinceMonday := (int(date.Weekday()) + 6) % 7
		return date.AddDate(0, 0, -sinceMonday)
	case Month:
		return date.AddDate(0, 0, 1-date.Day())
	}
	return date
}

// addUnits moves the first day of a day, week or month by n of them.
func (u Unit) addUnits(date time.Time, n int) time.Time {
	switch u {
	case Week:
		return date.AddDate(0, 0, 7*n)
	case Month:
		return date.AddDate(0, n, 0)
	}
	return date.AddDate(0, 0, n)
}

// span returns the interval that contains t.
func (u Unit) span(t time.Time, zone *time.Location) (start, end time.Time) {
	t = t.In(zone)
	if length := u.length(); length > 0 {
		return clockSpan(t, length)
	}
	date := u.startDate(localDate(t))
	start = reachLocal(date, zone)
	for n := 1; ; n++ {
		// A date that is skipped ends where it starts. Where clocks are set back
		// over midnight, the date of t is that of an interval that is over.
		end = reachLocal(u.addUnits(date, n), zone)
		if end.After(t) {
			return start, end
		}
		start = end
	}
}

// clockSpan returns the minute or the hour of the clocks that contains t: it ends
// where the offset from UTC changes.
func clockSpan(t time.Time, length time.Duration) (start, end time.Time) {
	_, offset := t.Zone()
	ahead := time.Duration(offset) * time.Second
	start = truncateTo(t.Add(ahead), length).Add(-ahead)
	end = start.Add(length)
	if changed := changeBefore(t, offset); changed.After(start) {
		start = changed
	}
	if changed := changeAfter(t, offset); !changed.IsZero() && changed.Before(end) {
		end = changed
	}
	return start, end
}

// changeBefore returns since when the zone of t has its offset, the zero time where
// it always had.
func changeBefore(t time.Time, offset int) time.Time {
	for {
		start, _ := t.ZoneBounds()
		if start.IsZero() {
			return start
		}
		// A zone may change its name alone.
		t = start.Add(-1)
		if _, o := t.Zone(); o != offset {
			return start
		}
	}
}

// changeAfter returns until when the zone of t has its offset, the zero time where
// it always will.
func changeAfter(t time.Time, offset int) time.Time {
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() {
			return end
		}
		t = end
		if _, o := t.Zone(); o != offset {
			return end
		}
	}
}

// truncateTo rounds down to a multiple of a length since 1970, also before it.
func truncateTo(t time.Time, length time.Duration) time.Time {
	seconds, unit := t.Unix(), int64(length/time.Second)
	rest := seconds % unit
	if rest < 0 {
		rest += unit
	}
	return time.Unix(seconds-rest, 0).In(t.Location())
}
