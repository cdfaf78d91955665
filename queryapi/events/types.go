package events

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/schema"
)

// typesWindow is the range of a question for types that names none.
const typesWindow = 7 * 24 * time.Hour

// Types returns every type that was received in a range of received time or is
// registered. The registry's types belong to no application, so every token
// sees all of them; the counts are of the applications that it may read. Of q
// it uses Application, From and To.
func (f *Finder) Types(ctx context.Context, p access.Principal, q Query) (api.TypeList, error) {
	apps, err := p.Restrict(q.Application)
	if err != nil {
		return api.TypeList{}, err
	}
	byType := query.Aggregate{Filter: query.Filter{Applications: apps}, By: query.ByType, Limit: query.MaxTypes}
	if byType.From, byType.To, err = typesRange(q, time.Now()); err != nil {
		return api.TypeList{}, err
	}
	counts, err := f.store.Aggregate(ctx, byType)
	if err != nil {
		return api.TypeList{}, err
	}
	truncated := len(counts) == byType.Limit
	return api.TypeList{
		From: api.TimeOf(byType.From), To: api.TimeOf(byType.To), Truncated: truncated,
		Types: mergeTypes(counts, f.registry.Snapshot().Schemas, truncated),
	}, nil
}

// typesRange returns the range of received time, by default the last seven
// days.
func typesRange(q Query, now time.Time) (from, to time.Time, err error) {
	from, to = q.From, q.To
	if to.IsZero() {
		to = now.Truncate(time.Microsecond)
	}
	if from.IsZero() {
		from = to.Add(-typesWindow)
	}
	if from.After(to) {
		return from, to, problem.New(api.CodeInvalidParameter, "parameter from is in the future; give parameter to as well")
	}
	return from, to, nil
}

// mergeTypes joins the counted and the registered types, by category and name.
// If the counts are truncated, a registered type that is not among them is
// omitted: it is unknown whether events of it were received.
func mergeTypes(counts []query.Group, set *schema.Set, truncated bool) []api.TypeSummary {
	list := make([]api.TypeSummary, 0, len(counts))
	counted := make(map[schema.Type]bool, len(counts))
	for _, c := range counts {
		counted[schema.Type{Category: c.Category, Name: c.Name}] = true
		list = append(list, typeSummary(c, set))
	}
	for _, t := range set.Types() {
		if !truncated && !counted[t] {
			list = append(list, typeSummary(query.Group{Category: t.Category, Name: t.Name}, set))
		}
	}
	slices.SortFunc(list, func(a, b api.TypeSummary) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func typeSummary(c query.Group, set *schema.Set) api.TypeSummary {
	s := api.TypeSummary{
		Category: c.Category, Name: c.Name, Registered: set.Known(c.Category, c.Name),
		SchemaVersion: set.Version(schema.Type{Category: c.Category, Name: c.Name}),
		Stored:        c.Stored, Rejected: c.Rejected,
	}
	if all := c.Stored + c.Rejected; all > 0 {
		s.ShareRejected = float64(c.Rejected) / float64(all)
		s.LastSeen = api.TimeOf(c.Last)
	}
	return s
}
