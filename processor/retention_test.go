package processor

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/store"
)

// policyOf is a policy with a retention.
func policyOf(retention string) map[string]string {
	return map[string]string{"policy.json": `{"retention":` + retention + `}`}
}

// awaitRetention waits until the job of a revision of the policy is done, and returns
// its report.
func (fx *fixture) awaitRetention(revision uint64) (report job.RetentionReport) {
	fx.t.Helper()
	b := fx.jobBucket()
	var last job.Entry
	fx.poll(fmt.Sprintf("the retention of revision %d is applied", revision), func() bool {
		all, err := b.List(fx.ctx())
		if err != nil {
			fx.t.Fatal(err)
		}
		for _, e := range all {
			if e.Kind == job.Retention && e.TargetRevision == revision {
				last = e
				return e.State.Final()
			}
		}
		return false
	})
	if last.State != job.Done {
		fx.t.Fatalf("the job ended %s: %s", last.State, last.Error)
	}
	if err := json.Unmarshal(last.Report, &report); err != nil {
		fx.t.Fatal(err)
	}
	return report
}

// wantExpiry fails the test unless each event expires so long after it was received,
// 0 for never.
func (fx *fixture) wantExpiry(after time.Duration, ids ...string) {
	fx.t.Helper()
	held, err := fx.store.Held(fx.ctx(), ids)
	if err != nil {
		fx.t.Fatal(err)
	}
	for _, id := range ids {
		h, ok := held[id]
		want := time.Time{}
		if after > 0 {
			want = outcometest.ReceivedAt().Truncate(time.Millisecond).Add(after)
		}
		if !ok || !h.ExpiresAt.Equal(want) {
			fx.t.Fatalf("%s is held %v until %v, want %v", id, ok, h.ExpiresAt, want)
		}
	}
}

func idsOfCases(n int, changes ...job.Change) (ids []string) {
	for _, change := range changes {
		for i := range n {
			ids = append(ids, fmt.Sprintf("demo/%s-%d", change, i))
		}
	}
	return ids
}

const year = 365 * 24 * time.Hour

// Every change of the retention reaches the documents of both outcomes, whatever the
// policy was when they were written, and those that are written while it is applied.
func TestChangedRetentionReachesEveryDocument(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	const n = 200
	fx.startLive()
	fx.startLive()
	fx.publishCases(n)
	fx.awaitSettled()
	stored := idsOfCases(n, job.Unchanged, job.NewlyRejected)
	rejected := idsOfCases(n, job.NewlyValid, job.StillRejected)
	for i, c := range []struct {
		policy           string
		stored, rejected time.Duration
		changed          uint64
	}{
		{`{"stored":"438000h"}`, 50 * year, 0, 2 * n},
		{`{"stored":"438000h","rejected":"525600h"}`, 50 * year, 60 * year, 2 * n},
		{`{"stored":"219000h","rejected":"525600h","types":{"page=20interaction/pageview":{"rejected":"613200h"}}}`, 25 * year, 70 * year, 4 * n},
		{`{}`, 0, 0, 4 * n},
	} {
		revision := fx.applyFiles(policyOf(c.policy))
		fx.publish(outcometest.Pageview(fmt.Sprintf("beside-%d", i)))
		report := fx.awaitRetention(revision)
		if report.Documents < 4*n || report.Changed < c.changed || report.Changed > c.changed+8 {
			t.Errorf("%s: %+v, want %d changed", c.policy, report, c.changed)
		}
		fx.awaitSettled()
		fx.wantExpiry(c.stored, stored...)
		fx.wantExpiry(c.rejected, rejected...)
		for k := range i + 1 {
			fx.wantExpiry(c.stored, fmt.Sprintf("demo/beside-%d", k))
		}
	}
	if s, r := fx.counts(); s != 2*n+4 || r != 2*n {
		t.Errorf("%d are stored and %d rejected", s, r)
	}
	if d := fx.lookup(stored[0]); d == nil || d.Status != store.Stored {
		t.Errorf("a document is %+v", d)
	}
}
