package httpapi

import (
	"context"
	"net/http"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/analytics"
	"github.com/theeye/theeye/queryapi/events"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/columns"
)

// proposalParams are the parameters of a first schema.
var proposalParams = []string{"application", "from", "to", "tz"}

// proposeSchema answers GET /v1/schemas/{category}/{name}/proposal: a first schema of a type,
// from the events that the token may read.
func (s *service) proposeSchema(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	t, err := pathType(r, routeSchemaProposal)
	if err != nil {
		return err
	}
	in, err := readStatsQuery(r, "proposal", proposalParams)
	if err != nil {
		return err
	}
	counted := analytics.FieldsQuery{Scope: in.scope(s, p), Limit: analytics.MaxFields}
	counted.Category, counted.Name = t.Category, t.Name
	if in.err != nil {
		return in.err
	}
	answer, err := s.events.ProposeSchema(r.Context(), p, events.ProposalQuery{
		Type: t, Application: in.application(), From: counted.From, To: counted.To,
		CountFields: func(ctx context.Context) (list *api.FieldList, err error) {
			err = s.workOnStats(ctx, p, counted.Need(), func(ctx context.Context, snapshot *columns.Snapshot) (err error) {
				list, err = s.analytics.Fields(ctx, snapshot, counted, s.registry.Snapshot().Schemas)
				return err
			})
			return list, err
		},
	})
	if err != nil {
		return err
	}
	answer.From, answer.To, answer.TZ = api.TimeOf(counted.From), api.TimeOf(counted.To), counted.Location.String()
	return writeJSON(w, http.StatusOK, 0, answer)
}
