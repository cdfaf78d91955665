package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/theeye/theeye/test/harness"
)

func TestMain(m *testing.M) {
	code := m.Run()
	harness.Clean()
	os.Exit(code)
}

// patience bounds every wait. It is for slow machines: nothing is measured.
const patience = 90 * time.Second

// Keys of the declarations beside the one of application demo.
const (
	siteServerKey  = "site-server-key"
	siteBrowserKey = "site-browser-key"
	siteOffKey     = "site-off-key"
	otherKey       = "other-server-key"
	siteOrigin     = "https://www.example.com"
)

// declarations are applied in both shapes, beside the sample types.
var declarations = map[string]string{
	"policy.json": `{"future_skew": "5m", "oldest_age": "175200h"}`,
	"applications/site.json": fmt.Sprintf(`{"keys": [
		{"sha256": %q, "kind": "server"},
		{"sha256": %q, "kind": "browser", "origins": [%q]},
		{"sha256": %q, "kind": "server", "disabled": true}]}`,
		digest(siteServerKey), digest(siteBrowserKey), siteOrigin, digest(siteOffKey)),
	"applications/other.json":   fmt.Sprintf(`{"keys": [{"sha256": %q, "kind": "server"}]}`, digest(otherKey)),
	"schemas/hostile/any.json":  `{"type": "object"}`,
	"schemas/hostile/list.json": `{"type": "object", "properties": {"list": {"type": "array", "items": {"type": "string"}}}}`,
	"schemas/c/n.json":          `{"type": "object"}`,
}

// fixture is a running pipeline.
type fixture struct {
	*harness.Pipeline
	// config is the folder of declarations that it follows.
	config string
}

// shape is a way to run The Eye.
type shape struct {
	name string
	// build makes the pipeline over a folder, without starting anything.
	build func(harness.Binaries, string) (*harness.Pipeline, error)
}

var shapes = []shape{
	{"single", single},
	{"split", harness.Split},
}

// single is `theeye up --dev` that follows a folder of declarations, as the
// query API of the split shape does.
func single(b harness.Binaries, dir string) (*harness.Pipeline, error) {
	config := filepath.Join(dir, "config")
	if err := os.MkdirAll(config, 0o750); err != nil {
		return nil, err
	}
	p, err := harness.Single(b, dir)
	if err == nil {
		p.Processes[0].Args = append(p.Processes[0].Args, "--config", config)
	}
	return p, err
}

// prepare makes a fixture of a shape over a new folder. Its processes are killed,
// and its database is dropped, at the test's end.
func (s shape) prepare(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	p, err := s.build(binaries(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop()
		// A request that a service's NATS user may not make shows up nowhere else.
		for _, line := range p.Alarms() {
			t.Error(line)
		}
		if err := p.DropDatabase(context.Background()); err != nil {
			t.Errorf("drop the database: %v", err)
		}
		if t.Failed() {
			for _, proc := range p.Processes {
				t.Logf("%s printed:\n%s", proc.Name, proc.Output())
			}
		}
	})
	w := &fixture{p, filepath.Join(dir, "config")}
	for name, text := range declarations {
		w.declare(t, name, text)
	}
	return w
}

// start builds a fixture and starts it.
func (s shape) start(t *testing.T) *fixture {
	t.Helper()
	w := s.prepare(t)
	if err := w.Start(waiting(t)); err != nil {
		t.Fatal(err)
	}
	w.declared(t)
	return w
}

// declared waits until the declarations of a new pipeline are in force: the
// services are ready before they are, with an empty registry.
func (w *fixture) declared(t *testing.T) {
	t.Helper()
	c := w.caller(t)
	c.becomes(func(data string) string { return native(newID(), "data", data) }, `{}`, "stored")
	for _, key := range []string{siteBrowserKey, otherKey} {
		c.answers(key, http.StatusAccepted)
	}
	// One processor has them: so must all, or the others reject a little longer.
	eventually(t, func() error {
		var status struct {
			Registry struct{ Revision float64 }
		}
		r, err := c.ask("/v1/status", nil)
		if err := errors.Join(err, json.Unmarshal(r.body, &status)); err != nil {
			return err
		}
		for _, admin := range w.ProcessorAdmins {
			known, err := harness.Metric(waiting(t), admin, "eye_processor_registry_revision")
			if err == nil && known < status.Registry.Revision {
				err = fmt.Errorf("a processor knows revision %v of %v", known, status.Registry.Revision)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// declare writes a file of the folder of declarations.
func (w *fixture) declare(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(w.config, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func binaries(t *testing.T) harness.Binaries {
	t.Helper()
	b, err := harness.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// waiting is the context of a wait.
func waiting(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until f returns nil.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := harness.Poll(ctx, f); err != nil {
		t.Fatal(err)
	}
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
