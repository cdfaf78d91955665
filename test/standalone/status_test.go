package standalone_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/test/harness"
)

// One process is three services to who asks for the status, and a change of the
// registry arrives at each of them.
func TestEveryServiceTellsItsRevision(t *testing.T) {
	p := start(t, config(t, t.TempDir()))
	p.awaitServices(0)
	code, put := p.call(http.MethodPut, "/v1/schemas/c/n", registry.DevOperatorToken, `{}`)
	revision, ok := put["revision"].(float64)
	if code != http.StatusCreated || !ok {
		t.Fatalf("%d %v", code, put)
	}
	p.awaitServices(revision)

	p.send("seen")
	p.awaitStatus("seen", "stored")
	// The columns follow the store within seconds.
	var types map[string]any
	counted := false
	for end := time.Now().Add(30 * time.Second); !counted && time.Now().Before(end); {
		_, types = p.call(http.MethodGet, "/v1/types", registry.DevAnalystToken, "")
		list, _ := types["types"].([]any)
		counted = slices.ContainsFunc(list, func(item any) bool {
			one, _ := item.(map[string]any)
			return one["name"] == "pageview" && one["registered"] == true && one["stored"] == 1.0 && one["rejected"] == 0.0
		})
	}
	if !counted {
		t.Errorf("%v", types)
	}
}

// awaitServices waits until the status names the three services of the process,
// each at the revision or later.
func (p *app) awaitServices(revision float64) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		code, status := p.call(http.MethodGet, "/v1/status", registry.DevOperatorToken, "")
		services, _ := status["services"].([]any)
		if code != http.StatusOK || len(services) != 3 {
			return fmt.Errorf("%d %v", code, status)
		}
		var instance any
		for i, name := range []string{"collector", "processor", "queryapi"} {
			one, _ := services[i].(map[string]any)
			if instance == nil {
				instance = one["instance"]
			}
			if at, _ := one["revision"].(float64); one["service"] != name || one["instance"] != instance || at < revision {
				return fmt.Errorf("service %s: %v", name, one)
			}
		}
		if store, _ := status["store"].(map[string]any); store["ready"] != true {
			return errors.New("the store is not ready")
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}
