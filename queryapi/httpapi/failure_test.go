package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/queryapi/problem"
	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
)

func TestEveryErrorHasAnAnswer(t *testing.T) {
	late, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	gone, leave := context.WithCancel(context.Background())
	leave()
	wrapped := fmt.Errorf("find: %w", httpserver.BadRequest(api.CodeInvalidCursor, "d"))
	for name, c := range map[string]struct {
		ctx    context.Context
		err    error
		status int
		retry  bool
	}{
		"a failure stays":             {late, wrapped, http.StatusBadRequest, false},
		"deadline before its cause":   {late, store.ErrUnavailable, http.StatusGatewayTimeout, false},
		"client gone":                 {gone, store.ErrUnavailable, statusClientClosed, false},
		"store unavailable":           {context.Background(), fmt.Errorf("x: %w", store.ErrUnavailable), http.StatusServiceUnavailable, true},
		"store refuses":               {context.Background(), store.ErrConfiguration, http.StatusServiceUnavailable, true},
		"revision taken":              {late, fmt.Errorf("x: %w", &editor.ConflictError{Present: 3}), http.StatusPreconditionFailed, false},
		"invalid declaration":         {late, &editor.InvalidError{Faults: []event.Fault{{Code: "c"}}}, http.StatusUnprocessableEntity, false},
		"not in the registry":         {late, fmt.Errorf("x: %w", registry.ErrNotFound), http.StatusNotFound, false},
		"no such job":                 {late, fmt.Errorf("x: %w", job.ErrNotFound), http.StatusNotFound, false},
		"too many jobs":               {late, fmt.Errorf("x: %w", job.ErrTooMany), http.StatusTooManyRequests, true},
		"a problem":                   {late, fmt.Errorf("x: %w", problem.NotFound("d")), http.StatusNotFound, false},
		"a problem of NATS":           {late, problem.Wrap(api.CodeRegistryUnavailable, "d", errSecret), http.StatusServiceUnavailable, true},
		"client gone, so NATS failed": {gone, problem.Wrap(api.CodeRegistryUnavailable, "d", errSecret), statusClientClosed, false},
		"a problem without status":    {context.Background(), problem.New("secret", "secret"), http.StatusInternalServerError, false},
		"anything else":               {context.Background(), errSecret, http.StatusInternalServerError, false},
	} {
		rec := httptest.NewRecorder()
		failureOf(c.ctx, c.err).Write(rec)
		if rec.Code != c.status || (rec.Header().Get("Retry-After") != "") != c.retry || strings.Contains(rec.Body.String(), "secret") {
			t.Errorf("%s: %d %v %s", name, rec.Code, rec.Header(), rec.Body)
		}
	}
}

var errSecret = errors.New("secret")

// An answer is bounded, whatever is wrong with a declaration.
func TestFaultsOfAnAnswerAreBounded(t *testing.T) {
	_, faults := schema.ParsePolicy([]byte(`{"` + strings.Join(numbers(5000), `":0,"`) + `":0}`))
	rec := httptest.NewRecorder()
	invalidDeclaration(faults).Write(rec)
	if n := strings.Count(rec.Body.String(), `"path"`); n != maxShownFaults || !strings.Contains(rec.Body.String(), "5000 faults") {
		t.Errorf("%d faults of %d are listed", n, len(faults))
	}
}

func numbers(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	return list
}
