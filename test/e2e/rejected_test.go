package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testRejected sees that a rejected event is kept whole, with its reason, and
// counted.
func testRejected(t *testing.T, w *fixture) {
	c, session := w.caller(t), newSession()
	body := native(newID(), "session_id", quote(session), "category", `"page interaction"`, "name", `"cta click"`,
		"data", `{"host": "www.example.com", "path": "/"}`)
	verdict := c.post("/v1/validate", []byte(body))
	if res := verdict.results(); verdict.status != http.StatusOK || len(res) != 1 || res[0].Status != "rejected" || len(res[0].Errors) != 1 {
		t.Fatalf("validate answers %s", verdict)
	}
	if r, err := c.ask("/v1/events/"+verdict.results()[0].EventID, nil); err != nil || r.status != http.StatusNotFound {
		t.Errorf("validate kept something: %s, %v", r, err)
	}

	id := c.accept(body)[0]
	twin := c.accept(native(newID(), "session_id", quote(session), "category", `"page interaction"`, "name", `"cta click"`,
		"data", `{"host": "www.example.org", "path": "/"}`))[0]
	d := c.settled(id)
	c.settled(twin)
	if d.Status != "rejected" || d.Original != body || d.SessionID != session || d.Category != "page interaction" {
		t.Errorf("the event is %+v", d)
	}
	if diff := cmp.Diff(verdict.results()[0].Errors, d.Errors); diff != "" {
		t.Errorf("the processor validates otherwise than /v1/validate (-said +did):\n%s", diff)
	}
	for name, query := range map[string]url.Values{
		"session": {"session_id": {session}, "limit": {"1"}},
		"code":    {"code": {"schema_violation"}, "session_id": {session}},
		"type":    {"category": {"page interaction"}, "name": {"cta click"}, "session_id": {session}, "order": {"asc"}},
	} {
		docs, err := c.all("/v1/rejected", query)
		found := map[string]string{}
		for _, d := range docs {
			found[d.EventID] = d.Original
		}
		if err != nil || len(docs) != 2 || found[id] != body || found[twin] == "" {
			t.Errorf("rejected by %s: %+v, %v", name, docs, err)
		}
	}
	if docs, err := c.all("/v1/events", url.Values{"session_id": {session}}); err != nil || len(docs) != 0 {
		t.Errorf("a rejected event is among the stored: %+v, %v", docs, err)
	}
	testSummary(t, c, session, d.Errors[0].Path)
}

func testSummary(t *testing.T, c *caller, session, path string) {
	t.Helper()
	type group struct {
		Application string `json:"application"`
		Category    string `json:"category"`
		Name        string `json:"name"`
		Code        string `json:"code"`
		Path        string `json:"path"`
		Count       int    `json:"count"`
	}
	var got struct {
		Groups []group `json:"groups"`
	}
	want := []group{{"site", "page interaction", "cta click", "schema_violation", path, 2}}
	eventually(t, func() error { // the summary may be two seconds behind
		got.Groups = nil
		if err := c.read(&got, "/v1/rejected/summary", url.Values{"session_id": {session}}); err != nil {
			return err
		}
		if diff := cmp.Diff(want, got.Groups); diff != "" {
			return fmt.Errorf("summary (-want +got):\n%s", diff)
		}
		return nil
	})
}
