package collector

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/lastuse"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/stream"
)

// marks returns the last uses of all write keys, by the names of their constants.
func (f *fixture) marks() map[string]time.Time {
	f.t.Helper()
	read, err := lastuse.Read(f.ctx(), kv.New(f.js, stream.BucketUses), lastuse.EveryKey)
	f.noError(err)
	named := map[string]time.Time{}
	for c, at := range read {
		name := c.Application + "/" + c.ID
		for constant, secret := range map[string]string{"server": serverKey, "browser": shopKey, "disabled": disabledKey, "other": otherKey} {
			if c.ID == registry.DigestOf(secret).String()[:12] {
				name = constant
			}
		}
		named[name] = at
	}
	return named
}

// newNeighbour starts another collector beside a fixture's, as another process.
func (f *fixture) newNeighbour(now func() time.Time) *Service {
	f.t.Helper()
	js := f.nats.JetStream()
	reg := registry.New(registry.Config{JetStream: js, Needs: registry.NeedSchemas | registry.NeedApplications, Logger: slog.New(slog.DiscardHandler)})
	f.runUntilEnd(reg.Run)
	<-reg.Ready()
	service, err := New(Config{
		Listen: "127.0.0.1:0", JetStream: js, Conn: js.Conn(), Registry: reg, Now: now, UseInterval: 5 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	f.noError(err)
	f.runUntilEnd(service.Run)
	f.waitUntil("the neighbour runs", func() bool {
		service.committer.queue.mu.Lock()
		defer service.committer.queue.mu.Unlock()
		return service.committer.queue.accepting
	})
	return service
}

// A request that its key admits is a use, also one whose events are refused or only
// validated. One that is turned away leaves no mark.
func TestUseOfKeyIsNoted(t *testing.T) {
	hour := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	f := newFixture(t, func(c *Config) {
		c.UseInterval = 5 * time.Millisecond
		c.Now = func() time.Time { return hour.Add(42 * time.Minute) }
	})
	for name, r := range map[string]answer{
		"no key":         f.send("/v1/events", click("a"), "X-Write-Key", "-"),
		"unknown key":    f.send("/v1/events", click("a"), "X-Write-Key", "unknown"),
		"disabled key":   f.send("/v1/events", click("a"), "X-Write-Key", disabledKey),
		"foreign origin": f.send("/v1/events", click("a"), "X-Write-Key", shopKey, "Origin", "https://evil.example.com"),
	} {
		if r.status < 400 {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	if r := f.send("/v1/events", []byte(`[1]`)); r.status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", r.status, r.text)
	}
	if r := f.send("/v1/validate", click("a"), "X-Write-Key", otherKey); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.text)
	}
	want := map[string]time.Time{"server": hour, "other": hour}
	f.waitUntil("both uses have a mark", func() bool { return len(f.marks()) == len(want) })
	if diff := cmp.Diff(want, f.marks()); diff != "" {
		t.Error(diff)
	}
}

// The marks of two collectors are those of the later uses, whichever is written last. A
// collector that stops writes the last ones.
func TestTwoCollectorsShareTheMarks(t *testing.T) {
	hour := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	f := newFixture(t, func(c *Config) {
		c.UseInterval = time.Hour
		c.Now = func() time.Time { return hour }
	})
	late := f.newNeighbour(func() time.Time { return hour.Add(3 * time.Hour) })
	first := f.base
	f.send("/v1/events", click("a"))
	f.send("/v1/events", click("b"), "X-Write-Key", otherKey)
	f.base = "http://" + late.Addr().String()
	f.send("/v1/events", click("c"))
	f.waitUntil("the neighbour has written", func() bool { return len(f.marks()) == 1 })
	f.base = first
	f.stop()
	want := map[string]time.Time{"server": hour.Add(3 * time.Hour), "other": hour}
	if diff := cmp.Diff(want, f.marks()); diff != "" {
		t.Error(diff)
	}
}
