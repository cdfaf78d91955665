package refresh

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// lockEvery is the pause between two attempts to lock the folder.
const lockEvery = time.Second

// readyEvery is the pause between two attempts while the store is not ready.
const readyEvery = 200 * time.Millisecond

// maxPause bounds the pause after work of the builder.
const maxPause = time.Minute

// Run keeps the columns equal to the store until ctx ends, and returns nil. While
// another process uses the folder, it waits.
func (r *Refresher) Run(ctx context.Context) error {
	lock := r.awaitLock(ctx)
	if lock == nil {
		return nil
	}
	defer func() { _ = lock.Close() }()
	var group sync.WaitGroup
	group.Go(func() { r.runPasses(ctx) })
	group.Go(func() { r.runBuilder(ctx) })
	for _, kick := range r.kickBuilders[1:] {
		group.Go(func() { r.helpBuilder(ctx, kick) })
	}
	group.Wait()
	r.emptyTrash(true)
	return nil
}

// runPasses runs a pass every second, or at a tenth of a core, or when a question waits.
func (r *Refresher) runPasses(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.kick:
		}
		began := time.Now()
		err := r.runPass(ctx)
		cost := time.Since(began)
		r.notePass(ctx, err, cost)
		if errors.Is(err, errNotReady) {
			timer.Reset(readyEvery)
			continue
		}
		timer.Reset(min(max(passEvery, costFactor*cost), maxPause) - cost)
	}
}

// notePass records the end of a pass.
func (r *Refresher) notePass(ctx context.Context, err error, cost time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	switch told := r.passFailed != nil && !errors.Is(r.passFailed, errNotReady); {
	case err == nil:
		r.stats.passesOK++
		if told {
			r.log.Info("the columns are refreshed again")
		}
	case errors.Is(err, errNotReady):
		r.stats.passesFailed++
	default:
		r.stats.passesFailed++
		if !told {
			r.log.Warn("the columns cannot be refreshed; trying again", slog.Any("error", err))
		}
	}
	r.passFailed, r.stats.lastPass = err, cost
	r.wakeQuestions()
}

// helpBuilder does urgent work beside runBuilder while there is some.
func (r *Refresher) helpBuilder(ctx context.Context, kick <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-kick:
		}
		for ctx.Err() == nil {
			if worked, _, err := r.runWork(ctx, true); !worked || err != nil {
				break // runBuilder logs it, and tries again
			}
		}
	}
}

// runBuilder does the work that is too much for a pass: urgent work at full speed,
// other work in a tenth of a core.
func (r *Refresher) runBuilder(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	progress := r.newProgress()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.kickBuilders[0]:
			if !r.hasWork(true) {
				continue // the pause goes on
			}
		}
		began := time.Now()
		worked, urgent, err := r.runWork(ctx, false)
		pause := passEvery
		if worked && err == nil {
			if pause = 0; !urgent {
				pause = min((costFactor-1)*time.Since(began), maxPause)
			}
		}
		if err != nil && ctx.Err() == nil && errors.Is(err, store.ErrUnavailable) {
			r.logLimit.Do(func() { r.log.Warn("the store is unavailable; the columns wait", slog.Any("error", err)) })
		}
		progress.log(ctx)
		timer.Reset(pause)
	}
}
