package queryapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/theeye/theeye/shared/registry"
)

// defaultPolicy is schema.DefaultPolicy as a declaration: what holds while the
// registry has no policy.
const defaultPolicy = `{"future_skew":"5m","oldest_age":"0s","unknown_types":"reject"}`

// changedPolicy is the answer to a change of the policy.
type changedPolicy struct {
	Revision uint64 `json:"revision"`
}

// policy answers GET /v1/policy. Without a policy it answers with the default
// one, under ETag "0".
func (s *Service) policy(w http.ResponseWriter, r *http.Request, _ scope) error {
	q, err := parseQuery(r.URL.RawQuery, versionParams)
	if err != nil {
		return err
	}
	v, err := s.editor.Policy(r.Context(), q.revision)
	switch {
	case errors.Is(err, registry.ErrNotFound) && q.revision == 0:
		replyRaw(w, "application/json", 0, time.Time{}, []byte(defaultPolicy))
		return nil
	case err != nil:
		return err
	}
	replyRaw(w, "application/json", v.Revision, v.Time, v.Value)
	return nil
}

// putPolicy answers PUT /v1/policy.
func (s *Service) putPolicy(w http.ResponseWriter, r *http.Request, who scope) error {
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	raw, err := readBody(w, r, maxDeclaration)
	if err != nil {
		return err
	}
	put, err := s.editor.PutPolicy(r.Context(), raw, c.match, c.by)
	if err != nil {
		return err
	}
	return reply(w, statusOfPut(put), put.Revision, changedPolicy{put.Revision})
}

// deletePolicy answers DELETE /v1/policy: the default one holds again.
func (s *Service) deletePolicy(w http.ResponseWriter, r *http.Request, who scope) error {
	c, err := readRemoval(r, who)
	if err != nil {
		return err
	}
	revision, err := s.editor.DeletePolicy(r.Context(), c.match, c.by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, revision, changedPolicy{revision})
}

// policyHistory answers GET /v1/policy/history.
func (s *Service) policyHistory(w http.ResponseWriter, r *http.Request, _ scope) error {
	return s.history(w, r, callPolicyHistory, query{},
		func(before uint64, limit int) ([]registry.Version, error) {
			return s.editor.PolicyHistory(r.Context(), before, limit)
		})
}
