package standalone_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/theeye/theeye/shared/daemon/daemontest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store/mongo/mongotest"
	"github.com/theeye/theeye/test/harness"
)

func TestEventToQueryAndRestart(t *testing.T) {
	dir := t.TempDir()
	p := start(t, config(t, dir))
	p.send("first")
	p.awaitStatus("first", "stored")
	p.stop()
	p = start(t, config(t, dir))
	p.awaitStatus("first", "stored")
	if err := harness.Get(t.Context(), "http://"+p.AdminAddr().String()+"/readyz"); err != nil {
		t.Error(err)
	}
}

// The same with the events in MongoDB.
func TestMongo(t *testing.T) {
	database := mongotest.Config(t)
	cfg := config(t, t.TempDir())
	cfg.MongoURI, cfg.MongoDatabase, cfg.MongoTimeWindows = database.URI, database.Database, database.TimeWindows
	p := start(t, cfg)
	p.send("in-mongo")
	p.awaitStatus("in-mongo", "stored")
	p.stop()
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "events.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is an embedded store as well: %v", err)
	}
}

// Sites are served while the database is unavailable; the outcome comes later.
func TestMongoAwayAtStart(t *testing.T) {
	cfg := config(t, t.TempDir())
	cfg.MongoURI = "mongodb://" + daemontest.FreeAddr() + "/"
	p := run(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		if code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, event("early")); code != http.StatusAccepted {
			return fmt.Errorf("%d %v", code, answer)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := harness.Get(t.Context(), "http://"+p.AdminAddr().String()+"/readyz"); err == nil || !strings.Contains(err.Error(), `"store","ok":false`) {
		t.Errorf("readyz: %v", err)
	}
}

// Events accepted before the shutdown are stored after a restart, also those that
// arrived during the drain.
func TestDrainUnderLoad(t *testing.T) {
	dir := t.TempDir()
	p := start(t, config(t, dir))
	var mu sync.Mutex
	var accepted []string
	var senders sync.WaitGroup
	enough := make(chan struct{})
	for s := range 4 {
		senders.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", s, i)
				code, _ := p.call("POST", "/v1/events", registry.DevWriteKey, event(id))
				if code == 0 {
					return // the listener is closed
				}
				mu.Lock()
				if code == http.StatusAccepted {
					if accepted = append(accepted, id); len(accepted) == 200 {
						close(enough)
					}
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	p.stop()
	senders.Wait()
	p = start(t, config(t, dir))
	for _, id := range accepted {
		p.awaitStatus(id, "stored")
	}
}

// Below the floor nothing is taken, and everything else works.
func TestNoSpace(t *testing.T) {
	cfg := config(t, t.TempDir())
	cfg.MinFree = 1 << 60
	p := run(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := harness.Poll(ctx, func() error {
		if code, answer := p.call("GET", "/v1/events", registry.DevAnalystToken, ""); code != http.StatusOK {
			return fmt.Errorf("%d %v", code, answer)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if code, answer := p.call("POST", "/v1/events", registry.DevWriteKey, event("x")); code != http.StatusServiceUnavailable || answer["code"] != "no_space" {
		t.Errorf("sending onto a full disk answers %d %v", code, answer)
	}
}
