package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testCorpus sends the corpora of the event decoder's tests. An accepted event
// has the outcome that validate answers and comes back as it was sent; a refused
// one has the code in the file's name.
func testCorpus(t *testing.T, w *fixture) {
	c := w.caller(t)
	ids := map[string]string{}
	for name, raw := range corpus(t, "accept") {
		r := c.post("/v1/events", raw)
		if res := r.results(); r.status == http.StatusAccepted && len(res) == 1 {
			ids[name] = res[0].EventID
			continue
		}
		t.Errorf("accept/%s: the door answers %s", name, r)
	}
	for name, raw := range corpus(t, "reject") {
		code, _, _ := strings.Cut(name, "-")
		if code == "invalid_json" || code == "not_object" || name == "too_deep-deep_10500" {
			continue // as a body they are answered otherwise: the table has them
		}
		r := c.post("/v1/events", []byte(batch(string(raw))))
		if res := r.results(); r.status != http.StatusUnprocessableEntity || len(res) != 1 || res[0].Code != code {
			t.Errorf("reject/%s: the door answers %s", name, r)
		}
	}
	for name, raw := range corpus(t, "accept") {
		if id := ids[name]; id != "" {
			t.Run(name, func(t *testing.T) { sameAsSent(t, w.caller(t), id, raw) })
		}
	}
}

// sameAsSent compares an outcome with the event's bytes and with what validate
// says of them.
func sameAsSent(t *testing.T, c *caller, id string, raw []byte) {
	d := c.settled(id)
	verdict := c.post("/v1/validate", raw).results()
	if len(verdict) != 1 || verdict[0].Status != d.Status || verdict[0].EventID != d.EventID {
		t.Errorf("validate says %+v, the outcome is %+v", verdict, d)
	}
	if d.Status == "rejected" {
		// White space around the body is not part of the event.
		if sent := strings.Trim(string(raw), " \t\r\n"); d.Original != sent {
			t.Errorf("the original is %q, sent %q", d.Original, sent)
		}
		return
	}
	var sent struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		t.Fatal(err)
	}
	if err := sameJSON(string(sent.Data), string(d.Data)); err != nil {
		t.Error(err)
	}
}

// corpus reads one of the lists; its files are events.
func corpus(t *testing.T, list string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "shared", "format", "native", "testdata", list, "*.json"))
	if err != nil || len(paths) < 40 {
		t.Fatalf("list %s: %d files, %v", list, len(paths), err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".json")] = raw
	}
	return files
}
