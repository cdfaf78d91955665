package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// errEnded is the failure of a step that returned before its context ended.
var errEnded = errors.New("ended by itself")

// Group runs the steps of a program, named, in the order in which they need
// each other. The zero value is ready to use.
type Group struct {
	// Logger, where set, gets a line about each step's end.
	Logger *slog.Logger

	steps []*step
}

// Step is a part of a program. Run serves until its context ends and then
// drains.
type Step struct {
	Name string
	Run  func(ctx context.Context) error
}

type step struct {
	Step

	cancel context.CancelFunc
	done   chan struct{} // closed when Run has returned
	err    error         // valid once done is closed
}

// Add adds a step that needs only steps added before. run serves until its
// context ends and then drains.
func (g *Group) Add(name string, run func(context.Context) error) {
	g.steps = append(g.steps, &step{Step: Step{Name: name, Run: run}, done: make(chan struct{})})
}

// Run starts the steps in order. When ctx ends, or when a step ends by itself,
// it stops them one by one from last to first: the context of a step ends after
// the later steps have returned, so that each drains into steps that still work. The errors are joined and name their steps. Call it once.
func (g *Group) Run(ctx context.Context) error {
	early := make(chan *step, len(g.steps))
	for _, s := range g.steps {
		s.start(context.WithoutCancel(ctx), early)
	}
	select {
	case <-ctx.Done():
	case s := <-early:
		// A return without an error is a failure too: the other steps need
		// this one.
		if s.err == nil && ctx.Err() == nil {
			s.err = fmt.Errorf("%s: %w", s.Name, errEnded)
		}
	}
	return g.stopSteps()
}

// stopSteps stops every step, from last to first.
func (g *Group) stopSteps() error {
	var all error
	for _, s := range slices.Backward(g.steps) {
		s.cancel()
		<-s.done
		all = errors.Join(all, s.err)
		if g.Logger != nil {
			g.Logger.Debug("Step stopped", slog.String("step", s.Name))
		}
	}
	return all
}

func (s *step) start(ctx context.Context, early chan<- *step) {
	ctx, s.cancel = context.WithCancel(ctx)
	go func() {
		if err := s.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			s.err = fmt.Errorf("%s: %w", s.Name, err)
		}
		close(s.done)
		early <- s
	}()
}
