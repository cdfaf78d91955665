package filter

import (
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Event is what filters see of an event with its outcome. Fields that a rejected event
// lacks are zero, and missing to a filter. It is for one goroutine.
type Event struct {
	Application, EventID, SessionID, Category, Name string
	// SchemaVersion is 0, and missing, without a schema.
	SchemaVersion int64
	// Timestamp and ReceivedAt are exact to the microsecond.
	Timestamp, ReceivedAt time.Time
	// Data is a JSON object, nil when absent. It is read when a filter first asks for
	// it and must not change after that; to reuse an Event, assign a new one.
	Data []byte

	data   Value
	parsed bool
}

// Value returns the data; it is missing if there are none, or if they are no JSON,
// which no store returns.
func (e *Event) value() Value {
	if !e.parsed {
		e.parsed = true
		if e.Data != nil {
			e.data, _ = ParseValue(e.Data)
		}
	}
	return e.data
}

// Values returns the values of a field: none if it is missing, several behind a [].
// Instants are texts as event.FormatTime writes them.
func (e *Event) Values(f Field) []Value {
	if f.Name == Data {
		values, _ := f.Path.Resolve(e.value())
		return values
	}
	if v := e.fixed(f.Name); !v.IsMissing() {
		return []Value{v}
	}
	return nil
}

// fixed returns the value of a field other than the data.
func (e *Event) fixed(n Name) Value {
	switch n {
	case Type:
		return e.typeText()
	case Timestamp:
		return instant(e.Timestamp)
	case ReceivedAt:
		return instant(e.ReceivedAt)
	case SchemaVersion:
		if e.SchemaVersion == 0 {
			return Value{}
		}
		return Int(e.SchemaVersion)
	}
	return present(e.text(n))
}

func (e *Event) text(n Name) string {
	switch n {
	case Application:
		return e.Application
	case EventID:
		return e.EventID
	case SessionID:
		return e.SessionID
	case Category:
		return e.Category
	case EventName:
		return e.Name
	}
	return ""
}

func (e *Event) typeText() Value {
	if e.Category == "" || e.Name == "" {
		return Value{}
	}
	return Text(e.Category + TypeSeparator + e.Name)
}

// present returns a text, missing if it is empty.
func present(s string) Value {
	if s == "" {
		return Value{}
	}
	return Text(s)
}

func instant(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Text(event.FormatTime(t))
}

// Match reports whether an event meets the condition.
func (c *Condition) Match(e *Event) bool {
	switch c.Field.Name {
	case Timestamp:
		return c.matchTime(e.Timestamp)
	case ReceivedAt:
		return c.matchTime(e.ReceivedAt)
	case Data:
		values, _ := c.Field.Path.Resolve(e.value())
		return c.MatchValues(values)
	}
	return c.MatchValue(e.fixed(c.Field.Name))
}
