package queryapi

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/theeye/theeye/shared/event"
	storequery "github.com/theeye/theeye/shared/query"
	"github.com/theeye/theeye/shared/schema"
)

// typesWindow is the range of a question for types that names none.
const typesWindow = 7 * 24 * time.Hour

// typesAnswer is the answer of GET /v1/types.
type typesAnswer struct {
	From      string       `json:"from"`
	To        string       `json:"to"`
	Types     []typeAnswer `json:"types"`
	Truncated bool         `json:"truncated,omitzero"`
}

// typeAnswer is one type. Category and name are absent for the rejected events
// that had no valid ones.
type typeAnswer struct {
	Category      string  `json:"category,omitzero"`
	Name          string  `json:"name,omitzero"`
	Registered    bool    `json:"registered"`
	SchemaVersion uint64  `json:"schema_version,omitzero"`
	Stored        int64   `json:"stored"`
	Rejected      int64   `json:"rejected"`
	ShareRejected float64 `json:"share_rejected"`
	LastSeen      string  `json:"last_seen,omitzero"`
}

// types answers GET /v1/types: every type that was seen in a range of received
// time or is registered. The registry's types belong to no application, so
// every token sees all of them; the counts are of the applications it may see.
func (s *Service) types(w http.ResponseWriter, r *http.Request, who scope) error {
	q, err := parseQuery(r.URL.RawQuery, typesParams)
	if err != nil {
		return err
	}
	apps, err := who.restrict(q.application)
	if err != nil {
		return err
	}
	tq := storequery.Aggregate{
		Filter: storequery.Filter{Applications: apps}, By: storequery.ByType, Limit: storequery.MaxTypes,
	}
	if tq.From, tq.To, err = q.window(time.Now()); err != nil {
		return err
	}
	seen, err := s.store.Aggregate(r.Context(), tq)
	if err != nil {
		return err
	}
	a := typesAnswer{
		From: event.FormatTime(tq.From), To: event.FormatTime(tq.To), Truncated: len(seen) == tq.Limit,
	}
	a.Types = mergeTypes(seen, s.registry.Snapshot().Schemas, a.Truncated)
	return reply(w, http.StatusOK, 0, a)
}

// window returns the range of received time, by default the last seven days.
func (q *query) window(now time.Time) (from, to time.Time, err error) {
	from, to = q.from, q.to
	if to.IsZero() {
		to = now.Truncate(time.Microsecond)
	}
	if from.IsZero() {
		from = to.Add(-typesWindow)
	}
	if from.After(to) {
		return from, to, badRequest(codeInvalidParameter, "parameter from is in the future; give parameter to as well")
	}
	return from, to, nil
}

// mergeTypes joins what was counted with what is registered, by category and
// name. Where the counts are truncated, a type that is not among them is left
// out: that nothing of it came would be said without knowing.
func mergeTypes(seen []storequery.Group, set *schema.Set, truncated bool) []typeAnswer {
	list := make([]typeAnswer, 0, len(seen))
	counted := make(map[schema.Type]bool, len(seen))
	add := func(t storequery.Group) {
		key := schema.Type{Category: t.Category, Name: t.Name}
		counted[key] = true
		a := typeAnswer{
			Category: t.Category, Name: t.Name, Registered: set.Known(t.Category, t.Name), SchemaVersion: set.Version(key),
			Stored: t.Stored, Rejected: t.Rejected,
		}
		if all := t.Stored + t.Rejected; all > 0 {
			a.ShareRejected = float64(t.Rejected) / float64(all)
			a.LastSeen = event.FormatTime(t.Last)
		}
		list = append(list, a)
	}
	for _, t := range seen {
		add(t)
	}
	for _, t := range set.Types() {
		if !truncated && !counted[t] {
			add(storequery.Group{Category: t.Category, Name: t.Name})
		}
	}
	slices.SortFunc(list, func(a, b typeAnswer) int {
		return cmp.Or(cmp.Compare(a.Category, b.Category), cmp.Compare(a.Name, b.Name))
	})
	return list
}
