package standalone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/theeye/theeye/processor"
	"github.com/theeye/theeye/shared/daemon"
	"github.com/theeye/theeye/shared/daemon/wiring"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/httpserver"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// firstTokenID is the id of the operator token that is created where the
	// registry has none.
	firstTokenID = "first-operator"
	// author is the author of this process's changes in the history of the
	// registry.
	author = "theeye up"
	// pollInterval is the time between two checks of a condition.
	pollInterval = 20 * time.Millisecond
	// warnAfter is how long the start waits for a condition until it logs this.
	warnAfter = 3 * time.Second
)

// Run serves until ctx ends, drains, and releases everything that New acquired.
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
			return declare.Follow(ctx, a.cfg.ConfigDir, wiring.FollowInterval, a.js, a.partLogger("declarations"))
		})
	}
	group.Add("start", a.start)
	group.Add("collector", a.collector.Run)
	group.Add("public listener", func(ctx context.Context) error {
		return httpserver.Serve(ctx, a.listener, httpserver.NewHTTPServer(a.wrapHandler(a.mux), a.cfg.BodyPace, a.log))
	})
	err := group.Run(ctx)
	if processor.IsMisconfigured(err) {
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
	start := daemon.Check{Name: "door"} // the name is part of the answer of /readyz
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

// start applies the declarations, ensures an operator token, opens the mux, and
// closes started when every service is ready. It returns when ctx ends.
func (a *App) start(ctx context.Context) error {
	err := a.setUp(ctx)
	if err == nil {
		a.mux.open.Store(true)
		// The processor is the last service to become ready. The mux does not
		// wait for it: events are accepted while the store is unavailable.
		err = a.waitFor(ctx, "the processor", func() error { return checkError(a.processor.Ready()) })
	}
	if err == nil {
		err = a.waitFor(ctx, "the heartbeats", func() error { return a.checkHeartbeats(ctx) })
	}
	if err != nil {
		return err // of ctx, if it ended
	}
	close(a.started)
	<-ctx.Done()
	return nil
}

// checkHeartbeats returns nil once the status shows the services at work.
func (a *App) checkHeartbeats(ctx context.Context) error {
	beats, err := heartbeat.List(ctx, a.js)
	if err == nil && (len(beats) == 0 || slices.ContainsFunc(beats, func(b heartbeat.Beat) bool { return b.Waiting != "" })) {
		err = errors.New("a service has not reported that it works")
	}
	return err
}

// setUp does everything that must precede the first event.
func (a *App) setUp(ctx context.Context) error {
	// The processor creates stream and buckets.
	if err := stream.Wait(ctx, a.js); err != nil {
		return err
	}
	if err := a.waitFor(ctx, "the declarations", func() error { return a.applyDeclarations(ctx) }); err != nil {
		return err
	}
	if err := a.awaitRevision(ctx); err != nil {
		return err
	}
	return a.ensureOperator(ctx)
}

// applyDeclarations applies the declarations before the first event is accepted.
// For files that have not changed since they were last applied, the registry
// keeps its state.
func (a *App) applyDeclarations(ctx context.Context) error {
	var folders []fs.FS
	if a.cfg.Dev {
		folders = append(folders, declare.SampleTypes())
	}
	if a.cfg.ConfigDir != "" {
		folders = append(folders, os.DirFS(a.cfg.ConfigDir))
	}
	for _, folder := range folders {
		d, err := declare.LoadDir(folder)
		if err != nil {
			// The step that follows the folder logs every fault and waits for
			// its correction. A typing error in a schema does not keep the
			// process from starting.
			continue
		}
		if _, err := d.ApplyChanged(ctx, a.js, author); err != nil {
			return fmt.Errorf("apply declarations: %w", err)
		}
	}
	return nil
}

// awaitRevision waits until the services validate with the declarations.
func (a *App) awaitRevision(ctx context.Context) error {
	want, err := stream.NewestRevision(ctx, a.js, stream.BucketSchemas)
	if err != nil {
		return err
	}
	return a.waitFor(ctx, "the registry", func() error {
		if s := a.backbone.Registry.Snapshot(); s == nil || s.Schemas.Revision() < want {
			return errors.New("the registry is not loaded")
		}
		return nil
	})
}

// ensureOperator creates an operator token if the registry has none: without one
// no operation is possible.
func (a *App) ensureOperator(ctx context.Context) error {
	if a.backbone.Registry.Snapshot().Access.Operators() > 0 {
		return nil
	}
	first := registry.Token{ID: firstTokenID, Role: registry.Operator}
	_, secret, err := editor.New(a.js).CreateToken(ctx, first, registry.ChangeInfo{Author: author})
	var conflict *editor.ConflictError
	if errors.As(err, &conflict) {
		return nil // the snapshot did not have it yet
	}
	if err != nil {
		return fmt.Errorf("create an operator token: %w", err)
	}
	a.cfg.NewOperatorToken(secret)
	return a.waitFor(ctx, "the operator token", func() error {
		if a.backbone.Registry.Snapshot().Access.Operators() == 0 {
			return errors.New("the registry does not have it yet")
		}
		return nil
	})
}

// waitFor calls f until it returns nil or ctx ends. After a long wait it logs the
// error once.
func (a *App) waitFor(ctx context.Context, what string, f func() error) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	began, logged := time.Now(), false
	for {
		err := f()
		if err == nil {
			return nil
		}
		if !logged && time.Since(began) > warnAfter {
			logged = true
			a.log.Warn("Start waits", slog.String("for", what), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		if ctx.Err() != nil { // also if both were ready
			return ctx.Err()
		}
	}
}
