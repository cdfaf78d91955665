package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/test/harness"
)

// changesMeasured is how many changes are followed, promised how long each may
// take until every service has it.
const (
	changesMeasured = 21
	promised        = time.Second
)

// testChangesAreLive measures how long a change takes to every service. A
// machine that is busy with other tests is late more often than not; a quarter of
// the changes must keep the promise.
func testChangesAreLive(t *testing.T, w *fixture) {
	c := w.caller(t)
	var took []time.Duration
	revision := uint64(0)
	for i := range changesMeasured {
		begun := time.Now()
		revision = c.putSchema(t, i, revision)
		eventually(t, func() error { return w.behind(t.Context(), revision) })
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	t.Logf("a change is live in every service after %v in the median, %v at most", took[len(took)/2], took[len(took)-1])
	if took[len(took)/4] > promised {
		t.Errorf("three quarters of the changes take more than %v to every service", took[len(took)/4])
	}
}

// putSchema puts one more version of a type, and returns its revision.
func (c *caller) putSchema(t *testing.T, i int, replaces uint64) uint64 {
	t.Helper()
	schema := fmt.Sprintf(`{"type": "object", "title": "version %d"}`, i)
	req, err := http.NewRequestWithContext(waiting(t), http.MethodPut, c.w.Query+"/v1/schemas/within/second", strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.w.Token)
	if replaces > 0 {
		req.Header.Set("If-Match", strconv.Quote(strconv.FormatUint(replaces, 10)))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Revision uint64 `json:"revision"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Revision == 0 {
		t.Fatalf("putting version %d answers %d, %v", i, resp.StatusCode, err)
	}
	return answer.Revision
}

// behind says which service works by an earlier revision.
func (w *fixture) behind(ctx context.Context, revision uint64) error {
	for _, proc := range w.Processes {
		if proc.Name == "nats-server" {
			continue
		}
		admin := strings.TrimSuffix(proc.ReadyURL, "/readyz")
		for _, service := range servicesOf(proc.Name) {
			now, err := harness.Metric(ctx, admin, "eye_"+service+"_registry_revision")
			if err != nil {
				return err
			}
			if uint64(now) < revision {
				return fmt.Errorf("%s of %s is at revision %.0f of %d", service, proc.Name, now, revision)
			}
		}
	}
	return nil
}

// servicesOf are the services of a process, as metrics name them.
func servicesOf(process string) []string {
	switch process {
	case "collector":
		return []string{"collector"}
	case "query API":
		return []string{"queryapi"}
	case "theeye":
		return []string{"collector", "processor", "queryapi"}
	}
	return []string{"processor"}
}
