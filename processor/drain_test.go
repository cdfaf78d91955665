package processor

import (
	"context"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
)

// A processor that shuts down finishes the running write, acknowledges it, and releases
// all other messages.
func TestShutdownFinishesTheRunningWrite(t *testing.T) {
	fx := newFixture(t)
	const n = 500
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	slow := &hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		once.Do(func() { close(entered) })
		<-release
		if err := ctx.Err(); err != nil {
			t.Errorf("the write is broken off: %v", err)
		}
		return next(ctx, docs)
	}}
	r := fx.startProcessor(withStore(slow), func(c *Config) { c.BatchEvents, c.Workers = 50, 2 })
	fx.publishAll(pageviews("e", n))
	<-entered
	r.cancel()
	close(release)
	if err := r.awaitEnd(); err != nil {
		t.Errorf("Run: %v", err)
	}
	stored, _ := fx.counts()
	c := fx.consumer()
	if settled := int(c.AckFloor.Stream); stored == 0 || stored == n || settled > stored {
		t.Errorf("%d stored, acknowledged up to %d", stored, settled)
	}
	next := fx.startProcessor()
	fx.awaitSettled()
	if all, rejected := fx.counts(); all != n || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want %d and 0", all, rejected, n)
	}
	// The written events had been acknowledged: they were not delivered again.
	if again := next.sumMetric("events_total", "outcome=duplicate"); again != 0 {
		t.Errorf("%v events were written and not acknowledged", again)
	}
}

// Messages that arrive during the shutdown are available to the next processor at once.
func TestShutdownReleasesLateMessages(t *testing.T) {
	fx := newFixture(t)
	r := fx.startProcessor(func(c *Config) { c.Workers = 1 })
	fx.publish(outcometest.Pageview("a"))
	fx.awaitSettled()
	p := r.fetcher.puller
	<-r.fetcher.lock // no worker fetches from here on
	if _, _, err := p.sendRequest(); err != nil {
		t.Fatal(err)
	}
	fx.publishAll(pageviews("late", 20))
	fx.poll("messages are delivered", func() bool { return fx.consumer().NumAckPending > 0 })
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	fx.awaitReleased(1)
}
