package registry

import (
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/registry/registrytest"
)

// reconnected waits until the connection is one to the server that runs now: a
// request that was written to the one before is lost.
func reconnected(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	ctx := registrytest.Context(t)
	for js.Conn().FlushTimeout(time.Second) != nil {
		if ctx.Err() != nil {
			t.Fatal("the connection does not come back")
		}
		runtime.Gosched()
	}
}

// run runs a registry until the test ends.
func run(t *testing.T, cfg Config) *Registry {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := New(cfg)
	registrytest.Background(t, r.Run)
	return r
}
