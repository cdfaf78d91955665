package httpapi

import (
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/schema"
)

// maxDraftData bounds the data of one request.
const maxDraftData = 100

// validateDraft answers POST /v1/schemas/{category}/{name}/validate: what a schema that is
// not put says of data.
func (s *service) validateDraft(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	t, err := pathType(r, routeSchemaValidate)
	if err != nil {
		return err
	}
	if _, err := parseParams(r, nil); err != nil {
		return err
	}
	var draft jsontext.Value
	var data []jsontext.Value
	faults, err := readJobBody(r, map[string]rawReader{
		"schema": func(_ schema.Location, raw jsontext.Value) { draft = raw },
		"data": func(m schema.Location, raw jsontext.Value) {
			if err := json.Unmarshal(raw, &data); err != nil || data == nil {
				m.Faultf("must be an array of objects, each the data of an event")
			} else if len(data) > maxDraftData {
				m.Faultf("must have at most %d elements", maxDraftData)
			}
		},
	})
	if err != nil {
		return err
	}
	if draft == nil {
		schema.Location{Faults: &faults}.Faultf("the member schema is missing")
	}
	if len(faults) > 0 {
		return invalidDeclaration(faults)
	}
	verdicts, err := s.admin.ValidateDraft(t, draft, data)
	if errors.Is(err, admin.ErrTooCostly) {
		return httpserver.NewFailure(http.StatusRequestEntityTooLarge, api.CodeTooCostly,
			"these data take too much work to validate in one request; send fewer of them. Nothing is kept")
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, 0, verdicts)
}
