package chaos

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/theeye/theeye/test/harness"
)

// Fleet is a running pipeline of one or more processes.
type Fleet struct {
	*harness.Pipeline
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

// InjectFaults kills one random process after the other with SIGKILL and starts it
// again at once. It returns how often each was killed. A process that ended by
// itself is an error: only kills end a process of The Eye.
func (f *Fleet) InjectFaults(ctx context.Context, r *rand.Rand, k Kills) (map[string]int, error) {
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
	return count, f.AwaitReady(ctx)
}
