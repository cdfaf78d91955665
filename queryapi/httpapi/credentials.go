package httpapi

import (
	"net/http"
	"time"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/stream"
)

// showApplication answers GET /v1/applications/{application}.
func (s *service) showApplication(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	name, err := pathApplication(r, routeApplication)
	if err != nil {
		return err
	}
	if _, err := parseParams(r, nil); err != nil {
		return err
	}
	a, err := s.admin.Application(r.Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, a.Revision, a)
}

// createApplication answers POST /v1/applications: an application with its
// first key, whose secret is in this answer alone.
func (s *service) createApplication(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	c, err := parseChange(r, p, false)
	if err != nil {
		return err
	}
	var name string
	var settings registry.KeySettings
	known := keyReaders(&settings)
	known["name"] = readString(&name)
	if err := readObject(r, known, "name", "kind"); err != nil {
		return err
	}
	created, err := s.admin.CreateApplication(r.Context(), name, settings, c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, created.Revision, created)
}

// putApplication answers PUT /v1/applications/{application}: the declaration of
// an application, whose keys are hashes.
func (s *service) putApplication(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	name, err := pathApplication(r, routeApplication)
	if err != nil {
		return err
	}
	c, err := parseChange(r, p, false)
	if err != nil {
		return err
	}
	raw, err := readBody(r, maxApplication)
	if err != nil {
		return err
	}
	put, err := s.admin.PutApplication(r.Context(), name, raw, c)
	if err != nil {
		return err
	}
	return writeJSON(w, statusOfPut(put), put.Revision, api.ChangedApplication{Name: name, Revision: put.Revision})
}

// putSettings answers PUT /v1/applications/{application}/settings: the settings of
// an application as a whole. Its keys stay.
func (s *service) putSettings(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	name, err := pathApplication(r, routeSettings)
	if err != nil {
		return err
	}
	c, err := parseChange(r, p, true)
	if err != nil {
		return err
	}
	var settings registry.ApplicationSettings
	if err := readObject(r, map[string]memberReader{
		"adapters": readStrings(&settings.Adapters), "missing_session": readString(&settings.MissingSession),
	}); err != nil {
		return err
	}
	changed, err := s.admin.PutApplicationSettings(r.Context(), name, settings, c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, changed.Revision, changed)
}

// deleteApplication answers DELETE /v1/applications/{application}: its keys are
// invalid, its events stay.
func (s *service) deleteApplication(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	name, err := pathApplication(r, routeApplication)
	if err != nil {
		return err
	}
	c, err := parseRemoval(r, p)
	if err != nil {
		return err
	}
	revision, err := s.admin.DeleteApplication(r.Context(), name, c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, revision, api.ChangedApplication{Name: name, Revision: revision})
}

// pathApplication returns the application that the path of a route names.
func pathApplication(r *http.Request, route string) (string, error) {
	path, err := pathParams(r, route)
	if err != nil {
		return "", err
	}
	return path[0], checkApplication(path[0])
}

// pathKey returns the application and the write key that a path names.
func pathKey(r *http.Request) (application, id string, err error) {
	path, err := pathParams(r, routeKey)
	if err != nil {
		return "", "", err
	}
	return path[0], path[1], checkApplication(path[0])
}

func checkApplication(name string) error {
	if !stream.ValidApplication(name) {
		return httpserver.BadRequest(api.CodeInvalidParameter, "the name of an application is [a-z0-9][a-z0-9-]{0,31}")
	}
	return nil
}

// keyReaders are the members of api.KeySettings.
func keyReaders(k *registry.KeySettings) map[string]memberReader {
	return map[string]memberReader{
		"kind":              readString(&k.Kind),
		"origins":           readStrings(&k.Origins),
		"disabled":          readBool(&k.Disabled),
		"expires_at":        readExpiry(&k.ExpiresAt),
		"events_per_second": readLimit(&k.EventsPerSecond),
		"bytes_per_second":  readLimit(&k.BytesPerSecond),
	}
}

// createKey answers POST /v1/applications/{application}/keys: one more key, or
// one that replaces another, which stays valid for the overlap.
func (s *service) createKey(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	name, err := pathApplication(r, routeKeys)
	if err != nil {
		return err
	}
	c, err := parseChange(r, p, true)
	if err != nil {
		return err
	}
	settings, rotation, err := readNewKey(r)
	if err != nil {
		return err
	}
	var created api.ChangedApplication
	if rotation.replaces != "" {
		created, err = s.admin.RotateKey(r.Context(), name, rotation.replaces, rotation.overlap, c)
	} else {
		created, err = s.admin.AddKey(r.Context(), name, settings, c)
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, created.Revision, created)
}

// keyRotation is a parsed api.KeyRotation.
type keyRotation struct {
	replaces string
	overlap  time.Duration
}

// readNewKey reads either of the two bodies of createKey.
func readNewKey(r *http.Request) (settings registry.KeySettings, rotation keyRotation, err error) {
	var hasSettings, hasOverlap bool
	known := keyReaders(&settings)
	for name, read := range known {
		known[name] = func(m schema.Location, v any) { hasSettings = true; read(m, v) }
	}
	known["replaces"] = readString(&rotation.replaces)
	overlap := readDuration(&rotation.overlap)
	known["overlap"] = func(m schema.Location, v any) { hasOverlap = true; overlap(m, v) }
	if err := readObject(r, known); err != nil {
		return settings, rotation, err
	}
	switch {
	case rotation.replaces != "" && hasSettings:
		return settings, rotation, invalidBody("a key that replaces another has its settings: only overlap goes with replaces")
	case rotation.replaces == "" && hasOverlap:
		return settings, rotation, invalidBody("overlap goes with replaces: the id of the key that the new one replaces")
	case rotation.replaces == "" && settings.Kind == "":
		return settings, rotation, invalidBody("the member kind is missing")
	}
	return settings, rotation, nil
}

// putKey answers PUT /v1/applications/{application}/keys/{key_id}: the settings
// of a key as a whole. Its secret stays.
func (s *service) putKey(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	application, id, err := pathKey(r)
	if err != nil {
		return err
	}
	c, err := parseChange(r, p, true)
	if err != nil {
		return err
	}
	var settings registry.KeySettings
	if err := readObject(r, keyReaders(&settings), "kind"); err != nil {
		return err
	}
	changed, err := s.admin.PutKey(r.Context(), application, id, settings, c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, changed.Revision, changed)
}

// deleteKey answers DELETE /v1/applications/{application}/keys/{key_id}.
func (s *service) deleteKey(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	application, id, err := pathKey(r)
	if err != nil {
		return err
	}
	c, err := parseChange(r, p, true)
	if err != nil {
		return err
	}
	changed, err := s.admin.DeleteKey(r.Context(), application, id, c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, changed.Revision, changed)
}

// showToken answers GET /v1/tokens/{token_id}.
func (s *service) showToken(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	path, err := pathParams(r, routeToken)
	if err != nil {
		return err
	}
	if _, err := parseParams(r, nil); err != nil {
		return err
	}
	t, err := s.admin.Token(r.Context(), path[0])
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, t.Revision, t)
}

// createToken answers POST /v1/tokens: the secret is in this answer alone.
func (s *service) createToken(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	c, err := parseChange(r, p, false)
	if err != nil {
		return err
	}
	var t registry.Token
	if err := readObject(r, tokenReaders(&t), "id", "role"); err != nil {
		return err
	}
	created, err := s.admin.CreateToken(r.Context(), t, c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, created.Revision, created)
}

// tokenReaders are the members of api.NewToken.
func tokenReaders(t *registry.Token) map[string]memberReader {
	return map[string]memberReader{
		"id":           readString(&t.ID),
		"role":         readString(&t.Role),
		"applications": readStrings(&t.Applications),
	}
}

// deleteToken answers DELETE /v1/tokens/{token_id}: the token is invalid. With
// last_operator=true it may be the only one of an operator.
func (s *service) deleteToken(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	path, err := pathParams(r, routeToken)
	if err != nil {
		return err
	}
	q, err := parseParams(r, []string{api.CodeLastOperator})
	if err != nil {
		return err
	}
	c, err := parseChangeHeaders(r, p, true)
	if err != nil {
		return err
	}
	revision, err := s.admin.DeleteToken(r.Context(), path[0], q.lastOperator, c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, revision, api.ChangedToken{ID: path[0], Revision: revision})
}
