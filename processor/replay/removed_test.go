package replay

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/outcome/outcometest"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/schema"
)

// A schema is put twice, removed and put again. Events that name the first version
// are stored before, while it is removed and after; no replay changes one of them.
func TestRemovedAndRestoredSchemaFlipsNoOutcome(t *testing.T) {
	fx := newFixture(t)
	fx.startRunner("one")
	first := fx.requireMember("a")
	fx.requireMember("b")
	const each = 20
	published := 0
	publish := func() {
		msgs := make([]*nats.Msg, 0, each)
		for range each {
			published++
			msgs = append(msgs, outcometest.Message("demo", outcometest.Event("event_id", fmt.Sprintf(`"v%d"`, published), "category", `"page"`,
				"name", `"view"`, "data", `{"a": 1}`, "schema_version", fmt.Sprint(first))))
		}
		fx.publishMsg(msgs...)
		fx.settleAll()
	}
	replay := func(what string) {
		t.Helper()
		done := fx.awaitDone(fx.createJob(job.Replay, job.Selection{}))
		if diff := cmp.Diff(job.Changes{Unchanged: uint64(published)}, withoutGroups(fx.reportOf(done))); diff != "" {
			t.Errorf("a replay %s (-want +got):\n%s", what, diff)
		}
	}
	publish()
	replay("before")
	e := editor.New(fx.js)
	revision, err := e.DeleteSchema(fx.ctx, schema.Type{Category: "page", Name: "view"}, editor.Any, registry.ChangeInfo{Author: "test"})
	fx.must(err)
	fx.awaitRevision(revision)
	publish()
	replay("while the schema is removed")
	fx.requireMember("b")
	publish()
	replay("after the schema is put again")
}
