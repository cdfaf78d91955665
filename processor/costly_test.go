package processor

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/schema"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// costlySchema makes a text of costlyText bytes take a third of the allowance of a
// batch by its estimate, and little time, since no text has an x. dearestSchema takes
// the time.
const (
	costlyText    = 40_000
	costlySchema  = `{"properties": {"text": {"not": {"pattern": "x[ab]{140}c"}}}}`
	dearestSchema = `{"properties": {"text": {"pattern": "[ab]{140}c"}}}`
)

// costlyEvent is an event of an application that is costly to validate.
func (fx *fixture) costlyEvent(application, id string, bytes int) *nats.Msg {
	payload := outcometest.Event("event_id", `"`+id+`"`, "category", `"costly"`, "name", `"text"`,
		"data", `{"text": "`+strings.Repeat("a", bytes)+`c"}`)
	return outcometest.Message(application, payload)
}

// applyCostly declares the costly type.
func (fx *fixture) applyCostly() {
	fx.t.Helper()
	fx.applyFiles(map[string]string{"schemas/costly/text.json": costlySchema})
}

// heldRules hold back the messages that were set aside: a test decides when they are
// validated.
type heldRules struct {
	outcome.Rules
	entered *atomic.Int64
	leave   chan struct{}
}

func (h heldRules) ValidateWithin(ev *event.Event, received time.Time, application string, limit schema.Work) (schema.Verdict, bool) {
	v, ok := h.Rules.ValidateWithin(ev, received, application, limit)
	if ok && v.Work > schema.NegligibleWork && limit == schema.MaxWork {
		h.entered.Add(1)
		<-h.leave
	}
	return v, ok
}

// Events of other applications get their outcomes while those of one that sends
// costly events wait, in the same batches and behind them; in the end each has its
// outcome, once.
func TestCostlyEventsHoldUpNoOthers(t *testing.T) {
	const costly, ordinary = 30, 300
	fx := newFixture(t)
	fx.applyCostly()
	var entered atomic.Int64
	leave := make(chan struct{})
	var messages []*nats.Msg
	for i := range costly {
		messages = append(messages, fx.costlyEvent("slow", fmt.Sprint("c", i), costlyText))
	}
	fx.publishMsg(messages...)
	r := fx.startProcessor(func(s *Service) {
		original := s.worker.validator.rules
		s.worker.validator.rules = func() outcome.Rules { return heldRules{original(), &entered, leave} }
	})
	fx.publishAll(pageviews("e", ordinary))
	fx.poll("the ordinary events are stored, and the costly ones wait", func() bool {
		stored, _ := fx.counts()
		return stored >= ordinary && entered.Load() == 1 && fx.lookup(store.DocumentID("demo", fmt.Sprintf("e%04d", ordinary-1))) != nil
	})
	if stored, _ := fx.counts(); stored > ordinary+costlyAtOnce {
		t.Errorf("%d costly events are stored before they are let through", stored-ordinary)
	}
	close(leave)
	fx.poll("every event has its outcome", func() bool {
		stored, rejected := fx.counts()
		return stored == ordinary+costly && rejected == 0
	})
	fx.awaitSettled()
	if n := r.sumMetric("costly_events_total"); n < costly-costlyAtOnce {
		t.Errorf("%v events were set aside", n)
	}
}

// costlyAtOnce is more than the costly events that a batch validates at once by its
// allowance, for the batches of this test.
const costlyAtOnce = 8

// Costly events without room are postponed and delivered again, until each has its
// outcome; other applications have room beside the one that fills its share.
func TestCostlyEventsWithoutRoomComeBack(t *testing.T) {
	const n = costlyShare + 16
	fx := newFixture(t)
	fx.applyCostly()
	var entered atomic.Int64
	leave := make(chan struct{})
	for i := range n {
		fx.publishMsg(fx.costlyEvent("slow", fmt.Sprint("c", i), costlyText))
	}
	r := fx.startProcessor(func(s *Service) {
		original := s.worker.validator.rules
		s.worker.validator.rules = func() outcome.Rules { return heldRules{original(), &entered, leave} }
	})
	fx.poll("some are postponed", func() bool { return r.sumMetric("costly_postponed_total") > 0 })
	fx.publishMsg(fx.costlyEvent("other", "c", costlyText))
	close(leave)
	fx.poll("every event has its outcome", func() bool {
		stored, rejected := fx.counts()
		return stored == n+1 && rejected == 0
	})
	fx.awaitSettled()
	if waiting := r.sumMetric("costly_waiting_events"); waiting != 0 {
		t.Errorf("%v messages wait", waiting)
	}
}

// An event over what one may cost is rejected, and kept whole: a replay by a simpler
// schema stores it.
func TestEventThatCostsTooMuchIsRejected(t *testing.T) {
	fx := newFixture(t)
	fx.applyCostly()
	fx.startProcessor()
	fx.publishMsg(fx.costlyEvent("slow", "c", 900_000))
	fx.awaitSettled()
	d := fx.lookup(store.DocumentID("slow", "c"))
	if d == nil || d.Status != store.Rejected || d.Errors[0].Code != event.CodeTooCostly || len(d.Original) < 900_000 {
		t.Errorf("the document is %+v", d)
	}
}

// The messages that wait belong to the processor until it stops, which releases them.
func TestCostlyQueue(t *testing.T) {
	m, err := newMetrics(prometheus.NewRegistry(), func() float64 { return 0 }, func() bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	q := newCostlyQueue(&settler{}, m)
	message := func(application string, size int) delivery {
		return delivery{Raw: stream.Raw{Header: nats.Header{stream.HeaderApplication: {application}}}, size: size}
	}
	for range costlyShare {
		if rest, _ := q.add([]delivery{message("a", 1)}); len(rest) > 0 {
			t.Fatal("no room within the share")
		}
	}
	if rest, _ := q.add([]delivery{message("a", 1), message("b", 2), message("b", costlyBytes)}); len(rest) != 2 {
		t.Errorf("%d of a message over the share, one of another application and one over the bytes have no room", len(rest))
	}
	var order []string
	for range 3 {
		m, _ := q.takeNext()
		order = append(order, m.Header.Get(stream.HeaderApplication))
	}
	if strings.Join(order, "") != "aba" {
		t.Errorf("the applications had their turns as %v", order)
	}
	if left := q.stopTaking(); len(left) != costlyShare-2 {
		t.Errorf("%d messages are left", len(left))
	}
	if rest, closed := q.add([]delivery{message("c", 1)}); !closed || len(rest) != 1 {
		t.Errorf("a closed queue takes messages")
	}
}

// BenchmarkOrdinaryBesideCostly prints how long 10,000 ordinary events of one
// application take to their outcomes, alone and in the middle of costly events of
// another, which are as costly as events may be.
func BenchmarkOrdinaryBesideCostly(b *testing.B) {
	const ordinary = 10_000
	for _, costly := range []int{0, 60} {
		b.Run(fmt.Sprint(costly, " costly"), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				fx := newFixture(b)
				fx.applyFiles(map[string]string{"schemas/costly/text.json": dearestSchema})
				payloads := pageviews("e", ordinary)
				for i := range costly {
					m := fx.costlyEvent("slow", fmt.Sprint("c", i), 200_000)
					m.Data = bytes.Replace(m.Data, []byte(`ac"`), []byte(`aa"`), 1) // it breaks the schema
					fx.publishMsg(m)
				}
				fx.publishAll(payloads)
				b.StartTimer()
				r := fx.startProcessor()
				fx.poll("the ordinary events have their outcomes", func() bool {
					return r.sumMetric("events_total", "outcome=stored") >= ordinary
				})
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/10000-ordinary")
		})
	}
}
