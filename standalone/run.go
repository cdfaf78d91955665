package standalone

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/store"
)

// Run serves until ctx ends, drains, and frees everything that New acquired.
func (a *App) Run(ctx context.Context) error {
	group := daemon.Group{Logger: a.log}
	group.Add("admin listener", a.admin.Run)
	group.Add("NATS server", a.nats.Run)
	group.Add("connections", a.holdConnections)
	group.Add("store", a.holdStore)
	a.backbone.AddSteps(&group)
	group.Add("query API", a.queryapi.Run)
	group.Add("processor", a.processor.Run)
	if a.cfg.ConfigDir != "" {
		group.Add("declarations", func(ctx context.Context) error {
			return declare.Follow(ctx, a.cfg.ConfigDir, wiring.FollowInterval, a.js, a.part("declarations"))
		})
	}
	group.Add("start", a.start)
	group.Add("collector", a.collector.Run)
	group.Add("public listener", func(ctx context.Context) error {
		return httpserver.Serve(ctx, a.listener, httpserver.NewHTTPServer(a.wrapHandler(a.mux), a.log))
	})
	err := group.Run(ctx)
	if errors.Is(err, store.ErrConfiguration) || errors.Is(err, processor.ErrRevision) {
		err = fmt.Errorf("%w: %w", daemon.ErrUsage, err) // an operator must decide
	}
	return err
}

// wrapHandler applies Config.WrapHandler.
func (a *App) wrapHandler(h http.Handler) http.Handler {
	if a.cfg.WrapHandler == nil {
		return h
	}
	return a.cfg.WrapHandler(h)
}

// holdConnections closes the connections at the end of ctx, when all that use
// them have stopped.
func (a *App) holdConnections(ctx context.Context) error {
	<-ctx.Done()
	for _, nc := range a.conns {
		nc.Close()
	}
	return nil
}

// holdStore closes the store at the end of ctx, when all that use it have
// stopped.
func (a *App) holdStore(ctx context.Context) error {
	<-ctx.Done()
	return wiring.CloseStore(ctx, a.store)
}

// Ready returns the conditions of readiness of all services, each name once: it
// fails where it fails for one of them.
func (a *App) Ready() []daemon.Check {
	start := daemon.Check{Name: "door"}
	if !a.mux.open.Load() {
		start.Err = errors.New("the declarations are not in force yet")
	}
	return mergeChecks([]daemon.Check{start}, a.processor.Ready(), a.collector.Ready(), a.queryapi.Ready())
}

// mergeChecks joins lists; of two checks of one name a failed one stays.
func mergeChecks(lists ...[]daemon.Check) []daemon.Check {
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

// checkError returns an error with the conditions that do not hold, or nil.
func checkError(checks []daemon.Check) error {
	var all error
	for _, c := range checks {
		if c.Err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", c.Name, c.Err))
		}
	}
	return all
}
