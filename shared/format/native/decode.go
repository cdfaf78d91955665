package native

import (
	"encoding/json"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// Inspect is the door: it checks whether raw can be carried, and returns what
// the collector needs of it. It reads the event once and keeps nothing of raw.
//
// A refusal names the first thing that is wrong, except that text which is no
// JSON at all is always CodeInvalidJSON, and JSON that is no object
// CodeNotObject.
func Inspect(raw []byte) (event.Head, *event.Refusal) {
	s, r := scan(raw)
	if r != nil {
		return event.Head{}, r
	}
	defer s.release()
	m := s.members()
	h, _ := s.head(m, func() event.Hash { return s.hash(m.eventID) })
	return h, nil
}

// Decode decodes an event of FormatNative. It refuses exactly what Inspect
// refuses, and its Head is Inspect's. The Event is the caller's; it does not
// alias raw.
func Decode(raw []byte) (*event.Event, *event.Refusal) {
	s, r := scan(raw)
	if r != nil {
		return nil, r
	}
	defer s.release()
	m := s.members()
	hash := s.hash(m.eventID)
	e := &event.Event{ContentHash: hash.String()}
	var faulty bool
	e.Head, faulty = s.head(m, func() event.Hash { return hash })
	if faulty {
		e.Faults = append(e.Faults, s.fault(m.eventID, event.CodeInvalidEventID, "event_id", wantedID))
	}
	s.fill(e, m)
	return e, nil
}

// head reads the identity and the type, and reports whether the event_id is a
// faulty one. The hash is asked for only when the id must be derived.
func (s *scanner) head(m members, hash func() event.Hash) (h event.Head, faulty bool) {
	if text, ok := s.identifier(m.category); ok {
		h.Category = string(text)
	}
	if text, ok := s.identifier(m.name); ok {
		h.Name = string(text)
	}
	if text, ok := s.identifier(m.eventID); ok {
		h.EventID = string(text)
		return h, false
	}
	t, ok := s.time(m.timestamp)
	if !ok {
		t = time.UnixMilli(0)
	}
	h.EventID, h.Derived = event.DeriveID(t, hash()), true
	return h, m.eventID != 0 && s.nodes[m.eventID].kind != 'n'
}

// fill fills the rest of the envelope, and notes a fault for every member that
// is missing or invalid.
func (s *scanner) fill(e *event.Event, m members) {
	var ok bool
	check := func(ok bool, i int32, code, member, wanted string) {
		if !ok {
			e.Faults = append(e.Faults, s.fault(i, code, member, wanted))
		}
	}
	e.SessionID, ok = s.session(m.sessionID)
	check(ok, m.sessionID, event.CodeInvalidSessionID, "session_id", wantedSession)
	check(e.Category != "", m.category, event.CodeInvalidCategory, "category", wantedID)
	check(e.Name != "", m.name, event.CodeInvalidName, "name", wantedID)
	if ok = m.data != 0 && s.nodes[m.data].kind == '{'; ok {
		n := &s.nodes[m.data]
		e.Data = s.appendValue(make([]byte, 0, n.end-n.start), m.data)
		e.Tree = s.object(m.data, string(s.raw[n.start:n.end]), n.start)
	}
	check(ok, m.data, event.CodeInvalidData, "data", wantedData)
	if e.Timestamp, ok = s.time(m.timestamp); !ok {
		e.Timestamp = time.Time{}
	}
	check(ok, m.timestamp, event.CodeInvalidTimestamp, "timestamp", wantedTimestamp)
	e.SchemaVersion, ok = s.version(m.schemaVersion)
	check(ok, m.schemaVersion, event.CodeInvalidSchemaVersion, "schema_version", wantedVersion)
}

// object builds the tree of an object. text is a copy of the bytes from offset
// base on: strings are cut from it, so that a tree costs one copy and not one
// for each string.
func (s *scanner) object(i int32, text string, base int32) map[string]any {
	n := &s.nodes[i]
	m := make(map[string]any, n.count/2)
	for k := i + 1; k < n.next; k = s.nodes[k+1].next {
		m[s.cut(k, text, base)] = s.value(k+1, text, base)
	}
	return m
}

func (s *scanner) value(i int32, text string, base int32) any {
	n := &s.nodes[i]
	switch n.kind {
	case '{':
		return s.object(i, text, base)
	case '[':
		list := make([]any, 0, n.count)
		for k := i + 1; k < n.next; k = s.nodes[k].next {
			list = append(list, s.value(k, text, base))
		}
		return list
	case '"':
		return s.cut(i, text, base)
	case '0':
		return json.Number(s.cut(i, text, base))
	case 't':
		return true
	case 'f':
		return false
	}
	return nil
}

func (s *scanner) cut(i int32, text string, base int32) string {
	n := &s.nodes[i]
	if n.unescaped {
		return string(s.arena[n.start:n.end])
	}
	return text[n.start-base : n.end-base]
}
