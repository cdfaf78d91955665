package queryapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/event"
)

// registered is any answer of the operators' calls.
type registered struct {
	status int
	header http.Header
	raw    string

	Code, Detail     string
	Faults           []event.Fault
	Revision         uint64
	Category, Name   string
	ID, Role, Secret string
	Applications     json.RawMessage
	Schemas          []registered
	Versions         []entry
	Tokens           []registered
	Changes          []entry
	Key              writeKeyItem
	Keys             []writeKeyItem
	Time             string
	Author, Note     string
	NextCursor       *string `json:"next_cursor"`
}

// entry is a version, or a change.
type entry struct {
	Seq, Revision  uint64
	Kind, Action   string
	Category, Name string
	Time           string
	Author, Note   string
	Removed        bool
	Before, After  json.RawMessage
}

type writeKeyItem struct {
	ID, Kind, Secret string
	Origins          []string
	Disabled         bool
	ExpiresAt        string `json:"expires_at"`
	EventsPerSecond  int64  `json:"events_per_second"`
	BytesPerSecond   int64  `json:"bytes_per_second"`
}

// ask makes a request as token; header is names and values in turn.
func (w *world) ask(method, token, target, body string, header ...string) registered {
	w.t.Helper()
	got := w.send(method, token, target, body, header...)
	if got.header.Get("Content-Type") == "application/schema+json" || method == http.MethodHead {
		return got
	}
	if err := json.Unmarshal([]byte(got.raw), &got); err != nil {
		w.t.Fatalf("%s %s: %v in %q", method, target, err, got.raw)
	}
	return got
}

// send is ask for an answer of another shape.
func (w *world) send(method, token, target, body string, header ...string) registered {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx(), method, w.base+target, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		w.t.Fatal(err)
	}
	return registered{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
}

// operate is ask as operator, of which a test wants one status.
func (w *world) operate(want int, method, target, body string, header ...string) registered {
	w.t.Helper()
	got := w.ask(method, operator, target, body, header...)
	if got.status != want {
		w.t.Fatalf("%s %s %.200s %q: %d, want %d: %.500s", method, target, body, header, got.status, want, got.raw)
	}
	return got
}

// quoted is a revision as If-Match carries it.
func quoted(revision uint64) string { return fmt.Sprintf("%q", fmt.Sprint(revision)) }

// typePath is the path of a type's schema.
func typePath(category, name string) string {
	return "/v1/schemas/" + url.PathEscape(category) + "/" + url.PathEscape(name)
}

// eventually polls until what holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("not within 20 seconds: " + what)
		}
		<-tick.C
	}
}

// revisionMetric is the registry's revision as the service reports it.
func (w *world) revisionMetric() uint64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "eye_queryapi_registry_revision" {
			return uint64(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	w.t.Fatal("no metric of the registry's revision")
	return 0
}
