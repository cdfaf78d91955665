package processor

import (
	"testing"

	"github.com/theeye/theeye/shared/store"
)

// One event travels the whole way.
func TestOneEvent(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	w.publish(pageview("a"))
	w.awaitSettled()
	d := w.lookup("demo/a")
	if d == nil || d.Status != store.Stored {
		t.Fatalf("the event became %+v", d)
	}
	if n := r.metric("events_total", "outcome=stored"); n != 1 {
		t.Errorf("metrics count %v stored events", n)
	}
	if err := r.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}
