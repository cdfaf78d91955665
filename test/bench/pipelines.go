package bench

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/theeye/theeye/test/harness"
)

// shape is one way to run the pipeline and the bare reference of its store.
type shape struct {
	name string
	// make lays out the processes in an empty folder.
	make func(b harness.Binaries, dir string) (*harness.Pipeline, error)
	// bare is the bare insert rate of the same store.
	bare func(ctx context.Context, dir string, d time.Duration) (float64, error)
	// store opens the store of a pipeline that was stopped.
	store func(ctx context.Context, p *harness.Pipeline, dir string) (replacer, error)
	// replayBar is the least rate of a replay of events that stay as they are, in rates
	// of bare guarded replacements.
	replayBar float64
}

var shapes = []shape{
	{"up-sqlite", harness.Single, bareSQLite, openSQLite, 1},
	{"services-mongodb", harness.Split, func(ctx context.Context, _ string, d time.Duration) (float64, error) {
		return bareMongo(ctx, d)
	}, openMongo, 0.8},
}

// setting reads a number from the environment.
func setting(name string, byDefault int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return byDefault
}

func seconds(name string, byDefault int) time.Duration {
	return time.Duration(setting(name, byDefault)) * time.Second
}
