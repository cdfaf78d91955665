package httpapi

import (
	"net/http"

	"github.com/theeye/theeye/queryapi/access"
	"github.com/theeye/theeye/queryapi/admin"
	"github.com/theeye/theeye/shared/schema"
)

// verifyColumns compares the columns with the store, for a few seconds of a range.
func (s *service) verifyColumns(w http.ResponseWriter, r *http.Request, _ access.Principal) error {
	if _, err := parseParams(r, nil); err != nil {
		return err
	}
	var q admin.Verification
	faults, err := readJobBody(r, map[string]rawReader{
		"from":  parsed(readTime(&q.From)),
		"to":    parsed(readTime(&q.To)),
		"after": parsed(readString(&q.After)),
	})
	if err != nil {
		return err
	}
	if !q.From.IsZero() && !q.To.IsZero() && q.From.After(q.To) {
		schema.Location{Faults: &faults}.At("from").Faultf("must not be after to")
	}
	if len(faults) > 0 {
		return invalidDeclaration(faults)
	}
	answer, err := s.admin.Verify(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, 0, answer)
}
