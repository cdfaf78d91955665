package replay

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// newRun returns a replay over the whole stream, after its barrier.
func (fx *fixture) newRun() *run {
	r := &run{Replayer: New(fx.config()), job: job.Job{ID: "0123456789abcdef0", Runs: 1}}
	s, err := fx.js.Stream(fx.ctx, stream.Name)
	fx.must(err)
	r.checkpoint = checkpoint{First: 1, Next: 1, Last: s.CachedInfo().State.LastSeq}
	return r
}

// readAll reads all portions, as a pass does, and returns their sequences.
func readAll(t testing.TB, s *source, each func(portion []stream.Raw)) (seqs []uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for p, err := range s.portions(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range p.messages {
			seqs = append(seqs, m.Seq)
		}
		each(p.messages)
		s.ackPortion(p)
		s.r.checkpoint.Next = p.end()
	}
	return seqs
}

func sequences(from, to uint64) (seqs []uint64) {
	for seq := from; seq <= to; seq++ {
		seqs = append(seqs, seq)
	}
	return seqs
}

// Portions are bounded in events and bytes. A message that is larger than a portion is
// a portion of its own.
func TestPortionsAreBounded(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.publish(testEvents("small", 2300, "a")...)
	for range 3 {
		huge := testEvent{id: "huge"}.msg(fx.began)
		huge.Data = bytes.Repeat([]byte("x"), portionBytes+1<<20)
		large := testEvent{id: "large"}.msg(fx.began)
		large.Data = bytes.Repeat([]byte("y"), portionBytes/2)
		fx.publishMsg(huge, large, large, large)
	}
	fx.publish(testEvents("more", 10, "a")...)
	s := fx.newRun().newSource(portionEvents)
	got := readAll(t, s, func(portion []stream.Raw) {
		size := 0
		for _, m := range portion {
			size += len(m.Payload)
		}
		if len(portion) > portionEvents || len(portion) > 1 && size > portionBytes {
			t.Errorf("a portion of %d events and %d bytes", len(portion), size)
		}
	})
	if diff := cmp.Diff(sequences(1, 2322), got); diff != "" {
		t.Errorf("sequences (-want +got):\n%s", diff)
	}
	if s.consumersMade != 1 {
		t.Errorf("it took %d consumers", s.consumersMade)
	}
}

// Messages that were delivered to another client, or are redelivered, are noticed.
func TestLostDeliveriesAreReadAgain(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.publish(testEvents("e", 5000, "a")...)
	s := fx.newRun().newSource(1000)
	portions := 0
	got := readAll(t, s, func([]stream.Raw) {
		if portions++; portions%2 == 0 {
			return
		}
		batch, err := s.consumer.Fetch(100, jetstream.FetchMaxWait(time.Second))
		fx.must(err)
		for range batch.Messages() { // as if they were lost
		}
	})
	if diff := cmp.Diff(sequences(1, 5000), got); diff != "" {
		t.Errorf("sequences (-want +got):\n%s", diff)
	}
	if s.consumersMade < 3 {
		t.Errorf("it took %d consumers", s.consumersMade)
	}
	fx.wantConsumers(s.name)
}

func TestLostDeliveriesAtTheEndAreReadAgain(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.publish(testEvents("e", 20, "a")...)
	r := fx.newRun()
	r.checkpoint.Last = 100 // of a range whose end has nothing of the selection
	s := r.newSource(10)
	got := readAll(t, s, func(portion []stream.Raw) {
		if portion[0].Seq == 1 {
			batch, err := s.consumer.Fetch(10, jetstream.FetchMaxWait(time.Second))
			fx.must(err)
			for range batch.Messages() {
			}
		}
	})
	if diff := cmp.Diff(sequences(1, 20), got); diff != "" {
		t.Errorf("sequences (-want +got):\n%s", diff)
	}
}

func TestDeletedConsumerIsRecreatedAtTheCheckpoint(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.publish(testEvents("e", 5000, "a")...)
	s := fx.newRun().newSource(portionEvents)
	got := readAll(t, s, func(portion []stream.Raw) {
		if portion[0].Seq == 2001 {
			fx.must(fx.js.DeleteConsumer(fx.ctx, stream.Name, s.name))
		}
	})
	if diff := cmp.Diff(sequences(1, 5000), got); diff != "" {
		t.Errorf("sequences (-want +got):\n%s", diff)
	}
}

// The consumer's floor follows the replay, so that the rest of its range is not purged.
// A replay does not delete the consumers of another one.
func TestFloorFollowsTheReplay(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.publish(testEvents("e", 3000, "a")...)
	for _, name := range []string{"replay-0123456789abcdef0-0-7", "replay-0123456789abcdef1-1-0", "replay-0123456789abcdef01-1-0"} {
		_, err := fx.js.CreateConsumer(fx.ctx, stream.Name, jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckAllPolicy})
		fx.must(err)
	}
	s := fx.newRun().newSource(portionEvents)
	readAll(t, s, func(portion []stream.Raw) {
		fx.poll("the floor follows", func() bool {
			info, err := s.consumer.Info(fx.ctx)
			return err == nil && info.AckFloor.Stream == portion[0].Seq-1
		})
	})
	fx.wantConsumers("replay-0123456789abcdef0-1-0", "replay-0123456789abcdef01-1-0", "replay-0123456789abcdef1-1-0")
	s.r.deleteConsumers(fx.ctx)
	fx.wantConsumers("replay-0123456789abcdef01-1-0", "replay-0123456789abcdef1-1-0")
}

// NATS restarts during the pass or the sweep of a replay, or during a dry run. The job
// processes every event.
func TestJobOutlastsARestartOfNATS(t *testing.T) {
	for name, tc := range map[string]struct {
		kind job.Kind
		only string
		nth  int
	}{"dry run": {job.DryRun, "", 2}, "pass": {job.Replay, "", 3}, "sweep": {job.Replay, job.OnlyRejected, 8}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fx := newFixture(t)
			events := testEvents("e", 5000, "a")
			fx.requireMember("b")
			fx.publish(events...)
			fx.settleAll()
			fx.requireMember("a")
			var restarted atomic.Bool
			var once sync.Once
			fx.startRunner("one", beforeRead(func(_ context.Context, n int) error {
				if n == tc.nth {
					once.Do(func() {
						fx.nats.Shutdown()
						fx.nats.Restart()
						restarted.Store(true)
					})
				}
				return nil
			}))
			id := fx.createJob(tc.kind, job.Selection{Only: tc.only})
			j := fx.awaitDone(id)
			// A second run, after an outage that outlasts the lease, finds documents that the
			// first has written since the checkpoint, and counts them as unchanged.
			if c := fx.reportOf(j); j.Runs == 1 && (c.NewlyValid != 5000 || c.Unchanged > 0) || !restarted.Load() {
				t.Errorf("it counts %+v in run %d", withoutGroups(c), j.Runs)
			}
			want := map[string]int{fmt.Sprintf("stored at %d", j.TargetRevision): 5000}
			if diff := cmp.Diff(want, fx.documentStates(events)); diff != "" && tc.kind == job.Replay {
				t.Errorf("after the replay (-want +got):\n%s", diff)
			}
		})
	}
}
