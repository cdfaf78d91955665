package standalone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/store"
)

// followEvery is how often the folder of declarations is looked at.
const followEvery = time.Second

// Run serves until ctx ends, drains, and frees everything that New took.
func (a *App) Run(ctx context.Context) error {
	group := daemon.Group{Logger: a.log}
	group.Add("admin listener", a.admin.Run)
	group.Add("NATS server", a.nats.Run)
	group.Add("connections", a.holdConnections)
	group.Add("store", a.holdStore)
	group.Add("registry", a.registry.Run)
	for _, h := range a.hearts {
		group.Add("heartbeat", h.Run)
	}
	group.Add("query API", a.queryapi.Run)
	group.Add("processor", a.processor.Run)
	if a.cfg.ConfigDir != "" {
		group.Add("declarations", func(ctx context.Context) error {
			return declare.Follow(ctx, a.cfg.ConfigDir, followEvery, a.js, a.part("declarations"))
		})
	}
	group.Add("start", a.start)
	group.Add("collector", a.collector.Run)
	group.Add("public listener", func(ctx context.Context) error {
		return httpserver.Serve(ctx, a.listener, httpserver.NewHTTPServer(a.wrap(a.mux), a.log))
	})
	err := group.Run(ctx)
	if errors.Is(err, store.ErrConfiguration) || errors.Is(err, processor.ErrRevision) {
		err = fmt.Errorf("%w: %w", daemon.ErrUsage, err) // a person has to decide
	}
	return err
}

// wrap puts what a fault test wants between the listener and the services.
func (a *App) wrap(h http.Handler) http.Handler {
	if a.cfg.WrapHandler == nil {
		return h
	}
	return a.cfg.WrapHandler(h)
}

// holdConnections closes the connections when nothing uses them any more.
func (a *App) holdConnections(ctx context.Context) error {
	<-ctx.Done()
	for _, nc := range a.conns {
		nc.Close()
	}
	return nil
}

// holdStore closes the store when nothing uses it any more.
func (a *App) holdStore(ctx context.Context) error {
	<-ctx.Done()
	return a.closeStore(ctx)
}

// Ready is what every service needs and has, each thing once: missing where
// one of them misses it.
func (a *App) Ready() []daemon.Check {
	mux := daemon.Check{Name: "door"}
	if !a.mux.open.Load() {
		mux.Err = errors.New("not open yet")
	}
	return merge([]daemon.Check{mux}, a.processor.Ready(), a.collector.Ready(), a.queryapi.Ready())
}

// merge joins lists; of two checks of one name a failed one stays.
func merge(lists ...[]daemon.Check) []daemon.Check {
	var all []daemon.Check
	at := map[string]int{}
	for _, list := range lists {
		for _, c := range list {
			i, known := at[c.Name]
			if !known {
				at[c.Name] = len(all)
				all = append(all, c)
			} else if all[i].Err == nil {
				all[i].Err = c.Err
			}
		}
	}
	return all
}

// lacking is an error that names what is missing, nil when nothing is.
func lacking(checks []daemon.Check) error {
	var all error
	for _, c := range checks {
		if c.Err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", c.Name, c.Err))
		}
	}
	return all
}
