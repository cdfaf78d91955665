package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/theeye/theeye/standalone/rig"
)

// Fleet is a running pipeline of one or more processes.
type Fleet struct {
	// Collector and Query are the base addresses of the two HTTP services.
	Collector, Query string
	// WriteKey and Token open them; the token may read everything.
	WriteKey, Token string
	// Processes are started in this order and stopped in the reverse one.
	Processes []*rig.Process
	// Settled returns nil once the processor has nothing left to do.
	Settled func(context.Context) error
}

// Start starts every process and waits until each can work.
func (f *Fleet) Start(ctx context.Context) error {
	for _, p := range f.Processes {
		if err := p.Launch(); err != nil {
			return err
		}
	}
	return f.ready(ctx)
}

// Stop kills what still runs.
func (f *Fleet) Stop() {
	for i := len(f.Processes) - 1; i >= 0; i-- {
		f.Processes[i].Stop()
	}
}

// ready waits for every process.
func (f *Fleet) ready(ctx context.Context) error {
	for _, p := range f.Processes {
		if err := p.AwaitReady(ctx); err != nil {
			return fmt.Errorf("%s is not ready: %w\n%s", p.Name, err, p.Output())
		}
	}
	return nil
}

// Kills says how a fleet is tormented.
type Kills struct {
	// N is how many processes are killed in all.
	N int
	// Min and Max bound the random time between a kill and the one before it.
	// Processes are not waited for: a kill may well meet one that is still
	// starting.
	Min, Max time.Duration
}

// Torment kills one random process after the other with SIGKILL and starts it
// again at once. It returns how often each was killed. A process that ended by
// itself is an error: only kills end a process of The Eye.
func (f *Fleet) Torment(ctx context.Context, r *rand.Rand, k Kills) (map[string]int, error) {
	count := map[string]int{}
	for range k.N {
		pause(ctx, k.Min+time.Duration(r.Int64N(int64(k.Max-k.Min)+1)))
		if ctx.Err() != nil {
			return count, ctx.Err()
		}
		p := f.Processes[r.IntN(len(f.Processes))]
		if err := p.Kill(); err != nil {
			return count, err
		}
		count[p.Name]++
		if err := p.Launch(); err != nil {
			return count, err
		}
	}
	return count, f.ready(ctx)
}
