package processor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/store"
)

// instance is one running processor with its own connection and registry.
type instance struct {
	*Service
	fx      *fixture
	nc      *nats.Conn
	metrics *prometheus.Registry
	cancel  context.CancelFunc
	ended   chan error
	once    sync.Once
}

// startProcessor starts a processor and waits until it is ready; change may alter the
// configuration (func(*Config)) or the service before it runs (func(*Service)).
func (fx *fixture) startProcessor(change ...any) *instance {
	fx.t.Helper()
	r := fx.launchProcessor(change...)
	fx.poll("the processor is ready", func() bool {
		for _, c := range r.Ready() {
			if c.Err != nil {
				return false
			}
		}
		return true
	})
	return r
}

// launchProcessor is startProcessor without the wait.
func (fx *fixture) launchProcessor(change ...any) *instance {
	fx.t.Helper()
	nc, js := fx.connect()
	quiet := slog.New(slog.DiscardHandler)
	reg := registry.New(registry.Config{JetStream: js, Logger: quiet})
	r := &instance{fx: fx, nc: nc, metrics: prometheus.NewRegistry(), ended: make(chan error, 1)}
	cfg := Config{
		JetStream: js, Conn: nc, Registry: reg, Store: fx.store, Stream: fx.stream,
		Logger: quiet, Metrics: r.metrics, ObserveEvery: 20 * time.Millisecond,
	}
	for _, c := range change {
		if f, ok := c.(func(*Config)); ok {
			f(&cfg)
		}
	}
	var err error
	if r.Service, err = New(cfg); err != nil {
		fx.t.Fatal(err)
	}
	for _, c := range change {
		if f, ok := c.(func(*Service)); ok {
			f(r.Service)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	regCtx, stopRegistry := context.WithCancel(context.Background())
	registryEnded := make(chan error, 1)
	go func() { registryEnded <- reg.Run(regCtx) }()
	go func() { r.ended <- r.Run(ctx) }()
	fx.t.Cleanup(func() {
		if err := r.stop(); err != nil && !fx.t.Failed() {
			fx.t.Errorf("Run: %v", err)
		}
		stopRegistry()
		if err := <-registryEnded; err != nil {
			fx.t.Errorf("registry: %v", err)
		}
	})
	return r
}

// stop ends the processor and returns the error of Run.
func (r *instance) stop() error {
	r.cancel()
	return r.awaitEnd()
}

// awaitEnd waits until Run returns, and returns its error once.
func (r *instance) awaitEnd() error {
	var first error
	r.once.Do(func() {
		select {
		case first = <-r.ended:
		case <-time.After(patience):
			r.fx.t.Error("the processor does not end")
		}
	})
	return first
}

// sumMetric sums a metric over its labels. The labels given, as name=value, must match.
func (r *instance) sumMetric(name string, labels ...string) float64 {
	r.fx.t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		r.fx.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != prefix+name {
			continue
		}
	metrics:
		for _, m := range f.GetMetric() {
			has := map[string]bool{}
			for _, l := range m.GetLabel() {
				has[l.GetName()+"="+l.GetValue()] = true
			}
			for _, l := range labels {
				if !has[l] {
					continue metrics
				}
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// hookedStore is the real store with hooks of a test.
type hookedStore struct {
	store.Store
	insert func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error)
	raised func(revision uint64)
	held   func() error
}

type insertFunc func(context.Context, []*store.Document) ([]error, error)

func (h *hookedStore) Insert(ctx context.Context, docs []*store.Document) ([]error, error) {
	if h.insert == nil {
		return h.Store.Insert(ctx, docs)
	}
	return h.insert(ctx, docs, h.Store.Insert)
}

func (h *hookedStore) RaiseRevision(ctx context.Context, revision uint64) error {
	err := h.Store.RaiseRevision(ctx, revision)
	if h.raised != nil {
		h.raised(revision)
	}
	return err
}

func withStore(s store.Store) func(*Config) { return func(c *Config) { c.Store = s } }
