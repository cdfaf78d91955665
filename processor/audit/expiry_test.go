package audit

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/stream"
)

const (
	forever      = `{}`
	hourOfAll    = `{"retention": {"stored": "1h", "rejected": "1h"}}`
	hourRejected = `{"retention": {"rejected": "1h"}}`
	dayOfAll     = `{"retention": {"stored": "24h", "rejected": "24h"}}`

	pageviewFile   = "schemas/page=20interaction/pageview.json"
	anything       = `{"type": "object"}`
	requiresNumber = `{"type": "object", "required": ["n"]}`
)

// expiryCase is an event that is in the stream and not in the store.
type expiryCase struct {
	// policies were in force one after the other; the last one is the present one.
	policies []string
	// schemas are those of pageviews, each put after the policy of its index.
	schemas map[int]string
	// received is the received time, and now the time of the audit, both relative to
	// the moment at which the last policy is put.
	received, now time.Duration
	members       []string
	want          verdict
}

// An event may have been removed once the retention of its outcome is over under any
// policy since it was received.
func TestEventExpiresUnderAnyPolicySinceItWasReceived(t *testing.T) {
	const ago = -2 * time.Hour
	invalid := []string{"data", `5`}
	for name, c := range map[string]expiryCase{
		"never any retention":              {policies: []string{forever}, received: ago, want: unexplained},
		"over":                             {policies: []string{hourOfAll}, received: ago, want: expired},
		"not over yet":                     {policies: []string{hourOfAll}, received: -30 * time.Minute, want: unexplained},
		"over by a policy that was":        {policies: []string{hourOfAll, dayOfAll}, received: ago, want: expired},
		"over by one that was, none today": {policies: []string{hourOfAll, forever}, received: ago, want: expired},
		"over by one that ended before it came": {
			policies: []string{hourOfAll, forever}, received: 2 * time.Hour, now: 8 * time.Hour, want: unexplained,
		},
		"over for rejected ones, and it was rejected": {
			policies: []string{hourRejected}, received: ago, members: invalid, want: expired,
		},
		"over for rejected ones, and it was stored": {policies: []string{hourRejected}, received: ago, want: unexplained},
		"over for rejected ones, and a schema of that time rejects it": {
			policies: []string{hourRejected}, schemas: map[int]string{0: requiresNumber}, received: ago, want: expired,
		},
		"rejected only after the retention was made endless": {
			policies: []string{hourRejected, forever}, schemas: map[int]string{1: requiresNumber}, received: ago, want: unexplained,
		},
		"rejected in the time of one of three policies": {
			policies: []string{forever, hourRejected, forever}, schemas: map[int]string{0: requiresNumber, 2: anything},
			received: ago, want: expired,
		},
	} {
		t.Run(name, func(t *testing.T) { c.test(t) })
	}
}

func (c expiryCase) test(t *testing.T) {
	fx := newFixture(t)
	fx.apply(map[string]string{pageviewFile: anything})
	for i, policy := range c.policies {
		fx.apply(map[string]string{"policy.json": policy})
		if s, ok := c.schemas[i]; ok {
			fx.apply(map[string]string{pageviewFile: s})
		}
	}
	now := time.Now()
	fx.clock = now.Add(c.now)
	fx.publishAt(now.Add(c.received), pageview("e", c.members...))
	fx.settleNext(1, func(uint64) bool { return false })
	got := fx.auditAll()
	if is := (got.Expired == 1); is != (c.want == expired) || got.Missing+got.Expired != 1 {
		t.Errorf("it is expired: %v, want %v; %+v", is, c.want == expired, got)
	}
}

// Between two schemas that accept an event, one rejected it. Every revision of an
// interval counts, and not only the first and the last.
func TestEventExpiresUnderEverySchemaOfAPolicyInterval(t *testing.T) {
	fx := newFixture(t)
	fx.apply(map[string]string{"policy.json": hourRejected, pageviewFile: anything})
	fx.apply(map[string]string{pageviewFile: requiresNumber})
	fx.apply(map[string]string{pageviewFile: anything})
	fx.publishAt(time.Now().Add(-2*time.Hour), pageview("e"), pageview("n", "data", `{"host":"h","path":"/","n":1}`))
	fx.settleNext(2, func(uint64) bool { return false })
	if got := fx.auditAll(); got.Expired != 1 || got.Missing != 1 || got.MissingSequences[0] != 2 {
		t.Errorf("the account is %+v", got)
	}
}

func TestConflictExpiresLikeARejectedEvent(t *testing.T) {
	on := newMemory()
	fx := newFixtureOn(t, on, 64<<20)
	fx.apply(map[string]string{"policy.json": hourRejected})
	fx.publishAt(time.Now().Add(-2*time.Hour), pageview("a"), pageview("a", "data", `{"host":"h","path":"/2"}`))
	fx.publishAt(time.Now(), pageview("a", "data", `{"host":"h","path":"/3"}`))
	fx.settleNext(3, func(seq uint64) bool { return seq == 1 })
	fx.wantAccount(fx.auditAll(), job.Account{
		FromSeq: 1, ToSeq: 3, Stored: 1, Expired: 1, Missing: 1, MissingInStore: 1, MissingSequences: []uint64{3},
		MissingRanges: []job.Range{{From: 3, To: 3, Reason: job.MissingInStore}},
	})
}

// An unreadable version of the policy was never in force; a removed one was in force
// until its removal.
func TestUnreadablePolicyIsIgnoredAndRemovedOneHeldUntilThen(t *testing.T) {
	fx := newFixture(t)
	kv, err := fx.js.KeyValue(fx.ctx, stream.BucketSchemas)
	fx.must(err)
	steps := map[string]func(){
		"put": func() { fx.apply(map[string]string{"policy.json": hourOfAll}) },
		"unreadable": func() {
			fx.putRawPolicy(kv, `{"policy": {"retention": 5}}`)
			fx.putRawPolicy(kv, `no JSON`)
			fx.putRawPolicy(kv, `{"policy": "`)
		},
		"removed": func() { fx.must(kv.Delete(fx.ctx, stream.KeyPolicy)); fx.awaitRevision() },
	}
	fx.publishAt(time.Now().Add(-2*time.Hour), pageview("e"))
	fx.settleNext(1, func(uint64) bool { return false })
	for _, step := range []struct {
		name    string
		expired uint64
	}{{"unreadable", 0}, {"removed", 0}, {"put", 1}, {"unreadable", 1}, {"removed", 1}} {
		steps[step.name]()
		if got := fx.auditAll(); got.Expired != step.expired {
			t.Errorf("after %s: %+v", step.name, got)
		}
	}
}

// putRawPolicy puts a record of the policy without checking it.
func (fx *fixture) putRawPolicy(kv jetstream.KeyValue, text string) {
	fx.t.Helper()
	_, err := kv.Put(fx.ctx, stream.KeyPolicy, []byte(text))
	fx.must(err)
	fx.awaitRevision()
}
