package queryapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/queryapi"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/store"
	"github.com/theeye/theeye/shared/stream"
)

// status is the answer to GET /v1/status.
type condition struct {
	Stream struct {
		Messages, Bytes uint64
		MaxBytes        int64  `json:"max_bytes"`
		FirstSeq        uint64 `json:"first_seq"`
		LastSeq         uint64 `json:"last_seq"`
		Oldest          string
	}
	Lag struct {
		Events  uint64
		Seconds float64
	}
	Processing struct {
		Active bool
		Reason string
	}
	Store struct {
		Ready    bool
		Revision *uint64
	}
	Registry struct{ Revision uint64 }
	Services []struct {
		Service, Instance, Version, Commit string
		Revision                           uint64
		Waiting                            string
		StartedAt                          string `json:"started_at"`
		SeenAt                             string `json:"seen_at"`
	}
	raw string
}

func (fx *fixture) status() condition {
	fx.t.Helper()
	resp, body := fx.do(http.MethodGet, operator, "/v1/status")
	var c condition
	if err := json.Unmarshal([]byte(body), &c); err != nil || resp.StatusCode != http.StatusOK {
		fx.t.Fatalf("%d %v %s", resp.StatusCode, err, body)
	}
	c.raw = body
	return c
}

// fetchMessages fetches messages as a processor does.
func (fx *fixture) fetchMessages(n int) []jetstream.Msg {
	fx.t.Helper()
	consumer, err := fx.js.Consumer(fx.ctx(), stream.Name, stream.Consumer)
	if err != nil {
		fx.t.Fatal(err)
	}
	batch, err := consumer.Fetch(n)
	if err != nil {
		fx.t.Fatal(err)
	}
	var msgs []jetstream.Msg
	for m := range batch.Messages() {
		msgs = append(msgs, m)
	}
	if len(msgs) != n {
		fx.t.Fatalf("%d of %d messages: %v", len(msgs), n, batch.Error())
	}
	return msgs
}

func (fx *fixture) ack(msgs ...jetstream.Msg) {
	fx.t.Helper()
	for _, m := range msgs {
		if err := m.DoubleAck(fx.ctx()); err != nil {
			fx.t.Fatal(err)
		}
	}
}

// The lag counts the unsettled events, and has the age of the oldest of them, also
// when later ones are settled already.
func TestStatusHasTheLag(t *testing.T) {
	fx := newFixtureOnMongo(t)
	empty := fx.status()
	if empty.Stream.Messages != 0 || empty.Stream.Oldest != "" || empty.Lag.Events != 0 || empty.Lag.Seconds != 0 ||
		empty.Stream.MaxBytes != 64<<20 {
		t.Errorf("%s", empty.raw)
	}
	for _, id := range []string{"a", "b", "c"} {
		fx.publish("shop", time.Now(), anEvent(id, aSession, "c", "n", "2026-01-01T00:00:00Z"))
	}
	// The times of the stream itself, which the answer must have.
	times := make([]time.Time, 4)
	events, err := fx.js.Stream(fx.ctx(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= 3; seq++ {
		m, err := events.GetMsg(fx.ctx(), seq)
		if err != nil {
			t.Fatal(err)
		}
		times[seq] = m.Time
	}
	// expect checks the number of events and that seq is the oldest.
	expect := func(waiting uint64, seq int) {
		t.Helper()
		before := time.Now()
		var c condition
		eventually(t, "the consumer is told", func() bool {
			before = time.Now()
			c = fx.status()
			return c.Lag.Events == waiting
		})
		after := time.Now()
		least, most := before.Sub(times[seq]).Seconds()-0.001, after.Sub(times[seq]).Seconds()+0.001
		if seq == 0 {
			least, most = 0, 0
		}
		if c.Lag.Seconds < least || c.Lag.Seconds > most {
			t.Errorf("lag %g s is not in [%g, %g]", c.Lag.Seconds, least, most)
		}
		if c.Stream.Messages != 3 || c.Stream.FirstSeq != 1 || c.Stream.LastSeq != 3 || c.Stream.Bytes == 0 ||
			c.Stream.Oldest != event.FormatTime(times[1]) {
			t.Errorf("%s", c.raw)
		}
	}
	expect(3, 1)
	msgs := fx.fetchMessages(3) // in work is not settled
	expect(3, 1)
	fx.ack(msgs[1])
	expect(2, 1)
	fx.ack(msgs[0])
	expect(1, 3)
	fx.ack(msgs[2])
	expect(0, 0)
}

// runHeartbeat runs the heartbeat of a service until the test ends, and waits for its
// first beat.
func (fx *fixture) runHeartbeat(service string) {
	fx.t.Helper()
	fx.runInBackground(heartbeat.New(heartbeat.Config{
		JetStream: fx.js, Service: service, Instance: "i", Logger: slog.New(slog.DiscardHandler),
		Revision: func() uint64 { return fx.revision }, Changed: func() <-chan struct{} { return nil },
	}).Run)
	eventually(fx.t, "its first beat", func() bool {
		beats, err := heartbeat.List(fx.ctx(), fx.js)
		return err == nil && slices.ContainsFunc(beats, func(b heartbeat.Beat) bool { return b.Service == service })
	})
}

func TestStatusListsTheServices(t *testing.T) {
	fx := newFixtureOnMongo(t)
	if c := fx.status(); !strings.Contains(c.raw, `"services":[]`) {
		t.Errorf("without any: %s", c.raw)
	}
	revision := fx.asOperator(http.StatusCreated, "PUT", "/v1/schemas/c/n", `{}`).Revision
	fx.revision = revision
	for _, service := range []string{"processor", "collector"} {
		fx.runHeartbeat(service)
	}
	var c condition
	eventually(t, "both are there", func() bool { c = fx.status(); return len(c.Services) == 2 })
	var names []string
	for _, s := range c.Services {
		names = append(names, s.Service+"/"+s.Instance)
		if s.Revision != revision || s.Version == "" || s.Commit == "" || s.StartedAt == "" || s.SeenAt == "" {
			t.Errorf("%+v", s)
		}
	}
	if diff := cmp.Diff([]string{"collector/i", "processor/i"}, names); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	eventually(t, "the revision is in force", func() bool { return fx.status().Registry.Revision == revision })
}

// Whether a processor takes events is in the status, and in the jobs that wait for
// one.
func TestStatusAndJobsSayThatNoProcessorTakesThem(t *testing.T) {
	fx := newFixtureOnMongo(t)
	for _, c := range []struct{ service, waiting, reason, phase string }{
		{"collector", "", "no processor is running", "waits for a processor; no processor is running"},
		{"processor", "nats: it refuses", "processor p waits for nats: it refuses", "waits for a processor; no processor takes events"},
		{"processor", "", "", ""},
	} {
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		h := heartbeat.New(heartbeat.Config{
			JetStream: fx.js, Service: c.service, Instance: "p", Logger: slog.New(slog.DiscardHandler),
			Revision: func() uint64 { return 0 }, Changed: func() <-chan struct{} { return nil },
			Waiting: func() string { return c.waiting },
		})
		go func() { ended <- h.Run(ctx) }()
		eventually(t, "the status has the heartbeat", func() bool {
			for _, s := range fx.status().Services {
				if s.Service == c.service && s.Waiting == c.waiting {
					return true
				}
			}
			return false
		})
		s := fx.status().Processing
		if s.Active != (c.reason == "") || !strings.Contains(s.Reason, c.reason) {
			t.Errorf("%+v: processing is %+v", c, s)
		}
		for path, body := range map[string]string{"/v1/replays": `{"dry_run": true}`, "/v1/audits": `{}`} {
			j := fx.startJob(path, body)
			if j.Phase != fx.showJob(path, j.ID).Phase || j.State != "queued" || !strings.HasPrefix(j.Phase, c.phase) || (j.Phase == "") != (c.phase == "") {
				t.Errorf("%s with %+v: %+v", path, c, j)
			}
			fx.cancelJob(path, j.ID)
		}
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// revised is a store whose revision is set by a test.
type revised struct {
	queryapi.Store
	err error
}

func (r *revised) HighestRevision(ctx context.Context) (uint64, error) {
	if r.err != nil {
		return 0, r.err
	}
	return r.Store.HighestRevision(ctx)
}

// A status is for failures: the parts that can be read are shown.
func TestStatusShowsUnavailableParts(t *testing.T) {
	r := &revised{}
	b := &broken{ready: func() error { return store.ErrUnavailable }}
	fx := newFixtureOnMongo(t, func(c *queryapi.Config) { r.Store, b.Store, c.Store = c.Store, r, b })
	if c := fx.status(); c.Store.Ready || c.Store.Revision != nil {
		t.Errorf("a store that is away: %s", c.raw)
	}
	b.setReady(nil)
	r.err = store.ErrUnavailable
	if c := fx.status(); c.Store.Ready || c.Store.Revision != nil {
		t.Errorf("a store without a revision: %s", c.raw)
	}
	r.err = nil
	if c := fx.status(); !c.Store.Ready || c.Store.Revision == nil || *c.Store.Revision != 0 {
		t.Errorf("a new store: %s", c.raw)
	}
	if err := fx.store.RaiseRevision(fx.ctx(), 7); err != nil {
		t.Fatal(err)
	}
	if c := fx.status(); c.Store.Revision == nil || *c.Store.Revision != 7 {
		t.Errorf("a store of revision 7: %s", c.raw)
	}

	// A server alone loses the heartbeats when it restarts.
	if err := fx.js.DeleteKeyValue(fx.ctx(), stream.BucketServices); err != nil {
		t.Fatal(err)
	}
	if c := fx.status(); strings.Contains(c.raw, "services") {
		t.Errorf("services without a bucket: %s", c.raw)
	}

	// Without the consumer everything waits, without the stream nothing.
	fx.publish("demo", time.Now(), `{}`)
	if err := fx.js.DeleteConsumer(fx.ctx(), stream.Name, stream.Consumer); err != nil {
		t.Fatal(err)
	}
	if c := fx.status(); c.Lag.Events != 1 || c.Lag.Seconds <= 0 || c.Processing.Active {
		t.Errorf("without a consumer: %s", c.raw)
	}
	if err := fx.js.DeleteStream(fx.ctx(), stream.Name); err != nil {
		t.Fatal(err)
	}
	if c := fx.status(); c.Lag.Events != 0 || c.Processing.Active {
		t.Errorf("without a stream: %s", c.raw)
	}
	fx.nats.Shutdown()
	expectNoStatus(t, fx)
}

func expectNoStatus(t *testing.T, fx *fixture) {
	t.Helper()
	resp, body := fx.do(http.MethodGet, operator, "/v1/status")
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `"stream_unavailable"`) ||
		resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// Without a connection that was ever up there is no status either.
func TestStatusNeedsNATS(t *testing.T) {
	fx := newFixtureOnMongo(t, func(c *queryapi.Config) { c.JetStream = nil })
	expectNoStatus(t, fx)
}
