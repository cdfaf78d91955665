package audit

import (
	"context"
	"fmt"
	"maps"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/store"
)

// A repair writes exactly the missing events, and the store holds them then.
func TestRepairWritesExactlyTheMissingEvents(t *testing.T) {
	on := newMemory()
	fx := newFixtureOn(t, on, 64<<20)
	fx.publish(
		pageview("stored"), pageview("b", "data", `{}`), pageview("stored"),
		pageview("a"), pageview("a", "data", `{"host":"h","path":"/2"}`), // 4, 5: a conflict
		pageview("late"), pageview("late"), // 6, 7
	)
	fx.publish(pageviews("e", 2500)...)
	missing := func(seq uint64) bool { return seq == 2 || seq == 5 || seq == 6 || seq%100 == 50 && seq > 50 }
	fx.settleNext(2507, func(seq uint64) bool { return !missing(seq) })
	fx.publish(pageview("pending"))
	before := maps.Clone(on.docs)
	var written []uint64
	a := fx.auditor(func(c *Config) {
		c.Write = func(ctx context.Context, revision uint64, docs []*store.Document, read map[string]store.Held) ([]store.WriteResult, error) {
			if revision != fx.reg.Revision() {
				t.Errorf("judged by %d", revision)
			}
			for _, d := range docs {
				written = append(written, d.Origin.Seq)
			}
			return fx.write(ctx, revision, docs, read)
		}
	})
	got := fx.auditSelection(a, job.Selection{}, true)
	want := job.Account{
		FromSeq: 1, ToSeq: 2508, Stored: 2503, Rejected: 2, Duplicate: 2, Pending: 1, Repaired: uint64(len(written)),
		Duplicates: []job.Copy{{Seq: 3, Of: 1}, {Seq: 7, Of: 6}},
	}
	fx.wantAccount(got, want)
	for _, seq := range written {
		if !missing(seq) {
			t.Errorf("%d was written", seq)
		}
	}
	if len(written) != 3+24 {
		t.Errorf("%d were written", len(written))
	}
	for id, h := range before {
		if id == "demo/late" {
			continue // its first copy took its place
		}
		if diff := gocmp.Diff(h, on.docs[id]); diff != "" {
			t.Errorf("%s has changed:\n%s", id, diff)
		}
	}
	want.Repaired = 0
	fx.wantAccount(fx.auditAll(), want)
}

// A write without effect does not count as a repair.
func TestRepairIsVerified(t *testing.T) {
	fx := newFixture(t)
	fx.publish(pageviews("e", 3)...)
	fx.settleNext(3, func(seq uint64) bool { return seq != 2 })
	a := fx.auditor(func(c *Config) {
		c.Write = func(_ context.Context, _ uint64, docs []*store.Document, _ map[string]store.Held) ([]store.WriteResult, error) {
			return []store.WriteResult{store.Inserted}, nil
		}
	})
	got := fx.auditSelection(a, job.Selection{}, true)
	if got.Repaired != 0 || got.Missing != 1 {
		t.Errorf("the account is %+v", got)
	}
}

func TestLossInTheStreamIsNotRepaired(t *testing.T) {
	fx := newFixtureOn(t, newMemory(), smallRoom)
	fx.publish(large("e", 100)...)
	fx.settleNext(100, nil)
	fx.damageFiles(func(b []string) { fx.flip(b[1], fx.messagesOf(b[1])[0].offset+200, 1) })
	got := fx.auditSelection(fx.auditor(), job.Selection{}, true)
	if got.LostInStream != 1 || got.Missing != 1 || got.Repaired != 0 {
		t.Errorf("the account is %+v", got)
	}
	if fmt.Sprint(got.MissingSequences) != fmt.Sprint([]uint64{fx.messagesOf(fx.blocks()[1])[0].seq}) {
		t.Errorf("named are %v", got.MissingSequences)
	}
}
