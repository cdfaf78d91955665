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
func (fx *fixture) startFollowing(a *Auditor, lease time.Duration) (stop func()) {
	fx.t.Helper()
	ctx, cancel := context.WithCancel(fx.ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.newFollower(100_000, lease).followStream(ctx) }()
	stop = func() {
		cancel()
		if err, ok := <-ended; ok {
			close(ended)
			fx.must(err)
		}
	}
	fx.t.Cleanup(stop)
	return stop
}

const shortLease = 300 * time.Millisecond

func missingOf(a *Auditor, reason string) int {
	return int(testutil.ToFloat64(a.metrics.missing.WithLabelValues(reason)))
}

func positionOf(a *Auditor) int { return int(testutil.ToFloat64(a.metrics.position)) }

// storedLease returns the value of the lease's key.
func (fx *fixture) storedLease() (s leaseState) {
	fx.t.Helper()
	fx.readKey(keyLease, &s)
	return s
}

// bucketWrites returns the number of writes to the bucket of jobs.
func (fx *fixture) bucketWrites() uint64 {
	fx.t.Helper()
	s, err := fx.js.Stream(fx.ctx, stream.BucketStream(stream.BucketJobs))
	fx.must(err)
	return s.CachedInfo().State.LastSeq
}

// The continuous audit follows the settled messages, finds a vanished document once
// in each pass, and never audits messages that are not settled.
func TestFollowAuditsSettledMessagesAgainInEachPass(t *testing.T) {
	on := newMemory()
	fx := newFixtureOn(t, on, 64<<20)
	fx.publish(pageviews("a", 1500)...)
	fx.settleNext(1500, nil)
	on.remove("demo/a0700", "demo/a0701")
	var clock atomic.Pointer[time.Time]
	now := time.Now()
	clock.Store(&now)
	a := fx.auditor(func(c *Config) { c.Now = func() time.Time { return *clock.Load() } })
	fx.startFollowing(a, shortLease)
	fx.poll("it has caught up", func() bool { return positionOf(a) == 1500 })
	if n := missingOf(a, job.MissingInStore); n != 2 {
		t.Errorf("%d are missing", n)
	}
	fx.publish(pageviews("b", 100)...)
	fx.settleNext(60, nil) // the others are not settled
	fx.poll("it follows", func() bool { return positionOf(a) == 1560 })
	on.remove("demo/a0002", "demo/b0001")
	tomorrow := now.Add(passEvery)
	clock.Store(&tomorrow)
	fx.poll("it begins again", func() bool { return missingOf(a, job.MissingInStore) == 2+4 })
	fx.poll("it has caught up again", func() bool { return fx.storedLease().Next == 1561 })
	if n := missingOf(a, job.MissingInStore); n != 6 {
		t.Errorf("%d are missing", n)
	}
}

// One process of several audits. When it ends, another one continues at once, and
// does not report the same losses again.
func TestOneOfManyFollows(t *testing.T) {
	on := newMemory()
	fx := newFixtureOn(t, on, 64<<20)
	fx.publish(pageviews("a", 500)...)
	fx.settleNext(500, nil)
	on.remove("demo/a0100")
	first, second := fx.auditor(), fx.auditor()
	stop := fx.startFollowing(first, shortLease)
	fx.poll("the first has caught up", func() bool { return positionOf(first) == 500 })
	runner := fx.storedLease().Runner
	fx.startFollowing(second, time.Hour) // it does not wait for a lease to end
	fx.poll("the first has held it for a while", func() bool {
		if r := fx.storedLease().Runner; r != runner {
			t.Fatalf("%s took it over from %s", r, runner)
		}
		return fx.bucketWrites() > 20
	})
	fx.publish(pageviews("b", 100)...)
	fx.settleNext(100, nil)
	fx.poll("the first follows", func() bool { return positionOf(first) == 600 })
	if positionOf(second) != 0 {
		t.Error("both do")
	}
	stop()
	fx.publish(pageviews("c", 100)...)
	fx.settleNext(100, nil)
	fx.poll("the second goes on", func() bool { return positionOf(second) == 700 })
	if missingOf(first, job.MissingInStore) != 1 || missingOf(second, job.MissingInStore) != 0 {
		t.Error("found again")
	}
}

// A process that hangs loses the lease, and its findings after that do not count.
func TestFindingsWithoutTheLeaseDoNotCount(t *testing.T) {
	on := newMemory()
	fx := newFixtureOn(t, on, 64<<20)
	fx.publish(pageviews("a", 50)...)
	fx.settleNext(50, nil)
	on.remove("demo/a0010")
	first, second := fx.auditor(), fx.auditor()
	reached, open := gateReads(first, 0)
	hangs, ended := first.newFollower(100_000, shortLease), make(chan struct{})
	go func() {
		defer close(ended)
		if err := hangs.auditSettled(fx.ctx); err != nil {
			t.Error(err)
		}
	}()
	fx.awaitClosed("the audit is in the middle", reached)
	fx.startFollowing(second, shortLease)
	fx.poll("the second takes over", func() bool { return positionOf(second) == 50 })
	open()
	fx.awaitClosed("the first learns it", ended)
	if hangs.lease.Held() || missingOf(first, job.MissingInStore) != 0 || missingOf(second, job.MissingInStore) != 1 {
		t.Error("both found it")
	}
}

// Losses of the stream are found in the middle and at its end, once.
func TestFollowReportsLossesOnce(t *testing.T) {
	fx := newFixtureOn(t, newMemory(), smallRoom)
	fx.publish(large("a", 100)...)
	fx.settleNext(100, nil)
	fx.must(fx.marks().Advance(fx.ctx, 100))
	var lost []uint64
	fx.damageFiles(func(b []string) {
		lost = fx.loseTail(b)
		lost = append(lost, remove(func(b []string) string { return b[1] })(fx, b)...)
	})
	fx.must(fx.marks().CheckTail(fx.ctx))
	a := fx.auditor()
	stop := fx.startFollowing(a, shortLease)
	fx.poll("it has caught up", func() bool { return positionOf(a) == int(fx.state().LastSeq) })
	stop()
	if n := missingOf(a, job.LostInStream); n != len(lost) || missingOf(a, job.MissingInStore) != 0 {
		t.Errorf("%d are lost, want %d", n, len(lost))
	}
	again := fx.auditor()
	fx.startFollowing(again, shortLease)
	fx.publish(pageviews("b", 10)...)
	fx.settleNext(10, nil)
	fx.poll("it goes on", func() bool { return positionOf(again) == int(fx.state().LastSeq) })
	if n := missingOf(again, job.LostInStream); n != 0 {
		t.Errorf("%d are lost once more", n)
	}
}

// An alarm on an increase needs the metric to exist before.
func TestMetricsExistBeforeTheFirstLoss(t *testing.T) {
	fx := newFixture(t)
	a := fx.auditor()
	err := testutil.CollectAndCompare(a.metrics.missing, strings.NewReader(`
# HELP eye_processor_audit_missing_total Accepted events that the continuous audit found missing in the store, or lost in the stream. An alarm.
# TYPE eye_processor_audit_missing_total counter
eye_processor_audit_missing_total{reason="store"} 0
eye_processor_audit_missing_total{reason="stream"} 0
`))
	fx.must(err)
	if _, err := New(a.cfg); err == nil {
		t.Error("the same metrics twice")
	}
	fx.must(a.Follow(fx.ctx, 0))
}
