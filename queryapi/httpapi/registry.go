package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
)

// showValue returns a handler that answers with a value that needs no
// parameters.
func showValue[T any](read func(context.Context) (T, error)) handler {
	return func(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
		if _, err := parseParams(r, nil); err != nil {
			return err
		}
		v, err := read(r.Context())
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, 0, v)
	}
}

// showSchema answers GET /v1/schemas/{category}/{name}: the JSON Schema itself.
func (s *service) showSchema(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	t, err := pathType(r, routeSchema)
	if err != nil {
		return err
	}
	q, err := parseParams(r, versionParams)
	if err != nil {
		return err
	}
	v, err := s.admin.Schema(r.Context(), t, q.revision)
	if err != nil {
		return explainUnknownType(t, err)
	}
	writeVersion(w, api.ContentTypeSchema, v)
	return nil
}

// putSchema answers PUT /v1/schemas/{category}/{name}.
func (s *service) putSchema(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	t, err := pathType(r, routeSchema)
	if err != nil {
		return err
	}
	c, err := parseChange(r, p, false)
	if err != nil {
		return err
	}
	raw, err := readBody(r, maxDeclaration)
	if err != nil {
		return err
	}
	put, err := s.admin.PutSchema(r.Context(), t, raw, c)
	if err != nil {
		return err
	}
	return writeJSON(w, statusOfPut(put), put.Revision, api.ChangedType{Category: t.Category, Name: t.Name, Revision: put.Revision})
}

// statusOfPut is 201 for a resource that did not exist before.
func statusOfPut(put editor.PutResult) int {
	if put.Created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// deleteSchema answers DELETE /v1/schemas/{category}/{name}.
func (s *service) deleteSchema(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	t, err := pathType(r, routeSchema)
	if err != nil {
		return err
	}
	c, err := parseRemoval(r, p)
	if err != nil {
		return err
	}
	revision, err := s.admin.DeleteSchema(r.Context(), t, c)
	if err != nil {
		return explainUnknownType(t, err)
	}
	return writeJSON(w, http.StatusOK, revision, api.ChangedType{Category: t.Category, Name: t.Name, Revision: revision})
}

// listSchemaVersions answers GET /v1/schemas/{category}/{name}/history: every
// version, removals included, the newest first.
func (s *service) listSchemaVersions(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	t, err := pathType(r, routeSchemaHistory)
	if err != nil {
		return err
	}
	err = writeVersions(w, r, routeSchemaHistory, t, func(vr admin.VersionRange) ([]api.Version, bool, error) {
		return s.admin.SchemaHistory(r.Context(), t, vr)
	})
	return explainUnknownType(t, err)
}

// explainUnknownType adds how names stand in a path to the error of a type that
// the registry does not have, if they may be in the escaped form of file names.
func explainUnknownType(t schema.Type, err error) error {
	if !errors.Is(err, registry.ErrNotFound) || !strings.Contains(t.Category+t.Name, "=") {
		return err
	}
	return httpserver.NotFound("the registry does not have it; names in a path are percent-encoded, as in " + api.PathSchemas + "/page%20interaction/pageview")
}

// listPolicyVersions answers GET /v1/policy/history.
func (s *service) listPolicyVersions(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	return writeVersions(w, r, routePolicyHistory, schema.Type{}, func(vr admin.VersionRange) ([]api.Version, bool, error) {
		return s.admin.PolicyHistory(r.Context(), vr)
	})
}

// writeVersions answers with a page of versions of a type's schema or, with the
// zero type, of the policy.
func writeVersions(
	w http.ResponseWriter, r *http.Request, route string, t schema.Type,
	read func(admin.VersionRange) (versions []api.Version, more bool, err error),
) error {
	q, err := parseParams(r, historyParams)
	if err != nil {
		return err
	}
	q.Category, q.Name = t.Category, t.Name // for the fingerprint of the cursor
	before, err := q.before(route)
	if err != nil {
		return err
	}
	versions, more, err := read(admin.VersionRange{Before: before, Limit: q.Limit})
	if err != nil {
		return err
	}
	page := api.VersionPage{Versions: versions}
	if more {
		page.NextCursor = q.cursorBefore(route, versions[len(versions)-1].Revision)
	}
	return writeJSON(w, http.StatusOK, 0, page)
}

// pathType returns the type that a path names.
func pathType(r *http.Request, route string) (schema.Type, error) {
	path, err := pathParams(r, route)
	if err != nil {
		return schema.Type{}, err
	}
	for _, segment := range path {
		switch n := utf8.RuneCountInString(segment); {
		case n == 0:
			return schema.Type{}, httpserver.NoSuchPath()
		case n > event.MaxIDLength:
			return schema.Type{}, httpserver.BadRequest(api.CodeInvalidParameter,
				"category and name must be strings of 1 to %d characters", event.MaxIDLength)
		}
	}
	return schema.Type{Category: path[0], Name: path[1]}, nil
}

// showPolicy answers GET /v1/policy: the default one, under ETag "0", if the
// registry has none.
func (s *service) showPolicy(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	q, err := parseParams(r, versionParams)
	if err != nil {
		return err
	}
	v, err := s.admin.Policy(r.Context(), q.revision)
	if err != nil {
		return err
	}
	writeVersion(w, api.ContentTypeJSON, v)
	return nil
}

// putPolicy answers PUT /v1/policy.
func (s *service) putPolicy(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	c, err := parseChange(r, p, false)
	if err != nil {
		return err
	}
	raw, err := readBody(r, maxDeclaration)
	if err != nil {
		return err
	}
	put, err := s.admin.PutPolicy(r.Context(), raw, c)
	if err != nil {
		return err
	}
	return writeJSON(w, statusOfPut(put), put.Revision, api.ChangedPolicy{Revision: put.Revision})
}

// deletePolicy answers DELETE /v1/policy: the default one is in force again.
func (s *service) deletePolicy(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	c, err := parseRemoval(r, p)
	if err != nil {
		return err
	}
	revision, err := s.admin.DeletePolicy(r.Context(), c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, revision, api.ChangedPolicy{Revision: revision})
}

// listChanges answers GET /v1/changes: the changes of the registry with author
// and reason, the newest first.
func (s *service) listChanges(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	q, err := parseParams(r, changesParams)
	if err != nil {
		return err
	}
	before, err := q.before(routeChanges)
	if err != nil {
		return err
	}
	changes, more, err := s.admin.Changes(r.Context(), admin.ChangesQuery{Before: before, Limit: q.Limit, Kind: q.kind, Name: q.Name})
	if err != nil {
		return err
	}
	page := api.ChangePage{Changes: changes}
	if more {
		page.NextCursor = q.cursorBefore(routeChanges, changes[len(changes)-1].Seq)
	}
	return writeJSON(w, http.StatusOK, 0, page)
}
