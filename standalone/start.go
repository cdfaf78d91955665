package standalone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/declare"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/stream"
)

const (
	// firstToken is the id of the operator token that is made when there is
	// none.
	firstToken = "first-operator"
	// author is who the registry's history names for what is applied here.
	author = "theeye up"
	// pollEvery is how often something that comes by itself is looked for.
	pollEvery = 20 * time.Millisecond
	// tellAfter is how long a start may wait before it says what for.
	tellAfter = 3 * time.Second
)

// start brings the declarations into force, sees to an operator token, opens
// the mux, and tells when everything works. It returns when ctx ends.
func (a *App) start(ctx context.Context) error {
	err := a.setUp(ctx)
	if err == nil {
		a.mux.open.Store(true)
		// The processor is the last to have what it needs. The mux does not
		// wait for it: while the store is away events are taken all the same.
		err = a.poll(ctx, "the processor", func() error { return checkError(a.processor.Ready()) })
	}
	if err != nil {
		return err // that of ctx, where it ended
	}
	close(a.started)
	<-ctx.Done()
	return nil
}

// setUp does everything that has to be done before the first event.
func (a *App) setUp(ctx context.Context) error {
	// The processor makes stream and buckets.
	if err := stream.Wait(ctx, a.js); err != nil {
		return err
	}
	if err := a.poll(ctx, "the declarations", func() error { return a.declare(ctx) }); err != nil {
		return err
	}
	if err := a.awaitRevision(ctx); err != nil {
		return err
	}
	return a.ensureOperator(ctx)
}

// declare applies what is declared, before the first event is taken. Files
// that did not change since they were last applied stay as the registry has
// them.
func (a *App) declare(ctx context.Context) error {
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
			// The one who follows the folder logs every fault and waits for
			// their end. A service that was fine yesterday is not kept from
			// starting by a typing error in a schema.
			continue
		}
		if _, err := d.ApplyChanged(ctx, a.js, author); err != nil {
			return fmt.Errorf("apply declarations: %w", err)
		}
	}
	return nil
}

// awaitRevision waits until the services judge by what is declared.
func (a *App) awaitRevision(ctx context.Context) error {
	want, err := stream.NewestRevision(ctx, a.js, stream.BucketSchemas)
	if err != nil {
		return err
	}
	return a.poll(ctx, "the registry", func() error {
		if s := a.backbone.Registry.Snapshot(); s == nil || s.Schemas.Revision() < want {
			return errors.New("the registry is not loaded")
		}
		return nil
	})
}

// ensureOperator makes an operator token when nobody could do anything.
func (a *App) ensureOperator(ctx context.Context) error {
	if a.backbone.Registry.Snapshot().Access.Operators() > 0 {
		return nil
	}
	first := registry.Token{ID: firstToken, Role: registry.Operator}
	_, secret, err := editor.New(a.js).CreateToken(ctx, first, registry.ChangeInfo{Author: author})
	var conflict *editor.ConflictError
	if errors.As(err, &conflict) {
		return nil // the snapshot had not seen it yet
	}
	if err != nil {
		return fmt.Errorf("make an operator token: %w", err)
	}
	a.cfg.NewOperatorToken(secret)
	return a.poll(ctx, "the operator token", func() error {
		if a.backbone.Registry.Snapshot().Access.Operators() == 0 {
			return errors.New("the registry does not show it yet")
		}
		return nil
	})
}

// poll calls f until it returns nil or ctx ends. What keeps it waiting long is
// logged once.
func (a *App) poll(ctx context.Context, what string, f func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	began, told := time.Now(), false
	for {
		err := f()
		if err == nil {
			return nil
		}
		if !told && time.Since(began) > tellAfter {
			told = true
			a.log.Warn("Start waits", slog.String("for", what), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		if ctx.Err() != nil { // also where both were due
			return ctx.Err()
		}
	}
}
