package audit

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// startFollowing runs the continuous audit of one process; the returned function ends
// it.
func (w *fixture) startFollowing(a *Auditor, lease time.Duration) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.follower(100_000, lease).followStream(ctx) }()
	stop = func() {
		cancel()
		if err, ok := <-ended; ok {
			close(ended)
			w.must(err)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

const shortLease = 300 * time.Millisecond

func missingOf(a *Auditor, reason string) int {
	return int(testutil.ToFloat64(a.metrics.missing.WithLabelValues(reason)))
}

func positionOf(a *Auditor) int { return int(testutil.ToFloat64(a.metrics.position)) }

// storedLease is what the bucket says of the continuous audit.
func (w *fixture) storedLease() (s shift) {
	w.t.Helper()
	kv, err := w.js.KeyValue(w.ctx, stream.BucketJobs)
	w.must(err)
	_, err = get(w.ctx, kv, keyShift, &s)
	w.must(err)
	return s
}

// bucketWrites is how often the key was written.
func (w *fixture) bucketWrites() uint64 {
	w.t.Helper()
	s, err := w.js.Stream(w.ctx, stream.BucketStream(stream.BucketJobs))
	w.must(err)
	return s.CachedInfo().State.LastSeq
}

// The continuous audit follows what is settled, finds a document that vanished
// once a pass, and never looks at what is not settled.
func TestFollow(t *testing.T) {
	on := newMemory()
	w := newFixtureOn(t, on, 64<<20)
	w.publish(pageviews("a", 1500)...)
	w.settleNext(1500, nil)
	on.remove("demo/a0700", "demo/a0701")
	var clock atomic.Pointer[time.Time]
	now := time.Now()
	clock.Store(&now)
	a := w.auditor(func(c *Config) { c.Now = func() time.Time { return *clock.Load() } })
	w.startFollowing(a, shortLease)
	w.poll("it has caught up", func() bool { return positionOf(a) == 1500 })
	if n := missingOf(a, job.MissingInStore); n != 2 {
		t.Errorf("%d are missing", n)
	}
	w.publish(pageviews("b", 100)...)
	w.settleNext(60, nil) // the others are not settled
	w.poll("it follows", func() bool { return positionOf(a) == 1560 })
	on.remove("demo/a0002", "demo/b0001")
	tomorrow := now.Add(passEvery)
	clock.Store(&tomorrow)
	w.poll("it begins again", func() bool { return missingOf(a, job.MissingInStore) == 2+4 })
	w.poll("it has caught up again", func() bool { return w.storedLease().Next == 1561 })
	if n := missingOf(a, job.MissingInStore); n != 6 {
		t.Errorf("%d are missing", n)
	}
}

// One process of many does it. Another one goes on when it ends, at once, or when
// it hangs, after the lease; what was found is not found again.
func TestOneFollows(t *testing.T) {
	on := newMemory()
	w := newFixtureOn(t, on, 64<<20)
	w.publish(pageviews("a", 500)...)
	w.settleNext(500, nil)
	on.remove("demo/a0100")
	first, second := w.auditor(), w.auditor()
	stop := w.startFollowing(first, shortLease)
	w.poll("the first has caught up", func() bool { return positionOf(first) == 500 })
	runner := w.storedLease().Runner
	w.startFollowing(second, time.Hour) // it does not wait for a lease to end
	w.poll("the first has held it for a while", func() bool {
		if r := w.storedLease().Runner; r != runner {
			t.Fatalf("%s took it from %s", r, runner)
		}
		return w.bucketWrites() > 20
	})
	w.publish(pageviews("b", 100)...)
	w.settleNext(100, nil)
	w.poll("the first follows", func() bool { return positionOf(first) == 600 })
	if positionOf(second) != 0 {
		t.Error("both do")
	}
	stop()
	w.publish(pageviews("c", 100)...)
	w.settleNext(100, nil)
	w.poll("the second goes on", func() bool { return positionOf(second) == 700 })
	if missingOf(first, job.MissingInStore) != 1 || missingOf(second, job.MissingInStore) != 0 {
		t.Error("found again")
	}
}

// A process that hangs loses the shift, and what it finds then does not count.
func TestAHangingFollower(t *testing.T) {
	on := newMemory()
	w := newFixtureOn(t, on, 64<<20)
	w.publish(pageviews("a", 50)...)
	w.settleNext(50, nil)
	on.remove("demo/a0010")
	first, second := w.auditor(), w.auditor()
	reached, open := gateReads(first, 0)
	hangs, ended := first.follower(100_000, shortLease), make(chan struct{})
	go func() {
		defer close(ended)
		if err := hangs.followOnce(w.ctx); err != nil {
			t.Error(err)
		}
	}()
	w.awaitClosed("the audit is in the middle", reached)
	w.startFollowing(second, shortLease)
	w.poll("the second takes over", func() bool { return positionOf(second) == 50 })
	open()
	w.awaitClosed("the first learns it", ended)
	if hangs.mine || missingOf(first, job.MissingInStore) != 0 || missingOf(second, job.MissingInStore) != 1 {
		t.Error("both found it")
	}
}

// What the stream loses while it is followed is found, in the middle and at the
// end, once.
func TestFollowFindsLosses(t *testing.T) {
	w := newFixtureOn(t, newMemory(), smallRoom)
	w.publish(large("a", 100)...)
	w.settleNext(100, nil)
	w.must(w.marks().Advance(w.ctx, 100))
	var lost []uint64
	w.damageFiles(func(b []string) {
		lost = w.loseTail(b)
		lost = append(lost, remove(func(b []string) string { return b[1] })(w, b)...)
	})
	w.must(w.marks().Check(w.ctx))
	a := w.auditor()
	stop := w.startFollowing(a, shortLease)
	w.poll("it has caught up", func() bool { return positionOf(a) == int(w.state().LastSeq) })
	stop()
	if n := missingOf(a, job.LostInStream); n != len(lost) || missingOf(a, job.MissingInStore) != 0 {
		t.Errorf("%d are lost, want %d", n, len(lost))
	}
	again := w.auditor()
	w.startFollowing(again, shortLease)
	w.publish(pageviews("b", 10)...)
	w.settleNext(10, nil)
	w.poll("it goes on", func() bool { return positionOf(again) == int(w.state().LastSeq) })
	if n := missingOf(again, job.LostInStream); n != 0 {
		t.Errorf("%d are lost once more", n)
	}
}

// An alarm needs to be there before it rises.
func TestMetrics(t *testing.T) {
	w := newFixture(t)
	a := w.auditor()
	err := testutil.CollectAndCompare(a.metrics.missing, strings.NewReader(`
# HELP eye_processor_audit_missing_total Accepted events that the continuous audit found missing in the store, or lost in the stream. An alarm.
# TYPE eye_processor_audit_missing_total counter
eye_processor_audit_missing_total{reason="store"} 0
eye_processor_audit_missing_total{reason="stream"} 0
`))
	w.must(err)
	if _, err := New(a.cfg); err == nil {
		t.Error("the same metrics twice")
	}
	w.must(a.Follow(w.ctx, 0))
}
