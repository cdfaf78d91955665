package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/theeye/theeye/test/harness"
)

// times is how often the same event is sent.
const times = 1000

// testIdentity checks which requests are copies of one event and which are two.
func testIdentity(t *testing.T, w *fixture) {
	t.Run("in one batch", func(t *testing.T) {
		c, id := w.caller(t), newID()
		ids := c.accept(batch(slices.Repeat([]string{native(id)}, times)...))
		if len(ids) != times {
			t.Errorf("%d results", len(ids))
		}
		c.once(id)
	})
	t.Run("in parallel", func(t *testing.T) { testParallel(t, w) })
	t.Run("written otherwise", func(t *testing.T) {
		c, id := w.caller(t), newID()
		c.accept(nativeData(id, `{"a": 1.0, "b": "\u0041"}`))
		c.accept(nativeData(id, `{"b":"A","a":1.0}`))
		c.once(id)
	})
	t.Run("without id", func(t *testing.T) {
		c := w.caller(t)
		e := native("", "event_id", "", "data", `{"salt":`+quote(newID())+`}`)
		first, second := c.accept(e)[0], c.accept(batch(e, e))[1]
		if first != second {
			t.Errorf("the ids are %s and %s", first, second)
		}
		c.once(first)
	})
	t.Run("other content", func(t *testing.T) { testConflict(t, w) })
	t.Run("other content in one batch", func(t *testing.T) {
		c, id := w.caller(t), newID()
		c.accept(batch(nativeData(id, `{"v":1}`), nativeData(id, `{"v":2}`), nativeData(id, `{"v":1}`)))
		c.settled(id)
		c.conflicts(id, 1)
	})
	t.Run("other application", func(t *testing.T) {
		c, id := w.caller(t), newID()
		c.accept(nativeData(id, `{"v":1}`))
		c.accept(native(id, "data", `{"v":2}`), bearer(otherKey))
		mine, theirs := c.settled(id), c.settledOf("other", id)
		if string(mine.Data) != `{"v":1}` || string(theirs.Data) != `{"v":2}` || theirs.Application != "other" {
			t.Errorf("mine is %+v, theirs %+v", mine, theirs)
		}
		if r, err := c.ask("/v1/events/"+id, nil); err != nil || r.status != http.StatusConflict {
			t.Errorf("without naming one: %s, %v", r, err)
		}
		c.conflicts(id, 0)
	})
}

// testParallel sends the same event in many requests at once.
func testParallel(t *testing.T, w *fixture) {
	const senders = 32
	c, id := w.caller(t), newID()
	var work sync.WaitGroup
	todo := make(chan struct{}, times)
	for range times {
		todo <- struct{}{}
	}
	close(todo)
	for range senders {
		work.Go(func() {
			for range todo {
				if r, err := c.try("/v1/events", []byte(native(id))); err != nil || r.status != http.StatusAccepted {
					t.Errorf("one of many: %s, %v", r, err)
				}
			}
		})
	}
	work.Wait()
	c.once(id)
}

func testConflict(t *testing.T, w *fixture) {
	c, id := w.caller(t), newID()
	c.accept(nativeData(id, `{"v":1}`))
	c.settled(id)
	second := nativeData(id, `{"v":2}`)
	c.accept(second)
	c.accept(second)
	c.accept(nativeData(id, `{"v":1}`))
	docs := c.conflicts(id, 1)
	if len(docs) == 1 && (docs[0].Original != second || string(docs[0].Data) != `{"v":2}`) {
		t.Errorf("the second one is %+v", docs[0])
	}
	if d := c.settled(id); d.Status != "stored" || string(d.Data) != `{"v":1}` {
		t.Errorf("the first one is %+v", d)
	}
}

// once checks that an event of application site is stored once and nowhere
// else, after everything that was sent is settled.
func (c *caller) once(id string) {
	c.t.Helper()
	c.settled(id)
	c.idle()
	query := url.Values{"event_id": {id}, "application": {"site"}}
	docs, err := c.all("/v1/events", query)
	if err != nil || len(docs) != 1 {
		c.t.Errorf("event %s is stored %d times, %v", id, len(docs), err)
	}
	if docs, err := c.all("/v1/rejected", query); err != nil || len(docs) != 0 {
		c.t.Errorf("event %s is rejected too: %+v, %v", id, docs, err)
	}
}

// conflicts waits until as many contents as wanted came second under an id, and
// sees that it stays so.
func (c *caller) conflicts(id string, want int) []document {
	c.t.Helper()
	var docs []document
	read := func() (err error) {
		docs, err = c.all("/v1/rejected", url.Values{"event_id": {id}})
		if err == nil && len(docs) != want {
			err = fmt.Errorf("%d contents came second, want %d: %+v", len(docs), want, docs)
		}
		return err
	}
	eventually(c.t, read)
	c.idle()
	if err := read(); err != nil {
		c.t.Error(err)
	}
	for _, d := range docs {
		if codes := d.codes(); len(codes) == 0 || codes[0] != "id_conflict" {
			c.t.Errorf("came second, for %v", d.codes())
		}
	}
	return docs
}

// idle waits until every event accepted so far has its outcome: it sends one more
// event, waits for its outcome, and for the processors to report no lag.
func (c *caller) idle() {
	c.t.Helper()
	c.settled(c.accept(native(newID()))[0])
	eventually(c.t, func() error {
		err := c.w.CheckIdle(c.t.Context())
		if err != nil && !errors.Is(err, harness.ErrBusy) {
			return fmt.Errorf("ask the processors: %w", err)
		}
		return err
	})
}
