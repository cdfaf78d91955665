package store

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// SlotLength is the length of a slot. A UTC day has slotsPerDay of them.
const (
	SlotLength  = 10 * time.Second
	slotsPerDay = int64(24 * time.Hour / SlotLength)
)

// Slot is 10 s of received time of one application: the unit in which derived files
// learn that documents have changed.
type Slot struct {
	Application string
	// Number counts from 1970: see SlotOf.
	Number int64
}

// Span is a range of timestamps in microseconds since 1970, both ends included; unless
// Some, it is empty.
type Span struct {
	First, Last int64
	Some        bool
}

// Join returns the least span that has all of both.
func (s Span) Join(o Span) Span {
	if !s.Some || !o.Some {
		if s.Some {
			return s
		}
		return o
	}
	return Span{min(s.First, o.First), max(s.Last, o.Last), true}
}

// SlotMark asks for a mark of a slot.
type SlotMark struct {
	Slot
	// Timestamps spans those of the stored events for which the mark is made.
	Timestamps Span
}

// MarkOf returns the mark of the slot of a document.
func MarkOf(d *Document) SlotMark {
	return SlotMark{Slot{d.Application, d.EffectiveSlot()}, d.Span()}
}

// JoinMarks sorts marks by application and number, and joins those of one slot. It
// changes its argument.
func JoinMarks(marks []SlotMark) []SlotMark {
	slices.SortFunc(marks, func(a, b SlotMark) int {
		return cmp.Or(strings.Compare(a.Application, b.Application), cmp.Compare(a.Number, b.Number))
	})
	joined := marks[:0]
	for _, m := range marks {
		if n := len(joined); n > 0 && joined[n-1].Slot == m.Slot {
			joined[n-1].Timestamps = joined[n-1].Timestamps.Join(m.Timestamps)
		} else {
			joined = append(joined, m)
		}
	}
	return joined
}

// JoinDays returns the marks of JoinMarks joined by day: each is that of the first slot
// of its day that is marked.
func JoinDays(marks []SlotMark) []SlotMark {
	var days []SlotMark
	for _, m := range marks {
		if n := len(days); n > 0 && days[n-1].Application == m.Application && days[n-1].Day() == m.Day() {
			days[n-1].Timestamps = days[n-1].Timestamps.Join(m.Timestamps)
		} else {
			days = append(days, m)
		}
	}
	return days
}

// Day returns the UTC day, counted from 1970, that the slot lies in.
func (s Slot) Day() int64 { return s.Number / slotsPerDay }

// SlotOf returns the slot of a received time: whole 10 s since 1970. Every time
// before 1970 is in slot 0, so no slot is negative.
func SlotOf(received time.Time) int64 {
	return max(0, received.UnixMilli()) / SlotLength.Milliseconds()
}

// DayOf returns the day of a received time, counted from 1970.
func DayOf(received time.Time) int64 { return SlotOf(received) / slotsPerDay }

// SlotsOf returns the slots of a day, as a half-open range.
func SlotsOf(day int64) (from, to int64) { return day * slotsPerDay, (day + 1) * slotsPerDay }

// SlotStart returns when a slot begins.
func SlotStart(slot int64) time.Time {
	return time.UnixMilli(slot * SlotLength.Milliseconds()).UTC()
}

// EffectiveSlot returns the slot that the document belongs to as long as it exists.
func (d *Document) EffectiveSlot() int64 {
	if d.Slot != nil {
		return *d.Slot
	}
	return SlotOf(d.ReceivedAt)
}

// Span returns the span of the document's timestamp, an empty one of a rejected event.
func (d *Document) Span() Span {
	if d.Status != Stored {
		return Span{}
	}
	us := d.Timestamp.UnixMicro()
	return Span{us, us, true}
}

// InSlot returns the document as it is kept in a slot: d itself, or a copy.
func (d *Document) InSlot(slot int64) *Document {
	if d.EffectiveSlot() == slot {
		return d
	}
	c := *d
	c.Slot = nil
	if SlotOf(c.ReceivedAt) != slot {
		c.Slot = &slot
	}
	return &c
}
