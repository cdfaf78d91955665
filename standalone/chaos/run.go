package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/theeye/theeye/standalone/rig"
)

// Trial is one run: load, kills, then the check.
type Trial struct {
	Fleet *Fleet
	Kills Kills
	Seed  uint64
	// Clients is the number of concurrent clients of the load.
	Clients int
	// MinAccepted is how many events must at least be accepted, so that a run
	// in which nothing worked proves nothing; the load goes on until then.
	MinAccepted int
}

// Report says what a trial did and found.
type Report struct {
	Kills            map[string]int
	Accepted         int
	Requests, Failed int64
	Documents        int
	Findings         []string
}

// Run starts the fleet, runs the trial and checks it. The error is of a trial
// that could not be carried out; broken promises are findings.
func (t *Trial) Run(ctx context.Context) (Report, error) {
	defer t.Fleet.Stop()
	if err := t.Fleet.Start(ctx); err != nil {
		return Report{}, err
	}
	load := &Load{URL: t.Fleet.Collector, Key: t.Fleet.WriteKey, Clients: t.Clients, Seed: t.Seed, Ledger: NewLedger()}
	kills, err := t.torment(ctx, load)
	if err != nil {
		return Report{}, err
	}
	if err := rig.Poll(ctx, func() error { return t.Fleet.Settled(ctx) }); err != nil {
		return Report{}, fmt.Errorf("the processor does not come to its end: %w", err)
	}
	docs, err := ReadAll(ctx, http.DefaultClient, t.Fleet.Query, t.Fleet.Token)
	if err != nil {
		return Report{}, fmt.Errorf("read the outcomes: %w", err)
	}
	r := Report{Kills: kills, Accepted: load.Ledger.Accepted(), Documents: len(docs), Findings: load.Ledger.Check(docs)}
	r.Requests, r.Failed = load.Requests()
	return r, nil
}

// torment kills while the load runs, and ends the load when every process is
// back and enough was accepted. All requests that were begun are then accepted.
func (t *Trial) torment(ctx context.Context, load *Load) (map[string]int, error) {
	loadCtx, endLoad := context.WithCancel(ctx)
	defer endLoad()
	loadDone := make(chan error, 1)
	go func() { loadDone <- load.Run(loadCtx, ctx) }()

	kills, err := t.Fleet.Torment(ctx, rand.New(rand.NewPCG(t.Seed, 0)), t.Kills) //nolint:gosec // a test's choice of moments
	for err == nil && load.Ledger.Accepted() < t.MinAccepted && ctx.Err() == nil {
		pause(ctx, 50*time.Millisecond)
	}
	endLoad()
	if loadErr := <-loadDone; loadErr != nil {
		return kills, fmt.Errorf("an answer broke the contract: %w", loadErr)
	}
	if err == nil {
		err = ctx.Err()
	}
	return kills, err
}
