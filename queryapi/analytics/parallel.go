package analytics

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// inParallel calls do with each index below n, by so many workers at once at most;
// worker is below their number, and one worker makes one call at a time. It stops at
// the first error, which it returns, and at the end of ctx.
func inParallel(ctx context.Context, workers, n int, do func(worker, i int) error) error {
	var next atomic.Int64
	var failed atomic.Bool
	var first error
	var once sync.Once
	run := func(worker int) {
		for !failed.Load() {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			err := ctx.Err()
			if err == nil {
				err = do(worker, i)
			}
			if err != nil {
				once.Do(func() { first = err })
				failed.Store(true)
			}
		}
	}
	var group sync.WaitGroup
	for worker := 1; worker < min(workers, n); worker++ {
		group.Go(func() { run(worker) })
	}
	run(0)
	group.Wait()
	return first
}

// workersFor returns how many workers share n pieces of work.
func workersFor(n int) int { return max(min(runtime.GOMAXPROCS(0), n), 1) }
