package native

import (
	"fmt"
	"strings"

	"github.com/theeye/theeye/shared/event"
)

// memberNames are the members of an event, in the order of their faults.
var memberNames = event.NewVocabulary("event_id", "session_id", "category", "name", "data", "timestamp", "schema_version")

// unknownFaults returns the faults of the members that no event has. All of them
// are counted, so that event.BoundFaults says how many there are.
func (s *scanner) unknownFaults() []event.Fault {
	if len(s.unknown) == 0 {
		return nil
	}
	faults := make([]event.Fault, 0, len(s.unknown))
	for _, i := range s.unknown {
		name := s.boundedText(i)
		faults = append(faults, event.Fault{Code: event.CodeUnknownMember, Path: event.Pointer(name), Message: explainUnknown(name)})
		faults = append(faults, s.brokenFaults(i)...)
	}
	return faults
}

// explainUnknown names the cure for a member that no event has.
func explainUnknown(name string) string {
	switch name {
	case "sent_at", "sentAt":
		return `the time of sending is sent_at of a batch, {"events": [...], "sent_at": "..."}, and not of an event`
	case "events":
		return `events makes a batch only where session_id, category and name stand in its events alone`
	}
	if _, near := memberNames.Nearest(name); near != "" {
		return fmt.Sprintf("%s is not a member of an event; is it %s? put anything else under data", quoteName(name), near)
	}
	return quoteName(name) + " is not a member of an event; put it under data"
}

// misspelling returns an unknown member whose name is near that of a missing one,
// as a clause for the message about the missing one.
func (s *scanner) misspelling(missing string) string {
	for _, i := range s.unknown {
		name := s.boundedText(i)
		if _, near := memberNames.Nearest(name); near == missing {
			return fmt.Sprintf("; the event has %s instead", quoteName(name))
		}
	}
	return ""
}

// maxToken bounds the name of a member in a path, in bytes. A path has more names
// than event.BoundFaults keeps of a path.
const maxToken = 512

// boundedText returns the text of a name for messages and paths: valid UTF-8, cut
// if it is long.
func (s *scanner) boundedText(i int32) string {
	text := s.tokenText(i)
	return strings.ToValidUTF8(replaceHalves(text[:min(len(text), maxToken)]), "\uFFFD")
}

// pathOf returns the JSON pointer of the node at i, "" for the event itself. The
// containers around it may be open.
func (s *scanner) pathOf(i int32) string {
	var path strings.Builder
	for at := int32(0); at != i && path.Len() <= maxToken; {
		isObject := s.nodes[at].kind == '{'
		for k, index := at+1, 0; ; index++ {
			value := k
			if isObject {
				value++
			}
			if next := s.nodes[value].next; next != 0 && next <= i {
				k = next
				continue
			}
			if !isObject {
				fmt.Fprintf(&path, "/%d", index)
			} else if path.WriteString(event.Pointer(s.boundedText(k))); i == k {
				return path.String() // the node is a name
			}
			at = value
			break
		}
	}
	return path.String()
}

// brokenFaults returns the faults of the strings and names from the node at i to
// the end of the member that it names. Only so many have a path as are ever shown.
func (s *scanner) brokenFaults(i int32) []event.Fault {
	if s.broken == 0 {
		return nil
	}
	var faults []event.Fault
	for k := i; k < s.nodes[i+1].next; k++ {
		if !s.nodes[k].broken {
			continue
		}
		f := event.Fault{Code: event.CodeInvalidText, Message: messageBroken}
		if len(faults) <= event.MaxFaults {
			f.Path = s.pathOf(k)
		}
		faults = append(faults, f)
	}
	return faults
}

// messageBroken is the message about half of a surrogate pair.
const messageBroken = `the text escapes half of a surrogate pair (\ud800 to \udfff), which no text can hold; cut strings between characters`
