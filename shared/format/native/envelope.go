package native

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
)

// members holds the tape indices of the envelope's values; 0, the index of the
// event itself, means absent.
type members struct {
	eventID, sessionID, category, name, data, timestamp, schemaVersion int32
}

// findMembers finds the envelope's members, and notes those that no event has.
// Names are compared exactly; scan has refused duplicates.
func (s *scanner) findMembers() members {
	var m members
	s.unknown = s.unknown[:0]
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
		default:
			s.unknown = append(s.unknown, i)
		}
	}
	return m
}

// readHead reads the identity and the type, and reports whether the event_id is
// invalid; null is no event_id. hash is called only when the id must be derived; it
// leaves the canonical form in the scanner.
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
	sum := hash()
	if faulty = m.eventID != 0 && s.nodes[m.eventID].kind != 'n'; faulty {
		// Events that differ only in their invalid ids are different events.
		sum = s.hashWith(m.eventID)
	}
	h.EventID, h.Derived = event.DeriveID(t, sum), true
	return h, faulty
}

// readIdentifier returns the content of a string of 1 to MaxIDLength characters.
func (s *scanner) readIdentifier(i int32) ([]byte, bool) {
	if i == 0 || s.nodes[i].kind != '"' || s.nodes[i].broken {
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
	f := event.Fault{Code: code, Path: event.Pointer(member)}
	switch {
	case i == 0:
		f.Message = member + " is missing" + s.misspelling(member)
	case s.nodes[i].broken:
		f.Code, f.Message = event.CodeInvalidText, member+": "+messageBroken
	case member == "timestamp":
		f.Message = s.explainTimestamp(i)
	case s.nodes[i].kind == '"' && wanted == wantedID:
		f.Message = fmt.Sprintf("%s is %d characters long, not %s", member, utf8.RuneCount(s.tokenText(i)), wanted)
	case s.nodes[i].kind == '"' && member == "session_id":
		f.Message = fmt.Sprintf("%s is not %s", member, wanted)
	case s.nodes[i].kind == '0' && member == "schema_version":
		f.Message = fmt.Sprintf("%s is not %s", member, wanted)
	default:
		f.Message = fmt.Sprintf("%s is %s, not %s", member, kindName(s.nodes[i].kind), wanted)
	}
	return f
}

// explainTimestamp names the mistake of the timestamp at i.
func (s *scanner) explainTimestamp(i int32) string {
	if kind := s.nodes[i].kind; kind != '"' {
		return fmt.Sprintf("timestamp is %s; send text such as %q", kindName(kind), event.ExampleTime)
	}
	_, err := event.ParseTime(s.tokenText(i))
	if err == nil {
		return "timestamp is the zero time, which clients send for a time that was never set"
	}
	if reason := err.Error(); strings.HasPrefix(reason, "is ") || strings.HasPrefix(reason, "has ") {
		return "timestamp " + reason
	}
	return "timestamp: " + err.Error()
}

// Descriptions of the valid members of an envelope.
var (
	wantedID      = fmt.Sprintf("a string of 1 to %d characters", event.MaxIDLength)
	wantedSession = "a UUID in its 36-character form, such as e2085be5-9137-4e4e-80b5-f1ffddc25423"
	wantedData    = "an object"
	wantedVersion = "a positive integer"
)
