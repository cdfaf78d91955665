package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testReadingWhileWriting walks through a session while it grows: no event is
// shown twice. The load is bounded, for a writer may be faster than a reader.
func testReadingWhileWriting(t *testing.T, w *fixture) {
	l := startLoad(t, w, 3000)
	l.await(t, 100)
	c := w.unchecked(t)
	for walk := range 5 {
		docs, err := c.all("/v1/events", url.Values{"session_id": {l.session}, "limit": {"40"}})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, d := range docs {
			if seen[d.EventID] {
				t.Errorf("walk %d shows event %s twice", walk, d.EventID)
			}
			seen[d.EventID] = true
		}
	}
	l.end()
	l.check(t)
}

// liveEvent is an event of the type that testLiveDeclarations declares.
func liveEvent(data string) string {
	return native(newID(), "category", `"live type"`, "name", `"a/b"`, "data", data)
}

const liveSchema = "schemas/live=20type/a=2Fb.json"

// testLiveDeclarations edits the folder of declarations while everything runs.
func testLiveDeclarations(t *testing.T, w *fixture) {
	c := w.caller(t)
	if d := c.settled(c.accept(liveEvent(`{"a":1}`))[0]); len(d.codes()) != 1 || d.codes()[0] != "unknown_type" {
		t.Fatalf("before it is declared: %+v", d)
	}
	w.declare(t, liveSchema, `{"type": "object", "required": ["a"]}`)
	c.becomes(liveEvent, `{"a":1}`, "stored")
	c.becomes(liveEvent, `{"b":1}`, "rejected")
	w.declare(t, liveSchema, `{"type": "object", "required": ["b"]}`)
	c.becomes(liveEvent, `{"b":1}`, "stored")
	c.becomes(liveEvent, `{"a":1}`, "rejected")

	// A faulty file changes nothing, and the log names it.
	w.declare(t, liveSchema, `{"type": "nonsense"`)
	w.logs(t, liveSchema)
	c.becomes(liveEvent, `{"b":1}`, "stored")
	w.declare(t, liveSchema, `{"type": "object"}`)
	c.becomes(liveEvent, `{"a":1}`, "stored")

	c.answers(siteBrowserKey, http.StatusAccepted)
	revoke(t, w, siteBrowserKey)
	c.answers(siteBrowserKey, http.StatusUnauthorized)
	c.answers(siteServerKey, http.StatusAccepted)
	w.declare(t, "applications/site.json", declarations["applications/site.json"])
	c.answers(siteBrowserKey, http.StatusAccepted)
}

// revoke takes a key out of application site.
func revoke(t *testing.T, w *fixture, secret string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.config, "applications", "site.json"))
	if err != nil {
		t.Fatal(err)
	}
	w.declare(t, "applications/site.json", strings.ReplaceAll(string(text), digest(secret), digest("nobody's "+secret)))
}

// becomes sends events until one ends as wanted, by validate and for good.
func (c *caller) becomes(event func(data string) string, data, want string) {
	c.t.Helper()
	eventually(c.t, func() error {
		r, err := c.try("/v1/validate", []byte(event(data)))
		if err != nil || len(r.results()) != 1 || r.results()[0].Status != want {
			return fmt.Errorf("validate answers %s, %w", r, err)
		}
		r, err = c.try("/v1/events", []byte(event(data)))
		if err != nil || r.status != http.StatusAccepted {
			return fmt.Errorf("the door answers %s, %w", r, err)
		}
		if d := c.settled(r.results()[0].EventID); d.Status != want {
			return fmt.Errorf("%s is %s: %v", data, d.Status, d.codes())
		}
		return nil
	})
}

// answers sends events until the door answers as wanted.
func (c *caller) answers(key string, want int) {
	c.t.Helper()
	eventually(c.t, func() error {
		r, err := c.try("/v1/events", []byte(native(newID())), bearer(key))
		if err == nil && r.status != want {
			err = fmt.Errorf("the door answers %s, want %d", r, want)
		}
		return err
	})
}

var errNotLogged = errors.New("nobody logged it")

// logs waits until a process has logged a text.
func (w *fixture) logs(t *testing.T, text string) {
	t.Helper()
	eventually(t, func() error {
		for _, proc := range w.Processes {
			if strings.Contains(proc.Output(), text) {
				return nil
			}
		}
		return fmt.Errorf("%w: %s", errNotLogged, text)
	})
}
