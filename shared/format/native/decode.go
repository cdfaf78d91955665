package native

import (
	"encoding/json"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Inspect checks whether raw can be accepted, and returns the identity and the
// type of the event. It reads the event once; the Head does not alias raw.
//
// A refusal names the first fault, except that text that is not JSON is always
// event.CodeInvalidJSON, and JSON that is not an object event.CodeNotObject. An
// object that holds events in a form that is not read is event.CodeNotAnEvent.
func Inspect(raw []byte) (event.Head, *event.Refusal) {
	s, r := scan(raw)
	if r != nil {
		return event.Head{}, r
	}
	defer s.returnToPool()
	m := s.findMembers()
	if wrapper := s.findWrapper(m); wrapper != nil {
		return event.Head{}, refuse(event.CodeNotAnEvent, "%s", wrapper.Error())
	}
	h, _ := s.readHead(m, func() event.Hash { return s.hashContent(m.eventID) })
	return h, nil
}

// Identify returns the Head and the ContentHash of the event that Decode returns, and
// refuses what Decode refuses. It builds nothing else of the event.
func Identify(raw []byte) (event.Head, string, *event.Refusal) {
	s, r := scan(raw)
	if r != nil {
		return event.Head{}, "", r
	}
	defer s.returnToPool()
	m := s.findMembers()
	hash := s.hashContent(m.eventID)
	h, _ := s.readHead(m, func() event.Hash { return hash })
	return h, hash.String(), nil
}

// Decode decodes an event. It refuses what Inspect refuses, except
// event.CodeNotAnEvent, which earlier versions accepted; its Head is Inspect's. The
// caller owns the Event, which does not alias raw.
func Decode(raw []byte) (*event.Event, *event.Refusal) {
	s, r := scan(raw)
	if r != nil {
		return nil, r
	}
	defer s.returnToPool()
	m := s.findMembers()
	hash := s.hashContent(m.eventID)
	e := &event.Event{ContentHash: hash.String()}
	var faulty bool
	e.Head, faulty = s.readHead(m, func() event.Hash { return hash })
	if faulty {
		e.Faults = append(e.Faults, s.memberFault(m.eventID, event.CodeInvalidEventID, "event_id", wantedID))
	}
	s.fillEnvelope(e, m)
	e.UnknownMembers = s.unknownFaults()
	return e, nil
}

// fillEnvelope sets the other members of the envelope, and appends a fault for
// every member that is missing or invalid.
func (s *scanner) fillEnvelope(e *event.Event, m members) {
	var ok bool
	check := func(ok bool, i int32, code, member, wanted string) {
		if !ok {
			e.Faults = append(e.Faults, s.memberFault(i, code, member, wanted))
		}
	}
	e.SessionID, ok = s.readSessionID(m.sessionID)
	check(ok, m.sessionID, event.CodeInvalidSessionID, "session_id", wantedSession)
	check(e.Category != "", m.category, event.CodeInvalidCategory, "category", wantedID)
	check(e.Name != "", m.name, event.CodeInvalidName, "name", wantedID)
	broken, ok := s.fillData(e, m.data)
	check(ok, m.data, event.CodeInvalidData, "data", wantedData)
	if e.Timestamp, ok = s.readTime(m.timestamp); !ok {
		e.Timestamp = time.Time{}
	}
	check(ok, m.timestamp, event.CodeInvalidTimestamp, "timestamp", "")
	e.SchemaVersion, ok = s.readVersion(m.schemaVersion)
	check(ok, m.schemaVersion, event.CodeInvalidSchemaVersion, "schema_version", wantedVersion)
	e.Faults = append(e.Faults, broken...)
}

// fillData sets the data, and reports whether it is an object. Data with text that
// no store can keep is set for the validator alone; its faults are returned.
func (s *scanner) fillData(e *event.Event, i int32) (broken []event.Fault, ok bool) {
	if i == 0 || s.nodes[i].kind != '{' {
		return nil, false
	}
	n := &s.nodes[i]
	if broken = s.brokenFaults(i - 1); len(broken) == 0 {
		e.Data = s.appendValue(make([]byte, 0, n.end-n.start), i)
	}
	e.Tree = s.objectTree(i, string(s.raw[n.start:n.end]), n.start)
	return broken, true
}

// objectTree builds the tree of the object at i. text is a copy of the event's
// bytes from offset base on: strings are slices of it, so that a tree costs one
// copy and not one for each string.
func (s *scanner) objectTree(i int32, text string, base int32) map[string]any {
	n := &s.nodes[i]
	m := make(map[string]any, n.count/2)
	for k := i + 1; k < n.next; k = s.nodes[k+1].next {
		m[s.stringOf(k, text, base)] = s.valueTree(k+1, text, base)
	}
	return m
}

// valueTree builds the tree of the value at i.
func (s *scanner) valueTree(i int32, text string, base int32) any {
	n := &s.nodes[i]
	switch n.kind {
	case '{':
		return s.objectTree(i, text, base)
	case '[':
		list := make([]any, 0, n.count)
		for k := i + 1; k < n.next; k = s.nodes[k].next {
			list = append(list, s.valueTree(k, text, base))
		}
		return list
	case '"':
		return s.stringOf(i, text, base)
	case '0':
		return json.Number(s.stringOf(i, text, base))
	case 't':
		return true
	case 'f':
		return false
	}
	return nil
}

// stringOf returns the token at i as a slice of text, or as a copy if it was
// escaped.
func (s *scanner) stringOf(i int32, text string, base int32) string {
	n := &s.nodes[i]
	switch {
	case n.broken:
		return replaceHalves(s.arena[n.start:n.end])
	case n.unescaped:
		return string(s.arena[n.start:n.end])
	}
	return text[n.start-base : n.end-base]
}
