package standalone_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/standalone"
	"github.com/theeye/theeye/test/harness"
)

// theeye runs a command for a process.
func (p *app) theeye(args ...string) (code int, out, errs string) {
	p.t.Helper()
	return theeye(p.t, append(args, "--url", "http://"+p.Addr().String(), "--token", registry.DevOperatorToken)...)
}

// theeye runs a command.
func theeye(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	built, err := harness.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	c := exec.CommandContext(t.Context(), built.TheEye, args...)
	c.Stdout, c.Stderr = &o, &e
	var exit *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), o.String(), e.String()
}

// backUp makes a backup and returns its folder and the last sequence in it.
func (p *app) backUp() (dir string, last uint64) {
	p.t.Helper()
	dir = filepath.Join(p.t.TempDir(), "backup")
	code, out, errs := p.theeye("backup", dir)
	if code != 0 {
		p.t.Fatalf("backup: %d %s %s", code, out, errs)
	}
	if _, err := fmt.Sscanf(out[strings.LastIndex(out, " ")+1:], "%d", &last); err != nil {
		p.t.Fatalf("backup says %q: %v", out, err)
	}
	return dir, last
}

func restore(t *testing.T, dir, data string) standalone.Restored {
	t.Helper()
	r, err := standalone.Restore(t.Context(), standalone.RestoreConfig{
		Backup: dir, DataDir: data, Progress: func(int64) {}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// load sends batches of events with growing ids until stop is called, which returns
// how many were accepted.
func (p *app) load() (stop func() int) {
	var accepted atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	var senders sync.WaitGroup
	for sender := range 2 {
		senders.Go(func() {
			for batch := 0; ctx.Err() == nil; batch++ {
				lines := make([]string, 100)
				for i := range lines {
					e := strings.ReplaceAll(event(fmt.Sprintf("s%d-%d-%d", sender, batch, i)), "\n", " ")
					lines[i] = strings.Replace(e, `"path": "/"`, `"path": "`+strings.Repeat("x", 2000)+`"`, 1)
				}
				if code, _ := p.call(http.MethodPost, "/v1/events", registry.DevWriteKey, strings.Join(lines, "\n")); code == http.StatusAccepted {
					accepted.Add(int64(len(lines)))
				}
			}
		})
	}
	return func() int {
		cancel()
		senders.Wait()
		return int(accepted.Load())
	}
}

// audit accounts for every sequence of the stream.
func (p *app) audit() map[string]any {
	p.t.Helper()
	code, out, errs := p.theeye("audit", "--json")
	var job struct{ Report map[string]any }
	if err := json.Unmarshal([]byte(out), &job); err != nil || code != 0 {
		p.t.Fatalf("audit: %d %v %s %s", code, err, out, errs)
	}
	return job.Report
}

// A backup that is made while events arrive, schemas change and a replay runs, is
// whole: the restored installation misses no event up to the moment of the backup,
// knows the keys, tokens and revisions, and goes on from there.
func TestBackupWhileEventsArrive(t *testing.T) {
	cfg := config(t, t.TempDir())
	cfg.Stream.MaxBytes = 8 << 20 // it purges while it is copied
	p := start(t, cfg)
	if code, out, errs := p.theeye("app", "create", "shop"); code != 0 {
		t.Fatal(code, out, errs)
	}
	stop := p.load()
	p.awaitStored(6000)
	if code, put := p.call(http.MethodPut, "/v1/schemas/c/n", registry.DevOperatorToken, `{}`); code != http.StatusCreated {
		t.Fatal(code, put)
	}
	if code, out, errs := p.theeye("replay", "--no-wait"); code != 0 {
		t.Fatal(code, out, errs)
	}
	dir, last := p.backUp()
	accepted := stop()
	if accepted < int(last) || last < 6000 {
		t.Errorf("the backup has sequence %d, %d events were accepted", last, accepted)
	}
	checkModes(t, dir)
	p.stop()

	cfg.DataDir, cfg.Metrics = filepath.Join(t.TempDir(), "data"), prometheus.NewRegistry()
	r := restore(t, dir, cfg.DataDir)
	if r.LastSeq != last {
		t.Errorf("restored up to %d, and not %d", r.LastSeq, last)
	}
	p = start(t, cfg)
	p.awaitSettled(last)
	report := p.audit()
	if first, _ := report["from_seq"].(float64); first <= 1 {
		t.Errorf("nothing was purged: %v", report)
	}
	if report["missing"] != 0.0 || report["to_seq"] != float64(last) || report["pending"] != 0.0 {
		t.Errorf("the audit finds %v", report)
	}
	if code, list := p.call(http.MethodGet, "/v1/applications", registry.DevOperatorToken, ""); code != http.StatusOK || !strings.Contains(fmt.Sprint(list), "name:shop") {
		t.Errorf("%d %v", code, list)
	}
	p.awaitJobs() // the replay of the backup is resumed
	// It goes on: with events, with changes that are recorded once, and with replays that
	// reach the restored documents.
	p.send("after-the-backup")
	p.awaitStatus("after-the-backup", "stored")
	_, before := p.call(http.MethodGet, "/v1/changes?limit=1000", registry.DevOperatorToken, "")
	if code, put := p.call(http.MethodPut, "/v1/schemas/page%20interaction/pageview", registry.DevOperatorToken, `{"type":"object","required":["never"]}`,
		"If-Match", p.etag("/v1/schemas/page%20interaction/pageview")); code != http.StatusOK {
		t.Fatal(code, put)
	}
	p.awaitChanges(len(before["changes"].([]any)) + 1)
	code, out, errs := p.theeye("replay", "--json")
	var job struct {
		Report struct{ NewlyRejected, Unchanged, Total uint64 }
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(out, "newly_rejected", "NewlyRejected")), &job); err != nil || code != 0 {
		t.Fatalf("replay: %d %v %s %s", code, err, out, errs)
	}
	if job.Report.NewlyRejected == 0 || job.Report.Unchanged != 0 {
		t.Errorf("a replay of the restored events: %s", out)
	}
	if report := p.audit(); report["missing"] != 0.0 {
		t.Errorf("afterwards the audit finds %v", report)
	}
}

// checkModes checks that only the owner can read a backup.
func checkModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitStored waits until the store has so many events.
func (p *app) awaitStored(n float64) {
	p.t.Helper()
	p.pollStatus(func(status map[string]any) bool {
		s, _ := status["stream"].(map[string]any)
		lag, _ := status["lag"].(map[string]any)
		last, _ := s["last_seq"].(float64)
		waiting, _ := lag["events"].(float64)
		return last-waiting >= n
	})
}

// awaitSettled waits until everything in the stream has an outcome.
func (p *app) awaitSettled(last uint64) {
	p.t.Helper()
	p.pollStatus(func(status map[string]any) bool {
		s, _ := status["stream"].(map[string]any)
		lag, _ := status["lag"].(map[string]any)
		return s["last_seq"] == float64(last) && lag["events"] == 0.0
	})
}

func (p *app) pollStatus(done func(map[string]any) bool) {
	p.t.Helper()
	if err := harness.Poll(p.t.Context(), func() error {
		if code, status := p.call(http.MethodGet, "/v1/status", registry.DevOperatorToken, ""); code != http.StatusOK || !done(status) {
			return fmt.Errorf("%d %v", code, status)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// awaitChanges waits until so many changes are recorded, and no more.
func (p *app) awaitChanges(n int) {
	p.t.Helper()
	if err := harness.Poll(p.t.Context(), func() error {
		_, now := p.call(http.MethodGet, "/v1/changes?limit=1000", registry.DevOperatorToken, "")
		if list, _ := now["changes"].([]any); len(list) != n {
			return fmt.Errorf("%d changes are recorded, want %d", len(list), n)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// awaitJobs waits until no replay is queued or running.
func (p *app) awaitJobs() {
	p.t.Helper()
	if err := harness.Poll(p.t.Context(), func() error {
		code, list := p.call(http.MethodGet, "/v1/replays", registry.DevOperatorToken, "")
		if text := fmt.Sprint(list); code != http.StatusOK || !strings.Contains(text, "state:done") || strings.Contains(text, "state:running") {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// etag returns the revision of a resource, for a change of it.
func (p *app) etag(path string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.Addr().String()+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+registry.DevOperatorToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("Etag")
}

// What cannot be restored is refused, and leaves no folder behind.
func TestRestoreRefusesWhatIsNotWhole(t *testing.T) {
	p := start(t, config(t, t.TempDir()))
	p.send("a")
	p.awaitStatus("a", "stored")
	whole, _ := p.backUp()
	if code, _, errs := p.theeye("backup", whole); code != 2 || !strings.Contains(errs, "not empty") {
		t.Errorf("a backup onto a backup: %d %s", code, errs)
	}
	p.stop()
	copyOf := func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	edit := func(name string, change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			raw, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(raw), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	for name, c := range map[string]struct {
		damage func(*testing.T, string)
		want   string
	}{
		"no manifest":             {remove("manifest.json"), "not complete"},
		"a manifest that is none": {edit("manifest.json", func([]byte) []byte { return []byte("{") }), "damaged"},
		"a part less in the manifest": {edit("manifest.json", func(b []byte) []byte {
			var m map[string]any
			_ = json.Unmarshal(b, &m)
			files, _ := m["files"].([]any)
			m["files"] = files[1:]
			b, _ = json.Marshal(m)
			return b
		}), "damaged"},
		"a later format": {edit("manifest.json", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 2`), 1)
		}), "format 2"},
		"a bit of the store":  {edit("events.db", flip), "events.db has another SHA-256"},
		"a bit of the events": {edit("streams/EVENTS/stream.arc.s2", flip), "another SHA-256"},
		"a shorter file":      {edit("streams/KV_TOKENS/stream.arc.s2", func(b []byte) []byte { return b[:len(b)-1] }), "bytes and not"},
		"a missing file":      {remove("streams/CHANGES/stream.arc.s2"), "damaged"},
		"a folder that is no backup": {func(t *testing.T, dir string) {
			if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "not a backup"},
		"no folder": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}, "not a backup"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, data := copyOf(t), filepath.Join(t.TempDir(), "data")
			c.damage(t, dir)
			expectRefusal(t, dir, data, c.want)
			if entries, err := os.ReadDir(filepath.Dir(data)); err != nil || len(entries) > 0 {
				t.Errorf("it left %v, %v", entries, err)
			}
		})
	}
	t.Run("a data folder in use", func(t *testing.T) {
		data := t.TempDir()
		if err := os.WriteFile(filepath.Join(data, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		expectRefusal(t, whole, data, "not empty")
	})
	data := t.TempDir() // empty, and so a place for it
	restore(t, whole, data)
	cfg := config(t, data)
	p = start(t, cfg)
	p.awaitStatus("a", "stored")
}

func expectRefusal(t *testing.T, dir, data, want string) {
	t.Helper()
	if code, out, errs := theeye(t, "restore", dir, "--data", data); code != 2 || !strings.Contains(errs, want) {
		t.Errorf("%d %s %s, want exit code 2 and %q", code, out, errs, want)
	}
}
