package daemon

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder records the order in which steps end.
type recorder struct {
	mu    sync.Mutex
	ended []string
}

func (r *recorder) recordEnd(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, name)
}

// newStep returns a step that records its end and returns err. It is done with
// started once it runs.
func (r *recorder) newStep(name string, started *sync.WaitGroup, err error) func(context.Context) error {
	started.Add(1)
	return func(ctx context.Context) error {
		started.Done()
		<-ctx.Done()
		r.recordEnd(name)
		return err
	}
}

func TestGroupStopsInReverseOrder(t *testing.T) {
	var r recorder
	var g Group
	var started sync.WaitGroup
	for _, name := range []string{"nats", "store", "processor", "http"} {
		g.Add(name, r.newStep(name, &started, context.Canceled))
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { started.Wait(); cancel() }()
	if err := g.Run(ctx); err != nil {
		t.Errorf("Run = %v", err)
	}
	if d := cmp.Diff([]string{"http", "processor", "store", "nats"}, r.ended); d != "" {
		t.Error(d)
	}
}

// The first step to fail stops all; every error names its step.
func TestGroupStopsAfterFailure(t *testing.T) {
	var r recorder
	var g Group
	var started sync.WaitGroup
	lost, slow := errors.New("lost"), errors.New("slow")
	g.Add("first", r.newStep("first", &started, slow))
	g.Add("broken", func(context.Context) error { started.Wait(); return lost })
	g.Add("last", r.newStep("last", &started, nil))
	err := g.Run(t.Context())
	if !errors.Is(err, lost) || !errors.Is(err, slow) {
		t.Errorf("Run = %v", err)
	}
	for _, want := range []string{"broken: lost", "first: slow"} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("error %q has %q not once", err, want)
		}
	}
	if d := cmp.Diff([]string{"last", "first"}, r.ended); d != "" {
		t.Error(d)
	}
}

func TestGroupFailsWhenAStepEndsEarly(t *testing.T) {
	var g Group
	g.Add("quiet", func(context.Context) error { return nil })
	if err := g.Run(t.Context()); !errors.Is(err, errEnded) || !strings.HasPrefix(err.Error(), "quiet: ") {
		t.Errorf("Run = %v", err)
	}
}
