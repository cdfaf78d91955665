package queryapi

import (
	"net/http"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
)

// token is a token in an answer. Applications is absent for a token that is not
// limited, and empty for one that sees nothing.
type token struct {
	ID           string        `json:"id"`
	Role         registry.Role `json:"role"`
	Applications []string      `json:"applications,omitzero"`
	Revision     uint64        `json:"revision"`
	Time         string        `json:"time"`
	Author       string        `json:"author"`
	Note         string        `json:"note"`
}

func tokenOf(t registry.TokenInfo) token {
	return token{
		ID: t.ID, Role: t.Role, Applications: t.Applications,
		Revision: t.Revision, Time: event.FormatTime(t.Time), Author: t.Author, Note: t.Note,
	}
}

// tokens answers GET /v1/tokens. Tokens that live in the memory of a process
// are not among them.
func (s *Service) tokens(w http.ResponseWriter, r *http.Request, _ scope) error {
	if _, err := parseQuery(r.URL.RawQuery, nil); err != nil {
		return err
	}
	present, err := s.editor.Tokens(r.Context())
	if err != nil {
		return err
	}
	list := make([]token, len(present))
	for i, t := range present {
		list[i] = tokenOf(t)
	}
	return reply(w, http.StatusOK, 0, map[string]any{"tokens": list})
}

// token answers GET /v1/tokens/{id}.
func (s *Service) token(w http.ResponseWriter, r *http.Request, _ scope) error {
	id, err := pathSegment(r, pathTokens)
	if err != nil {
		return err
	}
	if _, err := parseQuery(r.URL.RawQuery, nil); err != nil {
		return err
	}
	t, err := s.editor.Token(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, t.Revision, tokenOf(t))
}

// createToken answers POST /v1/tokens: the secret is in this answer alone.
func (s *Service) createToken(w http.ResponseWriter, r *http.Request, who scope) error {
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	var spec registry.Token
	if err := readObject(w, r, map[string]member{
		"id":           textMember(&spec.ID),
		"role":         textMember(&spec.Role),
		"applications": textsMember(&spec.Applications),
	}, "id", "role"); err != nil {
		return err
	}
	made, secret, err := s.editor.CreateToken(r.Context(), spec, c.by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, made.Revision, struct {
		ID           string        `json:"id"`
		Role         registry.Role `json:"role"`
		Applications []string      `json:"applications,omitzero"`
		Revision     uint64        `json:"revision"`
		Secret       string        `json:"secret"`
	}{made.ID, made.Role, made.Applications, made.Revision, secret})
}

// deleteToken answers DELETE /v1/tokens/{id}: it is valid no more.
func (s *Service) deleteToken(w http.ResponseWriter, r *http.Request, who scope) error {
	id, err := pathSegment(r, pathTokens)
	if err != nil {
		return err
	}
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	revision, err := s.editor.DeleteToken(r.Context(), id, c.orAny(), c.by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, revision, struct {
		ID       string `json:"id"`
		Revision uint64 `json:"revision"`
	}{id, revision})
}
