package output

import (
	"time"

	"github.com/theeye/theeye/shared/event"
)

// roomyWidth is the width from which on times are shown to the second.
const roomyWidth = 100

// Time formats a time: to the second in UTC where a machine may read it, and
// short on a terminal. The zero time is empty.
func (p *Printer) Time(t time.Time) string {
	return p.formatTime(t, func() string { return t.UTC().Format(time.RFC3339) }, time.DateTime)
}

// ExactTime formats a time as Time does, but to the microsecond, as the API does,
// where it is not short.
func (p *Printer) ExactTime(t time.Time) string {
	return p.formatTime(t, func() string { return event.FormatTime(t) }, "2006-01-02 15:04:05.000000")
}

func (p *Printer) formatTime(t time.Time, exact func() string, whole string) string {
	if t.IsZero() {
		return ""
	}
	if p.Zone == nil {
		return exact()
	}
	p.zoned = true
	local, now := t.In(p.Zone), time.Now().In(p.Zone)
	switch {
	case p.Width == 0:
		return local.Format(whole)
	case p.Width >= roomyWidth:
		return local.Format(time.DateTime)
	case local.Format(time.DateOnly) == now.Format(time.DateOnly):
		return local.Format(time.TimeOnly)
	case local.Year() == now.Year():
		return local.Format("Jan _2 15:04")
	}
	return local.Format(time.DateOnly)
}

// ReadsLocalTimes notes that a time was read in the zone of the printer, which
// Finish says.
func (p *Printer) ReadsLocalTimes() { p.zoned = p.zoned || p.Zone != nil }
