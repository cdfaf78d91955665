package schema

import (
	"fmt"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// clockOffset returns by how many milliseconds the timestamp of an event is moved:
// the received time less the time at which the client says it sent the event, where
// that exceeds the policy's clock correction, else 0. An event whose request has no
// sent_at, or one that is not a time, is not moved.
func (p *Policy) clockOffset(ev *event.Event, received time.Time) int64 {
	if p.ClockCorrection == 0 || ev.SentAt == "" || ev.Timestamp.IsZero() {
		return 0
	}
	sent, err := event.ParseTime(ev.SentAt)
	if err != nil || sent.IsZero() {
		return 0
	}
	offset := received.UnixMilli() - sent.UnixMilli()
	if limit := p.ClockCorrection.Milliseconds(); offset >= -limit && offset <= limit {
		return 0
	}
	return offset
}

// judgeTimestamp sets the timestamp of the outcome and returns faults with those
// that the policy finds in it. Times are compared with the received time, never
// with a clock: a replay next year decides the same.
func (p *Policy) judgeTimestamp(v *Verdict, faults []event.Fault, ev *event.Event, received time.Time) []event.Fault {
	if ev.Timestamp.IsZero() {
		return faults
	}
	offset := p.clockOffset(ev, received)
	moved := time.UnixMicro(ev.Timestamp.UnixMicro() + offset*1000).UTC()
	if year := moved.Year(); year < 1 || year > 9999 || moved.IsZero() {
		return append(faults, event.Fault{
			Code: event.CodeInvalidTimestamp, Path: event.Pointer("timestamp"),
			Message: fmt.Sprintf("timestamp: year %d is out of range 0001–9999, after the correction of the clock by sent_at", year),
		})
	}
	v.Timestamp, v.ClockOffsetMS = moved, offset
	return p.checkTimestamp(faults, v, ev.SentAt, received)
}

// checkTimestamp compares the timestamp of an outcome with the received time.
func (p *Policy) checkTimestamp(faults []event.Fault, v *Verdict, sentAt string, received time.Time) []event.Fault {
	path := event.Pointer("timestamp")
	if v.Timestamp.After(received.Add(p.FutureSkew)) {
		return append(faults, event.Fault{
			Code: event.CodeTimestampInFuture, Path: path,
			Message: fmt.Sprintf("timestamp is more than %s after the event was received%s", p.FutureSkew, p.clockAdvice(v, sentAt)),
		})
	}
	if p.OldestAge > 0 && v.Timestamp.Before(received.Add(-p.OldestAge)) {
		return append(faults, event.Fault{
			Code: event.CodeTimestampTooOld, Path: path,
			Message: fmt.Sprintf("timestamp is more than %s before the event was received%s", p.OldestAge, p.clockAdvice(v, sentAt)),
		})
	}
	return faults
}

// clockAdvice says how the clock of a client was corrected, or how it can be.
func (p *Policy) clockAdvice(v *Verdict, sentAt string) string {
	switch {
	case v.ClockOffsetMS != 0:
		return fmt.Sprintf(", also after the correction of its clock by %d ms", v.ClockOffsetMS)
	case p.ClockCorrection == 0:
		return ""
	case sentAt == "":
		return "; a batch with sent_at corrects a wrong clock"
	}
	if _, err := event.ParseTime(sentAt); err != nil {
		return "; the clock is not corrected, because sent_at of the batch is not a time such as " + event.ExampleTime
	}
	return ""
}
