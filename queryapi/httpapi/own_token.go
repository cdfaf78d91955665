package httpapi

import (
	"net/http"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/shared/api"
)

// showOwnToken answers GET /v1/token: the role of the token and the applications
// that it may read, so that a client offers nothing that would be refused.
func (s *service) showOwnToken(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	if _, err := parseParams(r, nil); err != nil {
		return err
	}
	own := api.OwnToken{
		ID: p.ID, Role: api.RoleAnalyst, Applications: p.ReadableApplications(), EveryApplication: p.Applications == nil,
	}
	if p.Operator {
		own.Role = api.RoleOperator
	}
	return writeJSON(w, http.StatusOK, 0, own)
}
