package queryapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
)

// Codes are contracts: a client finds each in the document.
func TestEveryCodeIsDocumented(t *testing.T) {
	document := string(apidoc.Document())
	for _, code := range []string{
		codeUnauthorized, codeForbidden, codeApplicationDenied, codeUnknownParameter, codeInvalidParameter, codeRepeatedParameter,
		codeInvalidQuery, codeInvalidCursor, codeTooManyApps, codeNotFound, api.CodeMethodNotAllowed, codeAmbiguousEvent, codeStarting,
		codeOverloaded, codeStoreUnavailable, codeStreamUnavailable, codeBacklogTooLong, codeQueryTimeout, codeInternal,
		codeBodyIncomplete, codeBodyTimeout, codeBodyTooLarge, codeInvalidHeader, codeUnsupportedEncoding, codeInvalidDeclaration,
		codePreconditionRequired, codeRevisionConflict, codeRegistryUnavailable,
	} {
		if !strings.Contains(document, "`"+code+"`") {
			t.Errorf("%s is not in the document", code)
		}
	}
}

// Every call has the parameters that the document gives it, and no others.
func TestParametersAreDocumented(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Ref  string `json:"$ref"`
				Name string
				In   string
			}
		}
	}
	if err := json.Unmarshal(apidoc.Document(), &document); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		"/v1/events": eventsParams, "/v1/events/{event_id}": eventParams, "/v1/sessions/{session_id}": sessionParams,
		"/v1/rejected": rejectedParams, "/v1/rejected/summary": summaryParams,
		"/v1/types": typesParams, "/v1/status": nil,
		"/v1/schemas": nil, "/v1/schemas/{category}/{name}": versionParams, "/v1/schemas/{category}/{name}/history": historyParams,
		"/v1/policy": versionParams, "/v1/policy/history": historyParams, "/v1/applications": nil, "/v1/applications/{application}": nil,
		"/v1/tokens": nil, "/v1/tokens/{token_id}": nil, "/v1/changes": changesParams,
	} {
		var got []string
		for _, p := range document.Paths[path]["get"].Parameters {
			name := strings.TrimPrefix(p.Ref, "#/components/parameters/")
			if p.In != "path" && !strings.HasPrefix(name, "path_") && !strings.HasPrefix(name, "type_") {
				got = append(got, strings.TrimPrefix(name, "change_"))
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: the document has %v, the service %v", path, got, want)
		}
	}
}

func TestAnswerFor(t *testing.T) {
	late, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	gone, leave := context.WithCancel(context.Background())
	leave()
	wrapped := fmt.Errorf("find: %w", badRequest(codeInvalidCursor, "d"))
	for name, c := range map[string]struct {
		ctx    context.Context
		err    error
		status int
		retry  bool
	}{
		"a failure stays":           {late, wrapped, http.StatusBadRequest, false},
		"deadline before its cause": {late, store.ErrUnavailable, http.StatusGatewayTimeout, false},
		"client gone":               {gone, store.ErrUnavailable, statusClientGone, false},
		"store away":                {context.Background(), fmt.Errorf("x: %w", store.ErrUnavailable), http.StatusServiceUnavailable, true},
		"store refuses":             {context.Background(), store.ErrConfiguration, http.StatusServiceUnavailable, true},
		"revision taken":            {late, fmt.Errorf("%w: %w", errRegistry, &registry.ConflictError{Present: 3}), http.StatusPreconditionFailed, false},
		"invalid declaration":       {late, &registry.InvalidError{Faults: []event.Fault{{Code: "c"}}}, http.StatusUnprocessableEntity, false},
		"not in the registry":       {late, fmt.Errorf("x: %w", registry.ErrNotFound), http.StatusNotFound, false},
		"registry away":             {context.Background(), fmt.Errorf("%w: %w", errRegistry, nats.ErrTimeout), http.StatusServiceUnavailable, true},
		"registry too slow":         {late, fmt.Errorf("%w: %w", errRegistry, context.DeadlineExceeded), http.StatusServiceUnavailable, true},
		"client of registry gone":   {gone, fmt.Errorf("%w: %w", errRegistry, context.Canceled), statusClientGone, false},
		"record that is no JSON":    {context.Background(), fmt.Errorf("%w: %w", errRegistry, &jsontext.SyntacticError{}), http.StatusInternalServerError, false},
		"anything else":             {context.Background(), errors.New("secret"), http.StatusInternalServerError, false},
	} {
		rec := httptest.NewRecorder()
		answerFor(c.ctx, c.err).Write(rec)
		if rec.Code != c.status || (rec.Header().Get("Retry-After") != "") != c.retry || strings.Contains(rec.Body.String(), "secret") {
			t.Errorf("%s: %d %v %s", name, rec.Code, rec.Header(), rec.Body)
		}
	}
}
