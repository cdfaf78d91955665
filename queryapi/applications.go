package queryapi

import (
	"net/http"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

// application is an application in an answer.
type application struct {
	Name     string `json:"name"`
	Revision uint64 `json:"revision"`
	Time     string `json:"time"`
	Author   string `json:"author"`
	Note     string `json:"note"`
	Keys     []key  `json:"keys"`
}

func applicationOf(a registry.Application) application {
	keys := make([]key, len(a.Keys))
	for i, k := range a.Keys {
		keys[i] = keyOf(k)
	}
	return application{
		Name: a.Name, Revision: a.Revision, Time: event.FormatTime(a.Time), Author: a.Author, Note: a.Note, Keys: keys,
	}
}

// changedApplication is the answer to a change of an application; Key is there
// when the change made one.
type changedApplication struct {
	Name     string  `json:"name"`
	Revision uint64  `json:"revision"`
	Key      *newKey `json:"key,omitzero"`
}

// applications answers GET /v1/applications.
func (s *Service) applications(w http.ResponseWriter, r *http.Request, _ scope) error {
	if _, err := parseQuery(r.URL.RawQuery, nil); err != nil {
		return err
	}
	present, err := s.editor.Applications(r.Context())
	if err != nil {
		return err
	}
	list := make([]application, len(present))
	for i, a := range present {
		list[i] = applicationOf(a)
	}
	return reply(w, http.StatusOK, 0, map[string]any{"applications": list})
}

// application answers GET /v1/applications/{name}.
func (s *Service) application(w http.ResponseWriter, r *http.Request, _ scope) error {
	name, _, err := pathApplication(r)
	if err != nil {
		return err
	}
	if _, err := parseQuery(r.URL.RawQuery, nil); err != nil {
		return err
	}
	a, err := s.editor.Application(r.Context(), name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, a.Revision, applicationOf(a))
}

// createApplication answers POST /v1/applications: an application with its
// first key, whose secret is in this answer alone.
func (s *Service) createApplication(w http.ResponseWriter, r *http.Request, who scope) error {
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	var name string
	var spec registry.KeyInfo
	known := keyMembers(&spec)
	known["name"] = textMember(&name)
	if err := readObject(w, r, known, "name", "kind"); err != nil {
		return err
	}
	a, made, err := s.editor.CreateApplication(r.Context(), name, spec, c.by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, a.Revision, changedApplication{a.Name, a.Revision, newKeyOf(made)})
}

// putApplication answers PUT /v1/applications/{name}: the declaration of an
// application, whose keys are hashes.
func (s *Service) putApplication(w http.ResponseWriter, r *http.Request, who scope) error {
	name, _, err := pathApplication(r)
	if err != nil {
		return err
	}
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	raw, err := readBody(w, r, maxApplication)
	if err != nil {
		return err
	}
	put, err := s.editor.PutApplication(r.Context(), name, raw, c.match, c.by)
	if err != nil {
		return err
	}
	return reply(w, statusOfPut(put), put.Revision, changedApplication{Name: name, Revision: put.Revision})
}

// deleteApplication answers DELETE /v1/applications/{name}: its keys write no
// more; its events stay.
func (s *Service) deleteApplication(w http.ResponseWriter, r *http.Request, who scope) error {
	name, _, err := pathApplication(r)
	if err != nil {
		return err
	}
	c, err := readRemoval(r, who)
	if err != nil {
		return err
	}
	revision, err := s.editor.DeleteApplication(r.Context(), name, c.match, c.by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, revision, changedApplication{Name: name, Revision: revision})
}

// pathApplication is the application that a path names, and the segment behind
// /keys/, "" without one.
func pathApplication(r *http.Request) (name, keyID string, err error) {
	segments, err := pathSegments(r, pathApplications)
	if err != nil {
		return "", "", err
	}
	if !stream.ValidApplication(segments[0]) {
		return "", "", badRequest(codeInvalidParameter, "the name of an application is [a-z0-9][a-z0-9-]{0,31}")
	}
	return segments[0], segments[2], nil
}
