package processor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/theeye/theeye/shared/store"
)

// cuttableProxy is a TCP proxy whose connections can be cut.
type cuttableProxy struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	cut      bool
	conns    map[net.Conn]bool
	done     sync.WaitGroup
}

// proxyToStore returns a proxy to the database, and the URI through it.
func proxyToStore(fx *fixture) (*cuttableProxy, string) {
	u, err := url.Parse(fx.uri)
	if err != nil {
		fx.t.Fatal(err)
	}
	p, addr := proxyTo(fx, u.Host)
	u.Host = addr
	return p, u.String() + "?directConnection=true"
}

// proxyTo returns a proxy to a server, and its address.
func proxyTo(fx *fixture, target string) (*cuttableProxy, string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fx.t.Fatal(err)
	}
	p := &cuttableProxy{listener: l, target: target, conns: map[net.Conn]bool{}}
	p.done.Go(p.serve)
	fx.t.Cleanup(func() {
		_ = l.Close()
		p.setCut(true)
		p.done.Wait()
	})
	return p, l.Addr().String()
}

func (p *cuttableProxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns[in], p.conns[out] = true, true
		if p.cut {
			_, _ = in.Close(), out.Close()
		}
		p.mu.Unlock()
		p.done.Go(func() { pipe(in, out) })
		p.done.Go(func() { pipe(out, in) })
	}
}

func pipe(dst, src net.Conn) {
	_, _ = io.Copy(dst, src)
	_, _ = dst.Close(), src.Close()
}

// setCut cuts all connections and refuses new ones, or accepts them again.
func (p *cuttableProxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for c := range p.conns {
			_ = c.Close()
		}
		clear(p.conns)
	}
}

// During an outage of the store nothing more is fetched and nothing redelivered; all
// events are stored after it.
func TestOutagePausesFetching(t *testing.T) {
	fx := newFixture(t)
	p, uri := proxyToStore(fx)
	r := fx.startProcessor(withStore(fx.openStore(uri)), func(c *Config) { c.BatchEvents, c.Workers = 10, 5 })
	fx.publishAll(pageviews("before", 20))
	fx.awaitSettled()

	p.setCut(true)
	const n = 200
	fx.publishAll(pageviews("first", 5))
	fx.poll("the outage is noticed", func() bool { return r.sumMetric("write_retries_total") >= 1 })
	fx.publishAll(pageviews("during", n-5))
	fx.poll("it lasts", func() bool { return r.sumMetric("write_retries_total") >= 4 })
	// One worker has met the outage while another one was waiting for messages.
	if c := fx.consumer(); c.NumAckPending > 20 || c.NumPending < n-20 {
		t.Errorf("%d in flight, %d waiting: fetching goes on", c.NumAckPending, c.NumPending)
	}
	if r.health.lastResult(conditionStore) == nil || r.sumMetric("store_up") != 0 {
		t.Errorf("ready says %v, store_up is %v", r.health.lastResult(conditionStore), r.sumMetric("store_up"))
	}
	p.setCut(false)
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != n+20 || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want %d and 0", stored, rejected, n+20)
	}
	if c := fx.consumer(); c.Delivered.Consumer != n+20 {
		t.Errorf("%d deliveries of %d messages", c.Delivered.Consumer, n+20)
	}
	fx.poll("the store is ready", func() bool { return r.health.lastResult(conditionStore) == nil && r.sumMetric("store_up") == 1 })
}

func TestShutdownDuringAnOutageReleasesTheBatch(t *testing.T) {
	fx := newFixture(t)
	failing := &hookedStore{Store: fx.store, insert: func(context.Context, []*store.Document, insertFunc) ([]error, error) {
		return nil, store.ErrUnavailable
	}}
	r := fx.startProcessor(withStore(failing))
	fx.publishAll(pageviews("e", 50))
	fx.poll("the outage is noticed", func() bool { return r.sumMetric("write_retries_total") >= 1 })
	had := fx.consumer().NumAckPending
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if c := fx.consumer(); c.AckFloor.Stream != 0 || had == 0 {
		t.Errorf("acknowledged up to %d of %d, and nothing was written", c.AckFloor.Stream, had)
	}
	fx.awaitReleased(had)
}

// A store that refuses its configuration stops the processor. No event is decided, and
// all are available to another processor at once.
func TestRefusedConfigurationStopsTheProcessor(t *testing.T) {
	fx := newFixture(t)
	refusing := &hookedStore{Store: fx.store, insert: func(context.Context, []*store.Document, insertFunc) ([]error, error) {
		return nil, store.ErrConfiguration
	}}
	r := fx.startProcessor(withStore(refusing))
	fx.publishAll(pageviews("e", 50))
	if err := r.awaitEnd(); !errors.Is(err, store.ErrConfiguration) {
		t.Errorf("Run: %v", err)
	}
	if stored, rejected := fx.counts(); stored+rejected != 0 {
		t.Errorf("%d stored, %d rejected", stored, rejected)
	}
	fx.awaitReleased(1)
}

// An error of an unknown class decides nothing and raises an alarm.
func TestUnknownStoreErrorIsRetriedWithAnAlarm(t *testing.T) {
	fx := newFixture(t)
	var once sync.Once
	odd := &hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) (errs []error, err error) {
		once.Do(func() { err = errors.New("an unknown error") })
		if err != nil {
			return nil, err
		}
		return next(ctx, docs)
	}}
	r := fx.startProcessor(withStore(odd))
	fx.publishAll(pageviews("e", 10))
	fx.awaitSettled()
	if stored, rejected := fx.counts(); stored != 10 || rejected != 0 || r.sumMetric("store_alarms_total") != 1 {
		t.Errorf("%d stored, %d rejected, %v alarms", stored, rejected, r.sumMetric("store_alarms_total"))
	}
}

// Progress signals are sent at every interval until the batch is settled.
func TestProgressSignalsAreSentUntilSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		signals := make(chan time.Duration, 100)
		done := repeatEvery(t.Context(), progressInterval, func() { signals <- time.Since(begin) })
		for i := 1; i <= 10; i++ {
			if at := <-signals; at != time.Duration(i)*progressInterval {
				t.Errorf("signal %d after %s", i, at)
			}
		}
		done()
		done()
		time.Sleep(time.Hour)
		if len(signals) != 0 {
			t.Error("a signal after the end")
		}
	})
}

func TestIdleProcessorNoticesAnOutage(t *testing.T) {
	fx := newFixture(t)
	p, uri := proxyToStore(fx)
	r := fx.startProcessor(withStore(fx.openStore(uri)))
	p.setCut(true)
	fx.poll("the store is not ready", func() bool { return r.health.lastResult(conditionStore) != nil && r.sumMetric("store_up") == 0 })
	p.setCut(false)
	fx.poll("the store is ready again", func() bool { return r.health.lastResult(conditionStore) == nil && r.sumMetric("store_up") == 1 })
}
