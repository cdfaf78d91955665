package sessions

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/theeye/theeye/shared/query"
)

// maxTypes bounds the distinct types of the sessions of one batch. A registry
// has far fewer; a policy that takes unknown types has no bound of its own.
const maxTypes = 200_000

// summary is a session while its events are read.
type summary struct {
	query.Session
	entryID, exitID string
	types           map[query.EventType]int64
}

// readFigures reads the figures of sessions, in the order of starts. The position
// of each stays that of starts, which the next page continues from.
func readFigures(
	ctx context.Context, source Source, q *query.Sessions, starts []query.SessionPosition,
) ([]query.Session, error) {
	if len(starts) == 0 {
		return nil, nil
	}
	summaries := make(map[query.SessionKey]*summary, len(starts))
	ids := make([]string, 0, len(starts))
	for _, start := range starts {
		summaries[start.SessionKey] = &summary{types: map[query.EventType]int64{}}
		ids = append(ids, start.SessionID)
	}
	slices.Sort(ids)
	ids, types := slices.Compact(ids), 0
	err := source.SessionEvents(ctx, ids, func(e *Event) error {
		s := summaries[query.SessionKey{Application: e.Application, SessionID: e.SessionID}]
		if s == nil { // another application's session with the same id
			return nil
		}
		if s.countEvent(q, e) {
			types++
		}
		if types > maxTypes {
			return fmt.Errorf("%w: the sessions have more than %d types of events", query.ErrTooLarge, maxTypes)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]query.Session, len(starts))
	for i, start := range starts {
		list[i] = summaries[start.SessionKey].figures(start)
	}
	return list, nil
}

// countEvent counts an event and reports whether its type is new to the session.
func (s *summary) countEvent(q *query.Sessions, e *Event) bool {
	typ := query.EventType{Category: e.Category, Name: e.Name}
	if before := e.Timestamp.Compare(s.First); s.Count == 0 || before < 0 || before == 0 && e.ID < s.entryID {
		s.First, s.entryID, s.Entry = e.Timestamp, e.ID, typ
	}
	if after := e.Timestamp.Compare(s.Last); s.Count == 0 || after > 0 || after == 0 && e.ID > s.exitID {
		s.Last, s.exitID, s.Exit = e.Timestamp, e.ID, typ
	}
	s.Count++
	if (q.Category == "" || q.Category == e.Category) && (q.Name == "" || q.Name == e.Name) {
		s.Matched++
	}
	s.types[typ]++
	return s.types[typ] == 1
}

// figures returns the figures under the position of the session. An event that
// arrived between the two reads may lie before it.
func (s *summary) figures(start query.SessionPosition) query.Session {
	s.SessionPosition = start
	for typ, count := range s.types {
		s.Types = append(s.Types, query.TypeCount{EventType: typ, Count: count})
	}
	slices.SortFunc(s.Types, func(a, b query.TypeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	if most := query.MaxSessionTypes; len(s.Types) > most {
		s.Types, s.TypesOmitted = slices.Clip(s.Types[:most]), len(s.Types)-most
	}
	return s.Session
}
