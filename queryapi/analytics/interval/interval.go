package interval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	_ "time/tzdata" // for machines that have no zones
)

// Unit is the kind of the intervals.
type Unit uint8

// The units.
const (
	Minute Unit = iota + 1
	Hour
	Day
	Week
	Month
)

// Most bounds the intervals of one question.
const Most = 2000

// ErrTooMany reports a range of more than Most intervals.
var ErrTooMany = errors.New("too many intervals")

var unitNames = [...]string{Minute: "minute", Hour: "hour", Day: "day", Week: "week", Month: "month"}

// Units lists the names of the units, for messages.
func Units() string { return strings.Join(unitNames[Minute:], ", ") }

// ParseUnit returns the unit of a name.
func ParseUnit(name string) (Unit, bool) {
	i := slices.Index(unitNames[:], name)
	return Unit(max(i, 0)), i > 0
}

// String returns the name of the unit.
func (u Unit) String() string { return unitNames[u] }

// length is that of a unit of the clocks, 0 for one of the calendar.
func (u Unit) length() time.Duration {
	switch u {
	case Minute:
		return time.Minute
	case Hour:
		return time.Hour
	}
	return 0
}

// LoadZone returns the zone of an IANA name. The machine's own zone, which Go calls
// Local, is not among them.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("unknown time zone %q", name)
	}
	return time.LoadLocation(name)
}

// List is a row of adjacent intervals.
type List struct {
	Unit Unit
	Zone *time.Location
	// Starts are where the intervals start; each ends where the next one starts.
	Starts []time.Time
	// End is where the last one ends; zero without intervals.
	End time.Time
}

// Divide returns the intervals that have a part in [from, to), at most Most: the
// first starts at or before from, the last ends at or after to. An empty range has
// none.
func Divide(unit Unit, zone *time.Location, from, to time.Time) (List, error) {
	l := List{Unit: unit, Zone: zone}
	for t := from; t.Before(to); t = l.End {
		if len(l.Starts) == Most {
			return List{}, fmt.Errorf("%w: the range has more than %d of a %v", ErrTooMany, Most, unit)
		}
		var start time.Time
		start, l.End = unit.span(t, zone)
		l.Starts = append(l.Starts, start)
	}
	return l, nil
}

// Previous returns as many intervals as l has, which end where l starts.
func (l List) Previous() List {
	p := List{Unit: l.Unit, Zone: l.Zone, Starts: make([]time.Time, len(l.Starts))}
	if len(l.Starts) == 0 {
		return p
	}
	p.End = l.Starts[0]
	t := p.End
	for i := len(p.Starts) - 1; i >= 0; i-- {
		t, _ = l.Unit.span(t.Add(-1), l.Zone)
		p.Starts[i] = t
	}
	return p
}

// Partial reports whether a range cuts the first and the last interval.
func (l List) Partial(from, to time.Time) (first, last bool) {
	if len(l.Starts) == 0 {
		return false, false
	}
	return l.Starts[0].Before(from), to.Before(l.End)
}

// Bounds returns the starts and the end in microseconds since 1970: interval i is
// [bounds[i], bounds[i+1]). Without intervals it is empty.
func (l List) Bounds() []int64 {
	if len(l.Starts) == 0 {
		return nil
	}
	bounds := make([]int64, 0, len(l.Starts)+1)
	for _, s := range l.Starts {
		bounds = append(bounds, s.UnixMicro())
	}
	return append(bounds, l.End.UnixMicro())
}

// FormatStart writes where an interval starts: RFC 3339 with the zone's offset,
// rounded to minutes where a historic one has seconds, so that the text names the
// instant exactly.
func FormatStart(t time.Time) string {
	if _, offset := t.Zone(); offset%60 != 0 {
		t = t.In(time.FixedZone("", offset-offset%60))
	}
	return t.Format(time.RFC3339)
}
