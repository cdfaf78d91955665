package analytics

import (
	"bytes"
	"cmp"
	"context"
	"runtime"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
)

// summarizeSessions completes the sessions of a page by their types, entry and exit.
func summarizeSessions(ctx context.Context, snapshot *columns.Snapshot, found []listedSession) ([]api.SessionSummary, error) {
	views := map[string][]columns.View{}
	for _, a := range snapshot.Applications {
		views[a.Name] = a.Views
	}
	page := make([]api.SessionSummary, len(found))
	err := inParallel(ctx, runtime.GOMAXPROCS(0), len(found), func(_, i int) error {
		s := sessionSummary{nowMillis: snapshot.Now.UnixMilli(), types: map[columns.Type]int64{}}
		for _, v := range views[found[i].application] {
			if err := s.addView(ctx, v, found[i].id); err != nil {
				return err
			}
		}
		page[i] = s.complete(&found[i])
		return nil
	})
	return page, err
}

// sessionSummary collects the types of one session.
type sessionSummary struct {
	nowMillis   int64
	types       map[columns.Type]int64
	entry, exit sessionEnd
}

// sessionEnd is the first or the last event of a session.
type sessionEnd struct {
	time int64
	part *columns.Part // nil for none
	row  int
	typ  columns.Type
}

// addView counts the rows of the session in a view.
func (s *sessionSummary) addView(ctx context.Context, v columns.View, id [16]byte) error {
	sessions, err := v.Part.Sessions(ctx)
	if err != nil {
		return err
	}
	i, ok := findSession(sessions, id)
	if !ok {
		return nil
	}
	times, err := v.Part.Timestamps(ctx)
	if err != nil {
		return err
	}
	codes, err := v.Part.TypeCodes(ctx)
	if err != nil {
		return err
	}
	expires, err := v.Part.ExpiresAt(ctx)
	if err != nil {
		return err
	}
	for row := int(sessions.First[i]); row < int(sessions.First[i+1]); row++ {
		if !v.IsLive(row) || expires != nil && expires.TimeAt(row) <= s.nowMillis {
			continue
		}
		end := sessionEnd{time: times.TimeAt(row), part: v.Part, row: row, typ: v.Part.Types()[codes.CodeAt(row)]}
		s.types[end.typ]++
		if err := s.addEnd(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

// addEnd notes an event that is the first or the last so far.
func (s *sessionSummary) addEnd(ctx context.Context, end sessionEnd) error {
	c, err := compareEnds(ctx, &end, &s.entry)
	if err != nil {
		return err
	}
	if s.entry.part == nil || c < 0 {
		s.entry = end
	}
	if c, err = compareEnds(ctx, &end, &s.exit); err != nil {
		return err
	}
	if s.exit.part == nil || c > 0 {
		s.exit = end
	}
	return nil
}

// compareEnds orders events of one session by time, then id.
func compareEnds(ctx context.Context, a, b *sessionEnd) (int, error) {
	switch {
	case b.part == nil || a.time != b.time:
		return cmp.Compare(a.time, b.time), nil
	case a.part == b.part:
		return cmp.Compare(a.row, b.row), nil
	}
	ids, err := a.part.EventIDs(ctx)
	if err != nil {
		return 0, err
	}
	others, err := b.part.EventIDs(ctx)
	if err != nil {
		return 0, err
	}
	return bytes.Compare(ids.At(a.row), others.At(b.row)), nil
}

// maxSessionTypes bounds the types that the summary of a session names.
const maxSessionTypes = 100

// complete returns the summary of a session.
func (s *sessionSummary) complete(found *listedSession) api.SessionSummary {
	summary := api.SessionSummary{
		SessionID: uuid.UUID(found.id).String(), Application: found.application,
		First: api.TimeOf(time.UnixMicro(found.first)), Last: api.TimeOf(time.UnixMicro(found.last)),
		DurationMS: (found.last - found.first) / 1000, Count: found.count, Matched: found.matched,
		Entry: api.EventType(s.entry.typ), Exit: api.EventType(s.exit.typ), Types: []api.TypeCount{},
	}
	for typ, n := range s.types {
		summary.Types = append(summary.Types, api.TypeCount{EventType: api.EventType(typ), Count: n})
	}
	slices.SortFunc(summary.Types, func(a, b api.TypeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	if n := len(summary.Types) - maxSessionTypes; n > 0 {
		summary.Types, summary.TypesOmitted = slices.Clip(summary.Types[:maxSessionTypes]), n
	}
	return summary
}
