package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/theeye/theeye/test/harness"
)

// perSecond is how often each client sends: enough for work to be under way
// whenever a kill comes, little enough for the check to stay short.
const perSecond = 20

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
	// Grace is how long findings must stay to count: longer than a processor
	// takes between two looks at its lag.
	Grace time.Duration
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
	load := &Load{URL: t.Fleet.Collector, Key: t.Fleet.Key, Clients: t.Clients, PerSecond: perSecond, Seed: t.Seed, Ledger: NewLedger()}
	kills, err := t.injectFaults(ctx, load)
	if err != nil {
		return Report{}, err
	}
	docs, findings, err := t.awaitConsistency(ctx, load.Ledger)
	if err != nil {
		return Report{}, err
	}
	r := Report{Kills: kills, Accepted: load.Ledger.Accepted(), Documents: len(docs), Findings: append(findings, t.Fleet.Alarms()...)}
	r.Requests, r.Failed = load.Requests()
	return r, nil
}

// awaitConsistency waits until the processors are done and checks the documents. What
// the processors say of themselves can be some seconds old, so findings stand
// only if they are still there after Grace, and the processors still done.
func (t *Trial) awaitConsistency(ctx context.Context, ledger *Ledger) (docs []*Document, findings []string, err error) {
	for {
		if err := harness.Poll(ctx, func() error { return t.Fleet.CheckIdle(ctx) }); err != nil {
			return nil, nil, fmt.Errorf("the processors do not come to their end: %w", err)
		}
		docs, findings, err = t.checkOnce(ctx, ledger)
		if err != nil || len(findings) == 0 || t.Fleet.CheckIdle(ctx) == nil {
			return docs, findings, err
		}
	}
}

// checkOnce reads and checks until nothing is found, or Grace is over.
func (t *Trial) checkOnce(ctx context.Context, ledger *Ledger) (docs []*Document, findings []string, err error) {
	grace, cancel := context.WithTimeout(ctx, t.Grace)
	defer cancel()
	for {
		docs, err = ReadAll(ctx, t.Fleet.Query, t.Fleet.Token)
		if err != nil {
			return nil, nil, fmt.Errorf("read the outcomes: %w", err)
		}
		findings = ledger.Check(docs)
		if len(findings) == 0 || grace.Err() != nil {
			return docs, findings, nil
		}
		pause(grace, 200*time.Millisecond)
	}
}

// injectFaults kills while the load runs, and ends the load when every process is
// back and enough was accepted. All requests that were begun are then accepted.
func (t *Trial) injectFaults(ctx context.Context, load *Load) (map[string]int, error) {
	loadCtx, endLoad := context.WithCancel(ctx)
	defer endLoad()
	loadDone := make(chan error, 1)
	go func() { loadDone <- load.Run(loadCtx, ctx) }()

	kills, err := t.Fleet.InjectFaults(ctx, rand.New(rand.NewPCG(t.Seed, 0)), t.Kills) //nolint:gosec // a test's choice of moments
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
