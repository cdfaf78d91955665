package native

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
)

// members are the tape indices of the envelope's values; 0, where the event
// itself stands, means absent.
type members struct {
	eventID, sessionID, category, name, data, timestamp, schemaVersion int32
}

// members finds the envelope's members. Names are compared exactly and are
// unique: the scan refused anything else.
func (s *scanner) members() members {
	var m members
	for i := int32(1); i < s.nodes[0].next; i = s.nodes[i+1].next {
		switch string(s.text(i)) {
		case "event_id":
			m.eventID = i + 1
		case "session_id":
			m.sessionID = i + 1
		case "category":
			m.category = i + 1
		case "name":
			m.name = i + 1
		case "data":
			m.data = i + 1
		case "timestamp":
			m.timestamp = i + 1
		case "schema_version":
			m.schemaVersion = i + 1
		}
	}
	return m
}

// identifier returns the text of a string of 1 to MaxIDLength characters.
func (s *scanner) identifier(i int32) ([]byte, bool) {
	if i == 0 || s.nodes[i].kind != '"' {
		return nil, false
	}
	text := s.text(i)
	return text, len(text) > 0 && (len(text) <= event.MaxIDLength || utf8.RuneCount(text) <= event.MaxIDLength)
}

// session returns the 36-character form of a UUID in lower case. uuid.Parse
// takes three more forms, which would make two sessions of one.
func (s *scanner) session(i int32) (string, bool) {
	if i == 0 || s.nodes[i].kind != '"' {
		return "", false
	}
	return event.ParseUUID(s.text(i))
}

// time returns the event's timestamp. The zero time is what Go and .NET send
// for "never set", and what Event.Timestamp is when invalid: it is no time.
func (s *scanner) time(i int32) (time.Time, bool) {
	if i == 0 || s.nodes[i].kind != '"' {
		return time.Time{}, false
	}
	t, err := event.ParseTime(s.text(i))
	return t, err == nil && !t.IsZero()
}

// version returns a positive integer, 0 when the member is absent.
func (s *scanner) version(i int32) (int64, bool) {
	if i == 0 {
		return 0, true
	}
	if s.nodes[i].kind != '0' {
		return 0, false
	}
	n, ok := event.ParseNumber(s.text(i))
	if !ok || n.Kind != event.Int64 || n.Int < 1 {
		return 0, false
	}
	return n.Int, true
}

// fault is the fault of one member of the envelope: it is missing, or it is not
// what wanted says.
func (s *scanner) fault(i int32, code, member, wanted string) event.Fault {
	message := fmt.Sprintf("%s is not %s", member, wanted)
	if i == 0 {
		message = member + " is missing"
	}
	return event.Fault{Code: code, Path: event.Pointer(member), Message: message}
}

// What the members of an envelope are.
var (
	wantedID        = fmt.Sprintf("a string of 1 to %d characters", event.MaxIDLength)
	wantedSession   = "a UUID in its 36-character form"
	wantedData      = "an object"
	wantedTimestamp = "a time as RFC 3339 or YYYY-MM-DD HH:MM:SS[.ffffff] writes it"
	wantedVersion   = "a positive integer"
)
