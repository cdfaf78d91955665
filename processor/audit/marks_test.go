package audit

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// storedMarks returns the marks as they stand in the bucket.
func (w *fixture) storedMarks() marksRecord {
	w.t.Helper()
	kv, err := w.js.KeyValue(w.ctx, stream.BucketJobs)
	w.must(err)
	var r marksRecord
	_, err = get(w.ctx, kv, keyMarks, &r)
	w.must(err)
	return r
}

// A stream that was there before its marks begins with what it has: what it
// had before, nobody knows.
func TestMarksBeginWithWhatThereIs(t *testing.T) {
	w := newFixture(t)
	kv, err := w.js.KeyValue(w.ctx, stream.BucketJobs)
	w.must(err)
	w.must(kv.Purge(w.ctx, keyMarks))
	w.publish(pageviews("e", 10)...)
	w.settleNext(10, nil)
	w.purgeTo(4)
	w.must(w.marks().Check(w.ctx))
	r := w.storedMarks()
	if r.Epoch != w.epoch || r.KeptFrom != 4 || r.LastSeq != 10 || r.LastTime.IsZero() {
		t.Errorf("they begin with %+v", r)
	}
	w.wantAccount(w.auditAll(), job.Account{FromSeq: 4, ToSeq: 10, Stored: 7})
}

// Those of another stream are no longer believed.
func TestMarksOfAnotherStream(t *testing.T) {
	w := newFixture(t)
	w.publish(pageviews("e", 10)...)
	w.settleNext(10, nil)
	kv, err := w.js.KeyValue(w.ctx, stream.BucketJobs)
	w.must(err)
	revision, err := get(w.ctx, kv, keyMarks, &marksRecord{})
	w.must(err)
	_, err = put(w.ctx, kv, keyMarks, marksRecord{Epoch: 7, KeptFrom: 700, LastSeq: 900}, revision)
	w.must(err)
	w.wantAccount(w.auditAll(), job.Account{FromSeq: 1, ToSeq: 10, Stored: 10})
	if r := w.storedMarks(); r.Epoch != w.epoch || r.LastSeq != 10 || len(r.Losses) != 0 {
		t.Errorf("they are %+v", r)
	}
}

// Marks only grow, whoever writes them: any number of processors do.
func TestMarksGrow(t *testing.T) {
	w := newFixture(t)
	w.publish(pageviews("e", 40)...)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			m := w.marks()
			for seq := uint64(i + 1); seq <= 20; seq += 4 {
				if err := m.Advance(w.ctx, 2*seq); err != nil {
					t.Error(err)
				}
				if err := m.MarkPurged(w.ctx, seq); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	w.must(w.marks().MarkPurged(w.ctx, 3))
	w.must(w.marks().Advance(w.ctx, 5))
	if r := w.storedMarks(); r.KeptFrom != 20 || r.LastSeq != 40 || len(r.Losses) != 0 {
		t.Errorf("they are %+v", r)
	}
}

// An end that is lost is noted once, for good, also by a processor that runs on
// and whose first look comes when the sequences have been given again.
func TestALostEndIsNoted(t *testing.T) {
	for _, since := range []int{0, 5, 60} {
		t.Run(fmt.Sprint(since), func(t *testing.T) {
			w := newFixtureOn(t, newMemory(), smallRoom)
			w.publish(large("e", 120)...)
			w.settleNext(120, nil)
			w.must(w.marks().Advance(w.ctx, 120))
			var lost []uint64
			w.damageFiles(func(b []string) { lost = w.loseTail(b) })
			if len(lost) < 6 {
				t.Fatalf("%v are lost", spans(lost))
			}
			if since > 0 {
				w.publish(large("since", since)...)
			}
			for range 3 {
				w.must(w.marks().Advance(w.ctx, w.state().LastSeq))
			}
			r := w.storedMarks()
			if len(r.Losses) != 1 || r.Losses[0].From != lost[0] || r.Losses[0].To != 120 || r.LastSeq != w.state().LastSeq {
				t.Errorf("%v are lost: %+v", spans(lost), r)
			}
			// A range that ends before, or begins behind it, has not lost it.
			for _, s := range []job.Selection{{ToSeq: lost[0] - 1}, {FromSeq: 121}} {
				if got := w.auditSelection(w.auditor(), s, false); got.Missing != 0 {
					t.Errorf("%+v: %+v", s, got)
				}
			}
			if got := w.auditSelection(w.auditor(), job.Selection{ToSeq: lost[0]}, false); got.LostTail != 1 {
				t.Errorf("up to the first lost one: %+v", got)
			}
		})
	}
}

// loseTail deletes the last block, and what tells the server that it was there.
func (w *fixture) loseTail(blocks []string) []uint64 {
	w.t.Helper()
	return damages[tailLost](w, blocks)
}

// An end that was purged is not lost.
func TestAPurgedEndIsNotLost(t *testing.T) {
	w := newFixture(t)
	w.publish(pageviews("e", 10)...)
	w.settleNext(10, nil)
	m := w.marks()
	w.must(m.Advance(w.ctx, 10))
	w.must(m.MarkPurged(w.ctx, 11))
	w.purgeTo(11)
	w.damageFiles(func([]string) {})
	w.must(m.Advance(w.ctx, w.state().LastSeq))
	w.publish(pageviews("f", 3)...)
	w.must(m.Check(w.ctx))
	if r := w.storedMarks(); len(r.Losses) != 0 || r.LastSeq != 10 {
		t.Errorf("they are %+v", r)
	}
	w.wantAccount(w.auditAll(), job.Account{FromSeq: 11, ToSeq: 13, Pending: 3})
}

// A stream that is made anew under a running audit ends it.
func TestAStreamMadeAnew(t *testing.T) {
	w := newFixture(t)
	w.publish(pageviews("e", 3)...)
	w.must(w.js.DeleteStream(w.ctx, stream.Name))
	w.must(stream.Ensure(w.ctx, w.js, stream.Config{MaxBytes: 1 << 20}))
	if err := w.auditor().newScan(&report{}).accountFor(w.ctx, span{1, 3}, func(uint64) error { return nil }); !errors.Is(err, ErrStream) {
		t.Errorf("the error is %v", err)
	}
}
