package analytics

import (
	"bytes"
	"context"
	"sort"

	"github.com/google/uuid"

	"github.com/theeye/theeye/shared/columns"
	"github.com/theeye/theeye/shared/query/filter"
)

// parseSessionID returns the bytes of a session id in its 36-character form, which
// event.ParseUUID has checked.
func parseSessionID(text string) [16]byte {
	id, _ := uuid.Parse(text)
	return id
}

// findSession returns the index of a session, and whether it is there.
func findSession(s *columns.Sessions, id [16]byte) (int, bool) {
	i := sort.Search(len(s.IDs), func(i int) bool { return bytes.Compare(s.IDs[i][:], id[:]) >= 0 })
	return i, i < len(s.IDs) && s.IDs[i] == id
}

// clearOtherSessions clears the rows of all sessions but one.
func clearOtherSessions(ctx context.Context, p *columns.Part, id [16]byte, masks []eventMask) error {
	sessions, err := p.Sessions(ctx)
	if err != nil {
		return err
	}
	i, found := findSession(sessions, id)
	if !found {
		clear(masks)
		return nil
	}
	clear(masks[:sessions.First[i]])
	clear(masks[sessions.First[i+1]:])
	return nil
}

// clearSessions is clearRows for the session id.
func (f *fieldConditions) clearSessions(ctx context.Context, p *columns.Part, masks []eventMask) error {
	sessions, err := p.Sessions(ctx)
	if err != nil {
		return err
	}
	for i, id := range sessions.IDs {
		mask := f.valueMask(filter.Text(uuid.UUID(id).String()))
		if mask == everyBit {
			continue
		}
		for row := sessions.First[i]; row < sessions.First[i+1]; row++ {
			masks[row] &= mask
		}
	}
	return nil
}
