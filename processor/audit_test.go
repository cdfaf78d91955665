package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Purged events are accounted for as purged, and not as lost, also by a process that
// starts later.
func TestPurgedEventsAreNotLost(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.shrinkStream()
	first := fx.startLive()
	for i := range 200 {
		if err := fx.tryPublish(largeEvent(fmt.Sprintf("e%d", i))); err != nil {
			fx.awaitSettled()
		}
	}
	fx.awaitSettled()
	fx.poll("something is purged", func() bool { return fx.streamState().FirstSeq > 1 })
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	fx.startLive()
	state := fx.streamState()
	id, _ := fx.createJob(job.Job{Kind: job.Audit, Selection: job.Selection{FromSeq: 1}})
	a := awaitReport[job.Account](fx, id)
	if a.FromSeq != 1 || a.Purged < state.FirstSeq-1 || a.Stored != state.LastSeq-a.Purged || a.Missing != 0 {
		t.Errorf("the stream has %d to %d, the account is %+v", state.FirstSeq, state.LastSeq, a)
	}
}

// The marks are written before the purge.
func TestNothingIsPurgedWithoutMarks(t *testing.T) {
	fx := newFixture(t)
	fx.shrinkStream()
	r := fx.startLive()
	if err := fx.js.DeleteKeyValue(fx.ctx(), stream.BucketJobs); err != nil {
		t.Fatal(err)
	}
	fill := func() {
		for i := 0; ; i++ {
			if err := fx.tryPublish(largeEvent(fmt.Sprintf("e%d", i))); isFull(err) {
				return
			}
		}
	}
	fill()
	fx.awaitSettled()
	if first := fx.streamState().FirstSeq; first != 1 || r.sumMetric("purged_total") != 0 {
		t.Errorf("the stream begins at %d", first)
	}
}

func TestContinuousAuditFindsAnEventThatWasSettledAndNotWritten(t *testing.T) {
	fx := newFixture(t)
	losing := &hookedStore{Store: fx.store, insert: func(ctx context.Context, docs []*store.Document, next insertFunc) ([]error, error) {
		kept := slices.DeleteFunc(slices.Clone(docs), func(d *store.Document) bool { return d.ID == "demo/e0007" })
		_, err := next(ctx, kept)
		return make([]error, len(docs)), err
	}}
	r := fx.startLive(withStore(losing), func(c *Config) { c.AuditRate = 1000 })
	fx.publishAll(pageviews("e", 20))
	fx.awaitSettled()
	fx.poll("it has accounted for all", func() bool { return r.sumMetric("audit_position") == 20 })
	if n := r.sumMetric("audit_missing_total"); n != 1 {
		t.Errorf("%v are missing, want 1", n)
	}
}

// A running processor notes the end of the stream. When a processor starts, it checks
// whether the stream still has that end.
func TestLostTailIsNotedAtTheStart(t *testing.T) {
	fx := newFixture(t)
	r := fx.startLive()
	fx.publishAll(pageviews("e", 20))
	fx.awaitSettled()
	fx.poll("the end is noted", func() bool { return fx.storedMarks().LastSeq == 20 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	noted := fmt.Sprintf(`{"epoch":%d,"kept_from":1,"last_seq":25}`, fx.storedMarks().Epoch)
	if _, err := fx.marksBucket().PutString(fx.ctx(), "stream", noted); err != nil {
		t.Fatal(err)
	}
	fx.startLive(func(c *Config) { c.ObserveEvery = time.Hour })
	fx.publishAll(pageviews("f", 5)) // the sequences are assigned again
	fx.awaitSettled()
	id, _ := fx.createJob(job.Job{Kind: job.Audit})
	if a := awaitReport[job.Account](fx, id); a.LostInStream != 5 || len(a.MissingRanges) != 1 || a.MissingRanges[0].From != 21 {
		t.Errorf("the account is %+v", a)
	}
}

// marks are the fields of audit.Marks that a test reads.
type marks struct {
	Epoch   int64  `json:"epoch"`
	LastSeq uint64 `json:"last_seq"`
}

func (fx *fixture) marksBucket() jetstream.KeyValue {
	fx.t.Helper()
	kv, err := fx.js.KeyValue(fx.ctx(), stream.BucketJobs)
	if err != nil {
		fx.t.Fatal(err)
	}
	return kv
}

func (fx *fixture) storedMarks() (m marks) {
	fx.t.Helper()
	e, err := fx.marksBucket().Get(fx.ctx(), "stream")
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return marks{}
	}
	if err != nil {
		fx.t.Fatal(err)
	}
	if err := json.Unmarshal(e.Value(), &m); err != nil {
		fx.t.Fatal(err)
	}
	return m
}
