package audit

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// Every verdict occurs, on both kinds of store.
func TestEveryVerdict(t *testing.T) {
	stores := map[string]func(*testing.T) base{
		"memory":  func(*testing.T) base { return newMemory() },
		"MongoDB": func(t *testing.T) base { return openMongo(t) },
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { testEveryVerdict(t, newFixtureOn(t, open(t), 64<<20)) })
	}
}

func testEveryVerdict(t *testing.T, fx *fixture) {
	fx.apply(map[string]string{"policy.json": `{"retention": {"types": {"form=20interaction/submit": {"stored": "1h", "rejected": "1h"}}}}`})
	purged := fx.publish(pageviews("purged", 3)...)
	fx.settleNext(3, nil)
	fx.must(fx.marks().MarkPurged(fx.ctx, purged+1))
	fx.purgeTo(purged + 1)

	old := func(payload string) { fx.publishAt(time.Now().Add(-2*time.Hour), payload) }
	fx.publish(
		pageview("a"),                    // 4: stored
		pageview("b", "data", `{}`),      // 5: rejected
		pageview("a"),                    // 6: a copy of 4
		pageview("a", "name", `"other"`), // 7: a conflict
		pageview("a", "name", `"other"`), // 8: its copy
		"[1]",                            // 9: cannot be read
		pageview("gone"),                 // 10: missing
		pageview("late"),                 // 11: missing, its copy is not
		pageview("late"),                 // 12: stored
		pageview("c", "data", `{"n":1}`), // 13: rejected
		pageview("c", "data", `{"n":2}`), // 14: a conflict that is missing
	)
	form := []string{"category", `"form interaction"`, "name", `"submit"`}
	old(pageview("expired", form...))                                // 15: expired
	old(pageview("rejected", append(form, "session_id", `"no"`)...)) // 16: expired
	fx.publish(pageview("fresh", form...))                           // 17: not expired, and missing
	fx.settleNext(14, func(seq uint64) bool { return seq != 10 && seq != 11 && seq != 14 && seq < 15 })
	fx.publish(pageview("pending"), pageview("a")) // 18: pending, 19: a copy, settled or not

	got := fx.auditAll()
	fx.wantAccount(got, job.Account{
		FromSeq: 4, ToSeq: 19, Stored: 2, Rejected: 4, Duplicate: 3, Expired: 2, Pending: 1, Missing: 4, MissingInStore: 4,
		MissingSequences: []uint64{10, 11, 14, 17},
		MissingRanges: []job.Range{
			{From: 10, To: 11, Reason: job.MissingInStore},
			{From: 14, To: 14, Reason: job.MissingInStore},
			{From: 17, To: 17, Reason: job.MissingInStore},
		},
		Duplicates: []job.Copy{{Seq: 6, Of: 4}, {Seq: 8, Of: 7}, {Seq: 19, Of: 4}},
	})
	whole := fx.auditSelection(fx.auditor(), job.Selection{FromSeq: 1}, false)
	if whole.Purged != 3 || whole.Missing != 4 || whole.FromSeq != 1 {
		t.Errorf("from 1 on: %+v", whole)
	}
}

func (fx *fixture) purgeTo(first uint64) {
	fx.t.Helper()
	s, err := fx.js.Stream(fx.ctx, stream.Name)
	fx.must(err)
	fx.must(s.Purge(fx.ctx, jetstream.WithPurgeSequence(first)))
}

// An event that the store holds from an earlier stream is a duplicate of that
// origin.
func TestCopyOfAnEarlierStreamIsADuplicate(t *testing.T) {
	on := newMemory()
	fx := newFixtureOn(t, on, 64<<20)
	fx.publish(pageview("a"))
	fx.settleNext(1, nil)
	h := on.docs["demo/a"]
	h.Origin = store.Origin{Epoch: fx.epoch - 1, Seq: 77}
	on.docs["demo/a"] = h
	fx.wantAccount(fx.auditAll(), job.Account{
		FromSeq: 1, ToSeq: 1, Duplicate: 1, Duplicates: []job.Copy{{Seq: 1, Of: 77, Epoch: fx.epoch - 1}},
	})
}

// The document of a conflict is found under its conflict id also when the id of the
// event is free, or held by a later copy of the event.
func TestConflictIsFoundWithoutItsOpponent(t *testing.T) {
	for _, then := range []string{"free", "a later copy"} {
		t.Run(then, func(t *testing.T) {
			on := newMemory()
			fx := newFixtureOn(t, on, 64<<20)
			fx.publish(pageview("a"), pageview("a", "name", `"other"`))
			fx.settleNext(2, nil)
			on.remove("demo/a")
			n := uint64(2)
			if then == "a later copy" {
				n = fx.publish(pageview("a", "name", `"other"`))
				fx.settleNext(1, nil)
			}
			got := fx.auditSelection(fx.auditor(), job.Selection{FromSeq: 2}, false)
			if got.Rejected == 0 || got.Rejected+got.Duplicate != n-1 || got.Missing != 0 {
				t.Errorf("the conflict: %+v", got)
			}
		})
	}
}

// A processor writes and settles events while the audit looks them up.
func TestEventSettledDuringTheAuditIsNotMissing(t *testing.T) {
	on := newMemory()
	fx := newFixtureOn(t, on, 64<<20)
	fx.publish(pageviews("e", 50)...)
	settled := false
	on.after = func([]string) {
		if !settled {
			settled = true
			on.after = nil
			fx.settleNext(50, nil)
		}
	}
	fx.wantAccount(fx.auditAll(), job.Account{FromSeq: 1, ToSeq: 50, Stored: 50})
	if !settled {
		t.Error("nothing was settled meanwhile")
	}
}

// A pending event is looked up once more, and is missing if a processor has settled
// it without writing it.
func TestEventSettledWithoutAWriteIsMissing(t *testing.T) {
	on := newMemory()
	fx := newFixtureOn(t, on, 64<<20)
	fx.publish(pageviews("e", 3)...)
	on.after = func([]string) {
		on.after = nil
		fx.settleNext(3, func(seq uint64) bool { return seq != 2 })
	}
	fx.wantAccount(fx.auditAll(), job.Account{
		FromSeq: 1, ToSeq: 3, Stored: 2, Missing: 1, MissingInStore: 1, MissingSequences: []uint64{2},
		MissingRanges: []job.Range{{From: 2, To: 2, Reason: job.MissingInStore}},
	})
}

// An event on which the decoder panics has the identity of its bytes, which no part of it
// shows.
func TestEventIsFoundByItsDecodedIdentity(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 30)...)
	fx.settleNext(30, func(seq uint64) bool { return seq != 7 })
	a := fx.auditor()
	a.identify = func(m stream.Raw, epoch int64) *store.Document {
		d := outcome.Identify(m, epoch)
		if m.Seq%3 == 0 || m.Seq == 7 {
			d.ID, d.ContentHash = "demo/another", "of the part that was decoded"
		}
		return d
	}
	fx.wantAccount(fx.auditSelection(a, job.Selection{}, false), job.Account{
		FromSeq: 1, ToSeq: 30, Stored: 29, Missing: 1, MissingInStore: 1, MissingSequences: []uint64{7},
		MissingRanges: []job.Range{{From: 7, To: 7, Reason: job.MissingInStore}},
	})
}

// A replica that lags behind has fewer messages than the leader, in the middle and at
// the end.
func TestMessageThatTheLeaderHasIsNotLost(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 30)...)
	fx.settleNext(30, nil)
	a := fx.auditor()
	a.readStream = func(ctx context.Context, js jetstream.JetStream, r stream.Range) iter.Seq2[[]stream.Raw, error] {
		return func(yield func([]stream.Raw, error) bool) {
			for portion, err := range stream.Read(ctx, js, r) {
				var shown []stream.Raw
				for _, m := range portion {
					if m.Seq != 1 && m.Seq != 10 && m.Seq != 11 && m.Seq < 25 {
						shown = append(shown, m)
					}
				}
				if len(shown) > 0 && !yield(shown, err) {
					return
				}
			}
		}
	}
	fx.wantAccount(fx.auditSelection(a, job.Selection{}, false), job.Account{FromSeq: 1, ToSeq: 30, Stored: 30})
}

// A server that is shutting down answers for every message that it has none.
func TestLeaderIsAskedTwice(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 30)...)
	fx.settleNext(30, nil)
	a := fx.auditor()
	a.readStream = func(context.Context, jetstream.JetStream, stream.Range) iter.Seq2[[]stream.Raw, error] {
		return func(func([]stream.Raw, error) bool) {}
	}
	asked := make([]bool, 31) // each is asked for by one goroutine at a time
	a.readLeader = func(ctx context.Context, js jetstream.JetStream, seq uint64) (stream.Raw, bool, error) {
		if !asked[seq] {
			asked[seq] = true
			return stream.Raw{}, false, nil
		}
		return readFromLeader(ctx, js, seq)
	}
	fx.wantAccount(fx.auditSelection(a, job.Selection{}, false), job.Account{FromSeq: 1, ToSeq: 30, Stored: 30})
}

func TestPurgeDuringTheAuditIsNotALoss(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 3000)...)
	fx.settleNext(3000, nil)
	a := fx.auditor()
	a.readStream = func(ctx context.Context, js jetstream.JetStream, r stream.Range) iter.Seq2[[]stream.Raw, error] {
		fx.must(fx.marks().MarkPurged(ctx, 2001))
		fx.purgeTo(2001)
		return stream.Read(ctx, js, r)
	}
	fx.wantAccount(fx.auditSelection(a, job.Selection{}, false), job.Account{FromSeq: 1, ToSeq: 3000, Purged: 2000, Stored: 1000})
}

// The purge mark is read after the leader was asked.
func TestPurgeWhileTheLeaderIsAskedIsNotALoss(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 30)...)
	fx.settleNext(30, nil)
	a := fx.auditor()
	a.readStream = func(context.Context, jetstream.JetStream, stream.Range) iter.Seq2[[]stream.Raw, error] {
		return func(func([]stream.Raw, error) bool) {}
	}
	var purge sync.Once
	a.readLeader = func(ctx context.Context, js jetstream.JetStream, seq uint64) (stream.Raw, bool, error) {
		purge.Do(func() {
			fx.must(fx.marks().MarkPurged(ctx, 21))
			fx.purgeTo(21)
		})
		return readFromLeader(ctx, js, seq)
	}
	fx.wantAccount(fx.auditSelection(a, job.Selection{}, false), job.Account{FromSeq: 1, ToSeq: 30, Purged: 20, Stored: 10})
}

// Messages that no processor purged are lost, also if another client purged them.
func TestPurgeByOthersIsALoss(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 30)...)
	fx.settleNext(30, nil)
	fx.purgeTo(21)
	fx.must(fx.marks().MarkPurged(fx.ctx, 11)) // what processors purge next
	fx.wantAccount(fx.auditSelection(fx.auditor(), job.Selection{FromSeq: 1}, false), job.Account{
		FromSeq: 1, ToSeq: 30, Purged: 10, Stored: 10, Missing: 10, LostInStream: 10,
		MissingSequences: []uint64{11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
		MissingRanges:    []job.Range{{From: 11, To: 20, Reason: job.LostInStream}},
	})
}

func TestMessagesOfOthersAreAccountedFor(t *testing.T) {
	fx := newFixture(t)
	for _, m := range []*nats.Msg{
		{Subject: "events.x", Data: []byte("{}")},
		{Subject: "events.x", Data: []byte("{}")},
		{Subject: "events.y"},
		outcometest.Message("demo", "{}"),
	} {
		_, err := fx.js.PublishMsg(fx.ctx, m)
		fx.must(err)
	}
	fx.settleNext(4, nil)
	fx.wantAccount(fx.auditAll(), job.Account{
		FromSeq: 1, ToSeq: 4, Rejected: 3, Duplicate: 1, Duplicates: []job.Copy{{Seq: 2, Of: 1}},
	})
}

// The stream is empty from the start, or after a purge of everything.
func TestEmptyStreamHasAnAccount(t *testing.T) {
	fx := newFixture(t)
	fx.wantAccount(fx.auditAll(), job.Account{FromSeq: 1})
	fx.publish(pageviews("e", 5)...)
	fx.settleNext(5, nil)
	fx.must(fx.marks().MarkPurged(fx.ctx, 6))
	fx.purgeTo(6)
	fx.wantAccount(fx.auditAll(), job.Account{FromSeq: 6, ToSeq: 5})
	fx.wantAccount(fx.auditSelection(fx.auditor(), job.Selection{FromSeq: 2, ToSeq: 4}, false), job.Account{FromSeq: 2, ToSeq: 4, Purged: 3})
	fx.wantAccount(fx.auditSelection(fx.auditor(), job.Selection{FromSeq: 9}, false), job.Account{FromSeq: 9, ToSeq: 8})
}

// The number of named events is bounded, the counts are not.
func TestReportNamesABoundedNumber(t *testing.T) {
	l := &report{}
	var found []job.Range
	for i := range uint64(3 * job.MaxNamed) {
		found = append(found, job.Range{From: 3 * i, To: 3*i + 1, Reason: job.LostInStream})
		l.addDuplicate(i, store.Origin{Seq: 1}, 0)
	}
	l.addMissing(found)
	got := l.snapshot()
	if got.Missing != 6*job.MaxNamed || len(got.MissingRanges) != job.MaxNamed || len(got.MissingSequences) != job.MaxNamed ||
		got.Unnamed != 4*job.MaxNamed || len(got.Duplicates) != maxDuplicates {
		t.Errorf("%d missing, %d ranges, %d sequences, %d unnamed", got.Missing, len(got.MissingRanges), len(got.MissingSequences), got.Unnamed)
	}
	if s := fmt.Sprint(got.MissingSequences[:4]); s != "[0 1 3 4]" {
		t.Errorf("the first are %s", s)
	}
}
