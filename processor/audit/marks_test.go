package audit

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/stream"
)

// storedMarks returns the value of the marks' key.
func (fx *fixture) storedMarks() (r marksRecord) {
	fx.t.Helper()
	fx.readKey(stream.KeyMarks, &r)
	return r
}

// readKey decodes a key of the bucket of jobs.
func (fx *fixture) readKey(key string, value any) kv.Entry {
	fx.t.Helper()
	e, err := kv.New(fx.js, stream.BucketJobs).Get(fx.ctx, key)
	fx.must(err)
	if e.Exists() {
		fx.must(json.Unmarshal(e.Value, value))
	}
	return e
}

// The marks of a stream that is older than they are begin with its present state,
// because its earlier one is unknown.
func TestMarksBeginWithThePresentStream(t *testing.T) {
	fx := newFixture(t)
	fx.must(kv.New(fx.js, stream.BucketJobs).Purge(fx.ctx, stream.KeyMarks))
	fx.publish(pageviews("e", 10)...)
	fx.settleNext(10, nil)
	fx.purgeTo(4)
	fx.must(fx.marks().CheckTail(fx.ctx))
	r := fx.storedMarks()
	if r.Epoch != fx.epoch || r.KeptFrom != 4 || r.LastSeq != 10 || r.LastTime.IsZero() {
		t.Errorf("they begin with %+v", r)
	}
	fx.wantAccount(fx.auditAll(), job.Account{FromSeq: 4, ToSeq: 10, Stored: 7})
}

func TestMarksOfAnotherStreamAreReset(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 10)...)
	fx.settleNext(10, nil)
	other, err := json.Marshal(marksRecord{Epoch: 7, KeptFrom: 700, LastSeq: 900})
	fx.must(err)
	_, err = kv.New(fx.js, stream.BucketJobs).Replace(fx.ctx, stream.KeyMarks, other, fx.readKey(stream.KeyMarks, &marksRecord{}).Revision)
	fx.must(err)
	fx.wantAccount(fx.auditAll(), job.Account{FromSeq: 1, ToSeq: 10, Stored: 10})
	if r := fx.storedMarks(); r.Epoch != fx.epoch || r.LastSeq != 10 || len(r.Losses) != 0 {
		t.Errorf("they are %+v", r)
	}
}

// Any number of processors write the marks.
func TestMarksOnlyGrow(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 40)...)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			m := fx.marks()
			for seq := uint64(i + 1); seq <= 20; seq += 4 {
				if err := m.Advance(fx.ctx, 2*seq); err != nil {
					t.Error(err)
				}
				if err := m.MarkPurged(fx.ctx, seq); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	fx.must(fx.marks().MarkPurged(fx.ctx, 3))
	fx.must(fx.marks().Advance(fx.ctx, 5))
	if r := fx.storedMarks(); r.KeptFrom != 20 || r.LastSeq != 40 || len(r.Losses) != 0 {
		t.Errorf("they are %+v", r)
	}
}

// A lost tail is noted once and permanently, also by a running processor whose first
// check comes after the sequences have been assigned again.
func TestLostTailIsNotedOnce(t *testing.T) {
	for _, since := range []int{0, 5, 60} {
		t.Run(fmt.Sprint(since), func(t *testing.T) {
			fx := newFixtureOn(t, newMemory(), smallRoom)
			fx.publish(large("e", 120)...)
			fx.settleNext(120, nil)
			fx.must(fx.marks().Advance(fx.ctx, 120))
			var lost []uint64
			fx.damageFiles(func(b []string) { lost = fx.loseTail(b) })
			if len(lost) < 6 {
				t.Fatalf("%v are lost", spans(lost))
			}
			if since > 0 {
				fx.publish(large("since", since)...)
			}
			for range 3 {
				fx.must(fx.marks().Advance(fx.ctx, fx.state().LastSeq))
			}
			r := fx.storedMarks()
			if len(r.Losses) != 1 || r.Losses[0].From != lost[0] || r.Losses[0].To != 120 || r.LastSeq != fx.state().LastSeq {
				t.Errorf("%v are lost: %+v", spans(lost), r)
			}
			// A range that ends before the tail, or begins after it, has not lost it.
			for _, s := range []job.Selection{{ToSeq: lost[0] - 1}, {FromSeq: 121}} {
				if got := fx.auditSelection(fx.auditor(), s, false); got.Missing != 0 {
					t.Errorf("%+v: %+v", s, got)
				}
			}
			if got := fx.auditSelection(fx.auditor(), job.Selection{ToSeq: lost[0]}, false); got.LostTail != 1 {
				t.Errorf("up to the first lost one: %+v", got)
			}
		})
	}
}

// loseTail deletes the last block, and the index that names it.
func (fx *fixture) loseTail(blocks []string) []uint64 {
	fx.t.Helper()
	return damages[tailLost](fx, blocks)
}

func TestPurgedTailIsNotLost(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 10)...)
	fx.settleNext(10, nil)
	m := fx.marks()
	fx.must(m.Advance(fx.ctx, 10))
	fx.must(m.MarkPurged(fx.ctx, 11))
	fx.purgeTo(11)
	fx.damageFiles(func([]string) {})
	fx.must(m.Advance(fx.ctx, fx.state().LastSeq))
	fx.publish(pageviews("f", 3)...)
	fx.must(m.CheckTail(fx.ctx))
	if r := fx.storedMarks(); len(r.Losses) != 0 || r.LastSeq != 10 {
		t.Errorf("they are %+v", r)
	}
	fx.wantAccount(fx.auditAll(), job.Account{FromSeq: 11, ToSeq: 13, Pending: 3})
}

func TestRecreatedStreamEndsTheAudit(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 3)...)
	fx.must(fx.js.DeleteStream(fx.ctx, stream.Name))
	fx.must(stream.Ensure(fx.ctx, fx.js, stream.Config{MaxBytes: 1 << 20}))
	if err := fx.auditor().newScan(&report{}).accountFor(fx.ctx, span{1, 3}, func(uint64) error { return nil }); !errors.Is(err, ErrStream) {
		t.Errorf("the error is %v", err)
	}
}
