package queryapi

import (
	"net/http"
	"unicode/utf8"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/schema"
)

const contentTypeSchema = "application/schema+json"

// typeVersion is the newest version of a type's schema, in a list.
type typeVersion struct {
	Category string `json:"category"`
	Name     string `json:"name"`
	version
}

// schemas answers GET /v1/schemas: every type that is registered.
func (s *Service) schemas(w http.ResponseWriter, r *http.Request, _ scope) error {
	if _, err := parseQuery(r.URL.RawQuery, nil); err != nil {
		return err
	}
	present, err := s.editor.Schemas(r.Context())
	if err != nil {
		return err
	}
	list := struct {
		Revision uint64        `json:"revision"`
		Schemas  []typeVersion `json:"schemas"`
	}{Revision: s.registry.Revision(), Schemas: make([]typeVersion, len(present))}
	for i, v := range present {
		list.Schemas[i] = typeVersion{Category: v.Category, Name: v.Name, version: versionOf(v.Version)}
		// What was read from the bucket may be newer than the snapshot here.
		list.Revision = max(list.Revision, v.Revision)
	}
	return reply(w, http.StatusOK, 0, list)
}

// schema answers GET /v1/schemas/{category}/{name}: the JSON Schema itself.
func (s *Service) schema(w http.ResponseWriter, r *http.Request, _ scope) error {
	t, err := pathType(r)
	if err != nil {
		return err
	}
	q, err := parseQuery(r.URL.RawQuery, versionParams)
	if err != nil {
		return err
	}
	v, err := s.editor.Schema(r.Context(), t, q.revision)
	if err != nil {
		return err
	}
	replyRaw(w, contentTypeSchema, v.Revision, v.Time, v.Value)
	return nil
}

// changedType is the answer to a change of a type's schema.
type changedType struct {
	Category string `json:"category"`
	Name     string `json:"name"`
	Revision uint64 `json:"revision"`
}

// putSchema answers PUT /v1/schemas/{category}/{name}.
func (s *Service) putSchema(w http.ResponseWriter, r *http.Request, who scope) error {
	t, err := pathType(r)
	if err != nil {
		return err
	}
	c, err := readChange(r, who)
	if err != nil {
		return err
	}
	raw, err := readBody(w, r, maxDeclaration)
	if err != nil {
		return err
	}
	put, err := s.editor.PutSchema(r.Context(), t, raw, c.match, c.by)
	if err != nil {
		return err
	}
	return reply(w, statusOfPut(put), put.Revision, changedType{t.Category, t.Name, put.Revision})
}

// deleteSchema answers DELETE /v1/schemas/{category}/{name}.
func (s *Service) deleteSchema(w http.ResponseWriter, r *http.Request, who scope) error {
	t, err := pathType(r)
	if err != nil {
		return err
	}
	c, err := readRemoval(r, who)
	if err != nil {
		return err
	}
	revision, err := s.editor.DeleteSchema(r.Context(), t, c.match, c.by)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, revision, changedType{t.Category, t.Name, revision})
}

// schemaHistory answers GET /v1/schemas/{category}/{name}/history: every
// version, removals among them, the newest first.
func (s *Service) schemaHistory(w http.ResponseWriter, r *http.Request, _ scope) error {
	t, err := pathType(r)
	if err != nil {
		return err
	}
	return s.history(w, r, callSchemaHistory, query{category: t.Category, name: t.Name},
		func(before uint64, limit int) ([]registry.Version, error) {
			return s.editor.SchemaHistory(r.Context(), t, before, limit)
		})
}

// history answers with a page of versions; of says whose they are.
func (s *Service) history(
	w http.ResponseWriter, r *http.Request, call string, of query,
	read func(before uint64, limit int) ([]registry.Version, error),
) error {
	q, err := parseQuery(r.URL.RawQuery, historyParams)
	if err != nil {
		return err
	}
	q.category, q.name = of.category, of.name
	before, err := q.before(call)
	if err != nil {
		return err
	}
	versions, err := read(before, q.limit+1)
	if err != nil {
		return err
	}
	page := struct {
		Versions []version `json:"versions"`
		Next     *string   `json:"next_cursor"`
	}{}
	if len(versions) > q.limit {
		versions = versions[:q.limit]
		page.Next = q.cursorBefore(call, versions[q.limit-1].Revision)
	}
	page.Versions = make([]version, len(versions))
	for i, v := range versions {
		page.Versions[i] = versionOf(v)
	}
	return reply(w, http.StatusOK, 0, page)
}

// pathType is the type that a path names.
func pathType(r *http.Request) (schema.Type, error) {
	segments, err := pathSegments(r, pathSchemas)
	if err != nil {
		return schema.Type{}, err
	}
	for _, s := range segments[:2] {
		switch n := utf8.RuneCountInString(s); {
		case n == 0:
			return schema.Type{}, notFound("there is nothing at this path")
		case n > event.MaxIDLength:
			return schema.Type{}, badRequest(codeInvalidParameter,
				"category and name must be texts of 1 to %d characters", event.MaxIDLength)
		}
	}
	return schema.Type{Category: segments[0], Name: segments[1]}, nil
}
