package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/theeye/theeye/shared/store"
)

// Events implements store.Reader.
func (s *Store) Events(ctx context.Context, q store.EventQuery) ([]*store.Document, error) {
	if none(q.Applications) {
		return nil, nil
	}
	filter := s.filter(store.Stored, selection{
		applications: q.Applications, sessionID: q.SessionID, category: q.Category, name: q.Name, eventID: q.EventID,
	})
	docs, err := s.read(ctx, page{
		filter: filter, clock: byTimestamp,
		from: byTimestamp.bound(q.From, earliest), to: byTimestamp.bound(q.To, latest),
		descending: q.Descending, after: q.After, limit: q.Limit,
		narrow: q.SessionID != "" || q.EventID != "",
	})
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	return docs, nil
}

// Rejected implements store.Reader.
func (s *Store) Rejected(ctx context.Context, q store.RejectedQuery) ([]*store.Document, error) {
	if none(q.Applications) {
		return nil, nil
	}
	docs, err := s.read(ctx, page{
		filter: s.rejectedFilter(q), clock: byReceived,
		from: byReceived.bound(q.From, earliest), to: byReceived.bound(q.To, latest),
		descending: q.Descending, after: q.After, limit: q.Limit,
		narrow: q.EventID != "",
	})
	if err != nil {
		return nil, fmt.Errorf("find rejected events: %w", err)
	}
	return docs, nil
}

// Lookup implements store.Reader.
func (s *Store) Lookup(ctx context.Context, ids []string) ([]*store.Document, error) {
	if len(ids) > maxLookup {
		return nil, fmt.Errorf("%w: %d ids are over %d", store.ErrInvalidQuery, len(ids), maxLookup)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	cur, err := s.events.Find(ctx, bson.D{
		{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}},
		s.alive(),
	}, options.Find())
	var docs []*store.Document
	err = each(ctx, cur, err, func(d *store.Document) bool {
		docs = append(docs, d)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("look up documents: %w", err)
	}
	return docs, nil
}

// Held implements store.Reader.
func (s *Store) Held(ctx context.Context, ids []string) (map[string]store.Held, error) {
	if len(ids) > maxLookup {
		return nil, fmt.Errorf("%w: %d ids are over %d", store.ErrInvalidQuery, len(ids), maxLookup)
	}
	held := make(map[string]store.Held, len(ids))
	err := s.holding(ctx, ids, ofHeld, func(d *store.Document) {
		held[d.ID] = store.Held{Holder: holderOf(d), Status: d.Status, Errors: d.Errors, ExpiresAt: d.ExpiresAt}
	})
	if err != nil {
		return nil, fmt.Errorf("read what is held: %w", err)
	}
	return held, nil
}

// none says that a query is limited to no application at all.
func none(applications []string) bool { return applications != nil && len(applications) == 0 }

// selection is what queries for stored and for rejected events have in common.
type selection struct {
	applications                       []string
	sessionID, category, name, eventID string
}

// filter returns the conditions that do not depend on the page.
func (s *Store) filter(status store.Status, sel selection) bson.D {
	f := bson.D{{Key: fieldStatus, Value: string(status)}}
	switch {
	case sel.eventID != "" && status == store.Stored && sel.applications != nil:
		// A stored event's id is made of both; no other index holds event_id.
		ids := make([]string, len(sel.applications))
		for i, a := range sel.applications {
			ids[i] = store.DocumentID(a, sel.eventID)
		}
		f = append(f, bson.E{Key: fieldID, Value: bson.D{{Key: "$in", Value: ids}}})
	default:
		f = append(f, ofApplications(sel.applications)...)
	}
	for _, e := range []struct{ field, value string }{
		{fieldSessionID, sel.sessionID},
		{fieldCategory, sel.category},
		{fieldName, sel.name},
		{fieldEventID, sel.eventID},
	} {
		if e.value != "" {
			f = append(f, bson.E{Key: e.field, Value: e.value})
		}
	}
	return append(f, s.alive())
}

// ofApplications limits to a list, nil being all. With one alone the index by
// application serves.
func ofApplications(list []string) bson.D {
	switch {
	case list == nil:
		return nil
	case len(list) == 1:
		return bson.D{{Key: fieldApplication, Value: list[0]}}
	default:
		return bson.D{{Key: fieldApplication, Value: bson.D{{Key: "$in", Value: list}}}}
	}
}

func (s *Store) rejectedFilter(q store.RejectedQuery) bson.D {
	f := s.filter(store.Rejected, selection{
		applications: q.Applications, sessionID: q.SessionID, category: q.Category, name: q.Name, eventID: q.EventID,
	})
	if q.Code != "" {
		f = append(f, bson.E{Key: fieldErrors + "." + fieldCode, Value: q.Code})
	}
	return f
}

// alive leaves out what is past its retention; the TTL monitor comes later.
func (s *Store) alive() bson.E {
	return bson.E{Key: fieldExpiresAt, Value: bson.D{
		{Key: "$not", Value: bson.D{{Key: "$lte", Value: bson.NewDateTimeFromTime(s.now())}}},
	}}
}
