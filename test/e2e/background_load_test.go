package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// load sends events of one session from several connections until told to
// stop, and remembers which were accepted.
type load struct {
	c       *caller
	session string
	most    int // events that are accepted, about; 0 is no bound
	stop    chan struct{}
	senders sync.WaitGroup

	mu       sync.Mutex
	offered  map[string]bool
	accepted map[string]bool
	refused  int      // answers 503
	wrong    []string // answers that no load may ever get
}

const (
	loadSenders = 4
	loadBatch   = 10
)

// endless is the bound of a load that goes on until it is ended.
const endless = 0

func startLoad(t *testing.T, w *fixture, most int) *load {
	t.Helper()
	l := &load{
		c: w.caller(t), session: newSession(), most: most, stop: make(chan struct{}),
		offered: map[string]bool{}, accepted: map[string]bool{},
	}
	for range loadSenders {
		l.senders.Go(l.run)
	}
	t.Cleanup(l.end)
	return l
}

// end stops the load and waits for the requests in flight.
func (l *load) end() {
	l.mu.Lock()
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.mu.Unlock()
	l.senders.Wait()
}

// run sends until the load ends, is bounded, or the door is gone.
func (l *load) run() {
	for l.most == endless || l.count() < l.most {
		select {
		case <-l.stop:
			return
		default:
		}
		if !l.send() {
			return
		}
	}
}

// count is how many events were accepted so far.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// send sends one batch. It reports false without an answer.
func (l *load) send() bool {
	events := make([]string, loadBatch)
	l.mu.Lock()
	for i := range events {
		id := newID()
		l.offered[id] = true
		events[i] = click(id, l.session, "2021-03-04T05:06:07Z", len(l.offered))
	}
	l.mu.Unlock()
	r, err := l.c.try("/v1/events", []byte(batch(events...)))
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		return false
	case r.status == http.StatusAccepted:
		for _, res := range r.results() {
			l.accepted[res.EventID] = true
		}
	case r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") != "":
		l.refused++
	default:
		l.wrong = append(l.wrong, r.String())
	}
	return true
}

// await waits until n events were accepted.
func (l *load) await(t *testing.T, n int) {
	t.Helper()
	eventually(t, func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.wrong) > 0 {
			return harness.Final(fmt.Errorf("the door answers %s", l.wrong[0]))
		}
		if len(l.accepted) < n {
			return fmt.Errorf("%d events of %d accepted", len(l.accepted), n)
		}
		return nil
	})
}

// check waits until every accepted event is stored, and sees that each is
// there once and nothing else is.
func (l *load) check(t *testing.T) {
	t.Helper()
	if len(l.wrong) > 0 {
		t.Errorf("the door answered %d times like %s", len(l.wrong), l.wrong[0])
	}
	reader := l.c.w.unchecked(t)
	var docs []document
	eventually(t, func() (err error) {
		if docs, err = reader.all("/v1/events", url.Values{"session_id": {l.session}}); err != nil {
			return err
		}
		found := map[string]bool{}
		for _, d := range docs {
			found[d.EventID] = true
		}
		missing := 0
		for id := range l.accepted {
			if !found[id] {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d accepted events are missing", missing, len(l.accepted))
		}
		return nil
	})
	seen := map[string]bool{}
	for _, d := range docs {
		if seen[d.EventID] {
			t.Errorf("event %s is there twice", d.EventID)
		}
		seen[d.EventID] = true
		if !l.offered[d.EventID] {
			t.Errorf("event %s was never sent", d.EventID)
		}
	}
	t.Logf("%d accepted, %d stored, %d answers 503", len(l.accepted), len(docs), l.refused)
}
