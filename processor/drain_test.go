package processor

import (
	"context"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
)

// A processor that is told to end finishes the write it is in, acknowledges
// it, and keeps nothing of what it had fetched.
func TestDrain(t *testing.T) {
	w := newFixture(t)
	const n = 500
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	slow := &hookedStore{Store: w.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		once.Do(func() { close(entered) })
		<-release
		if err := ctx.Err(); err != nil {
			t.Errorf("the write is broken off: %v", err)
		}
		return next(ctx, docs)
	}}
	r := w.startProcessor(withStore(slow), func(c *Config) { c.BatchEvents, c.Workers = 50, 2 })
	w.publishAll(pageviews("e", n))
	<-entered
	r.cancel()
	close(release)
	if err := r.awaitEnd(); err != nil {
		t.Errorf("Run: %v", err)
	}
	stored, _ := w.counts()
	c := w.consumer()
	if settled := int(c.AckFloor.Stream); stored == 0 || stored == n || settled > stored {
		t.Errorf("%d stored, acknowledged up to %d", stored, settled)
	}
	next := w.startProcessor()
	w.awaitSettled()
	if all, rejected := w.counts(); all != n || rejected != 0 {
		t.Errorf("%d stored, %d rejected, want %d and 0", all, rejected, n)
	}
	// What was written had been acknowledged: it did not come again.
	if again := next.sumMetric("events_total", "outcome=duplicate"); again != 0 {
		t.Errorf("%v events were written and not acknowledged", again)
	}
}

// What arrives while the processor is ending goes to the next one at once.
func TestHandOver(t *testing.T) {
	w := newFixture(t)
	r := w.startProcessor(func(c *Config) { c.Workers = 1 })
	w.publish(outcometest.Pageview("a"))
	w.awaitSettled()
	p := r.fetcher.puller
	<-r.fetcher.lock // no lane pulls from here on
	if _, _, err := p.sendRequest(); err != nil {
		t.Fatal(err)
	}
	w.publishAll(pageviews("late", 20))
	w.poll("messages are delivered", func() bool { return w.consumer().NumAckPending > 0 })
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	w.awaitHandedBack(1)
}
