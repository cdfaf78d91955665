package replay

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

// A report says how many sequences of its range the stream no longer has.
func TestReportCountsPurgedSequences(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.startRunner("one")
	fx.requireMember("a")
	fx.publish(testEvents("e", 10, "a")...)
	fx.settleAll()
	s, err := fx.js.Stream(fx.ctx, stream.Name)
	fx.must(err)
	fx.must(s.Purge(fx.ctx, jetstream.WithPurgeSequence(5)))
	for _, kind := range []job.Kind{job.Replay, job.DryRun} {
		for _, c := range []struct {
			s                 job.Selection
			purged, unchanged uint64
		}{{job.Selection{}, 4, 6}, {job.Selection{FromSeq: 3}, 2, 6}, {job.Selection{FromSeq: 6}, 0, 5}} {
			j := fx.awaitDone(fx.createJob(kind, c.s))
			if r := fx.reportOf(j); r.Purged != c.purged || r.Unchanged != c.unchanged {
				t.Errorf("%s of %+v: %+v", kind, c.s, r)
			}
		}
	}
}
