package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/queryapi/apidoc"
	"github.com/theeye/theeye/test/harness"
)

// TestPipelines runs the same assertions on both shapes. The order matters
// only in that the last one ends the processes.
func TestPipelines(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := s.start(t)
			for _, part := range []struct {
				name string
				test func(*testing.T, *fixture)
			}{
				{"forms", testForms},
				{"rejected", testRejected},
				{"document", testDocument},
				{"hostile events", testHostileEvents},
				{"corpus", testCorpus},
				{"doors", testDoors},
				{"identity", testIdentity},
				{"queries", testHostileQueries},
				{"connections", testConnections},
				{"reading while writing", testReadingWhileWriting},
				{"live", testLiveDeclarations},
				{"changes are live within a second", testChangesAreLive},
				{"logs", testLogs},
				{"terminate", testTerminate},
			} {
				t.Run(part.name, func(t *testing.T) { part.test(t, w) })
			}
		})
	}
}

// testDocument sees that the document which the answers are checked against
// is the one that is served.
func testDocument(t *testing.T, w *fixture) {
	c := w.caller(t)
	r, err := c.do(t.Context(), http.MethodGet, w.Query+"/openapi.json", nil)
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("%s, %v", r, err)
	}
	var got, want any
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(apidoc.Document(), &want); err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(want, got) {
		t.Error("another document is served")
	}
	for _, base := range []string{w.Collector, w.Query} {
		if r, err := c.do(t.Context(), http.MethodGet, base+"/healthz", nil); err != nil || r.status != http.StatusOK {
			t.Errorf("%s/healthz answers %s, %v", base, r, err)
		}
	}
	testOffTheMap(t, c)
}

// testOffTheMap: paths and methods that do not exist answer problems, and what
// belongs to the admin listener is not on the public one.
func testOffTheMap(t *testing.T, c *caller) {
	t.Helper()
	for _, call := range []struct {
		method, address string
		status          int
	}{
		{"GET", c.w.Query + "/nowhere", 404},
		{"GET", c.w.Query + "/metrics", 404},
		{"GET", c.w.Query + "/debug/pprof/", 404},
		{"GET", c.w.Query + "/readyz", 404},
		{"DELETE", c.w.Query + "/v1/rejected", 405},
		{"DELETE", c.w.Collector + "/v1/events", 405},
		{"PUT", c.w.Collector + "/v1/events", 405},
		{"GET", c.w.Collector + "/v1/validate", 405},
		{"POST", c.w.Collector + "/v1/nowhere", 404},
	} {
		r, err := c.do(c.t.Context(), call.method, call.address, nil, bearer(c.w.Token))
		if err != nil || r.status != call.status {
			t.Errorf("%s %s answers %s, %v, want %d", call.method, call.address, r, err, call.status)
		}
	}
}

// testLogs sees that whatever was sent, a log is one JSON object a line, and
// that no input makes it long.
func testLogs(t *testing.T, w *fixture) {
	for _, proc := range w.Processes {
		if proc.Name == "nats-server" {
			continue
		}
		text := proc.Output()
		lines := strings.Split(strings.TrimSpace(ungreeted(text)), "\n")
		for _, line := range lines {
			var record struct {
				Msg string `json:"msg"`
			}
			if err := json.Unmarshal([]byte(line), &record); err != nil || record.Msg == "" {
				t.Errorf("%s: %q is no record of a log: %v", proc.Name, line, err)
			}
		}
		if len(lines) == 0 || len(lines) > 200 {
			t.Errorf("%s wrote %d records", proc.Name, len(lines))
		}
	}
}

// ungreeted leaves out what `theeye up` says in words: from its first line to
// the last command line.
func ungreeted(text string) string {
	before, rest, ok := strings.Cut(text, "\nThe Eye is up.\n")
	if !ok {
		return text
	}
	rest = rest[strings.LastIndex(rest, "\ncurl ")+1:]
	_, after, _ := strings.Cut(rest, "\n")
	return strings.TrimRight(before, "\n") + "\n" + strings.TrimLeft(after, "\n")
}

// testTerminate ends every process while load runs: each drains and exits 0.
// After another start on the same data everything accepted is there.
func testTerminate(t *testing.T, w *fixture) {
	c, id := w.caller(t), newID()
	c.accept(native(id))
	l := startLoad(t, w, endless)
	l.await(t, 500)
	var ours []*harness.Process
	for _, proc := range w.Processes {
		if proc.Name != "nats-server" {
			ours = append(ours, proc)
		}
	}
	for _, proc := range ours {
		if err := proc.Signal(os.Signal(syscall.SIGTERM)); err != nil {
			t.Fatal(err)
		}
	}
	for _, proc := range ours {
		if code, err := proc.Wait(waiting(t)); code != 0 || err != nil {
			t.Errorf("%s: exit code %d, %v", proc.Name, code, err)
		}
	}
	l.end()
	wire.CloseIdleConnections()
	for _, proc := range ours {
		if err := proc.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.AwaitReady(waiting(t)); err != nil {
		t.Fatal(err)
	}
	l.check(t)
	c.accept(batch(native(id), native(id))) // a retry after a restart is the same event
	c.once(id)
	again := startLoad(t, w, endless)
	again.await(t, 100)
	again.end()
	again.check(t)
}
