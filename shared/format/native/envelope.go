package native

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
)

// members holds the tape indices of the envelope's values; 0, the index of the
// event itself, means absent.
type members struct {
	eventID, sessionID, category, name, data, timestamp, schemaVersion int32
}

// findMembers finds the envelope's members. Names are compared exactly; scan has
// refused duplicates.
func (s *scanner) findMembers() members {
	var m members
	for i := int32(1); i < s.nodes[0].next; i = s.nodes[i+1].next {
		switch string(s.tokenText(i)) {
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

// readHead reads the identity and the type, and reports whether the event_id is
// invalid. hash is called only when the id must be derived.
func (s *scanner) readHead(m members, hash func() event.Hash) (h event.Head, faulty bool) {
	if text, ok := s.readIdentifier(m.category); ok {
		h.Category = string(text)
	}
	if text, ok := s.readIdentifier(m.name); ok {
		h.Name = string(text)
	}
	if text, ok := s.readIdentifier(m.eventID); ok {
		h.EventID = string(text)
		return h, false
	}
	t, ok := s.readTime(m.timestamp)
	if !ok {
		t = time.UnixMilli(0)
	}
	h.EventID, h.Derived = event.DeriveID(t, hash()), true
	return h, m.eventID != 0 && s.nodes[m.eventID].kind != 'n'
}

// readIdentifier returns the content of a string of 1 to MaxIDLength characters.
func (s *scanner) readIdentifier(i int32) ([]byte, bool) {
	if i == 0 || s.nodes[i].kind != '"' {
		return nil, false
	}
	text := s.tokenText(i)
	return text, len(text) > 0 && (len(text) <= event.MaxIDLength || utf8.RuneCount(text) <= event.MaxIDLength)
}

// readSessionID returns a UUID in lower case.
func (s *scanner) readSessionID(i int32) (string, bool) {
	if i == 0 || s.nodes[i].kind != '"' {
		return "", false
	}
	return event.ParseUUID(s.tokenText(i))
}

// readTime returns the event's timestamp. The zero time is invalid: Go and .NET
// send it for "never set", and Event.Timestamp has it when invalid.
func (s *scanner) readTime(i int32) (time.Time, bool) {
	if i == 0 || s.nodes[i].kind != '"' {
		return time.Time{}, false
	}
	t, err := event.ParseTime(s.tokenText(i))
	return t, err == nil && !t.IsZero()
}

// readVersion returns a positive integer, 0 when the member is absent.
func (s *scanner) readVersion(i int32) (int64, bool) {
	if i == 0 {
		return 0, true
	}
	if s.nodes[i].kind != '0' {
		return 0, false
	}
	n, ok := event.ParseNumber(s.tokenText(i))
	if !ok || n.Kind != event.Int64 || n.Int < 1 {
		return 0, false
	}
	return n.Int, true
}

// memberFault returns the fault of a member of the envelope that is missing, or
// is not of the form that wanted describes.
func (s *scanner) memberFault(i int32, code, member, wanted string) event.Fault {
	message := fmt.Sprintf("%s is not %s", member, wanted)
	if i == 0 {
		message = member + " is missing"
	}
	return event.Fault{Code: code, Path: event.Pointer(member), Message: message}
}

// Descriptions of the valid members of an envelope.
var (
	wantedID        = fmt.Sprintf("a string of 1 to %d characters", event.MaxIDLength)
	wantedSession   = "a UUID in its 36-character form"
	wantedData      = "an object"
	wantedTimestamp = "a time as RFC 3339 or YYYY-MM-DD HH:MM:SS[.ffffff] writes it"
	wantedVersion   = "a positive integer"
)
