package oracle

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reason is why an event was rejected.
type Reason struct{ Code, Path string }

// Event is an event with its outcome.
type Event struct {
	DocumentID, Application, ID, Session, Category, Name string
	Timestamp, Received                                  time.Time
	// Expires is when it is seen no more, zero for never.
	Expires       time.Time
	SchemaVersion int64
	// Data is the object as encoding/json decodes it with UseNumber.
	Data map[string]any
	// Reasons are those of a rejected event; a stored one has none.
	Reasons []Reason
}

// Value returns the value of a field that has at most one, false where it is missing.
func (e *Event) Value(field string) (any, bool) {
	if v := e.values(field); len(v) > 0 {
		return v[0], true
	}
	return nil, false
}

// TypeOf is how a type is spelled as a value.
func TypeOf(e *Event) string { return e.Category + " / " + e.Name }

// sessionKey names the session of an event: ids are the clients' own.
func (e *Event) sessionKey() string { return e.Application + "/" + e.Session }

// segment is one step into the data.
type segment struct {
	name   string
	quoted bool
	// each stands for [].
	each bool
}

// parsePath takes the field below data apart.
func parsePath(text string) (path []segment) {
	for text != "" {
		text = strings.TrimPrefix(text, ".")
		switch {
		case strings.HasPrefix(text, "[]"):
			path, text = append(path, segment{each: true}), text[2:]
		case text[0] == '"':
			end := 1 + strings.IndexByte(text[1:], '"')
			path, text = append(path, segment{name: text[1:end], quoted: true}), text[end+1:]
		default:
			end := strings.IndexAny(text, ".[")
			if end < 0 {
				end = len(text)
			}
			path, text = append(path, segment{name: text[:end]}), text[end:]
		}
	}
	return path
}

// values returns those that an event has in a field; none where it is missing.
func (e *Event) values(field string) []any {
	switch field {
	case "application":
		return []any{e.Application}
	case "event_id":
		return []any{e.ID}
	case "session_id":
		return []any{e.Session}
	case "category":
		return []any{e.Category}
	case "name":
		return []any{e.Name}
	case "type":
		return []any{TypeOf(e)}
	case "timestamp":
		return []any{e.Timestamp}
	case "received_at":
		return []any{e.Received}
	case "schema_version":
		if e.SchemaVersion == 0 {
			return nil
		}
		return []any{json.Number(strconv.FormatInt(e.SchemaVersion, 10))}
	}
	found := []any{e.Data}
	for _, s := range parsePath(strings.TrimPrefix(field, "data")) {
		var next []any
		for _, v := range found {
			next = append(next, enter(v, s)...)
		}
		found = next
	}
	return found
}

func enter(v any, s segment) []any {
	switch v := v.(type) {
	case map[string]any:
		if s.each {
			return []any{v}
		}
		if member, ok := v[s.name]; ok {
			return []any{member}
		}
	case []any:
		if s.each {
			return v
		}
		if i, err := strconv.Atoi(s.name); err == nil && !s.quoted && i < len(v) {
			return []any{v[i]}
		}
	default:
		if s.each {
			return []any{v}
		}
	}
	return nil
}

// sortEvents sorts as sessions are read: by timestamp, then by id.
func sortEvents(events []*Event) {
	slices.SortFunc(events, func(a, b *Event) int {
		return cmp.Or(a.Timestamp.Compare(b.Timestamp), strings.Compare(a.DocumentID, b.DocumentID))
	})
}
