package e2e

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/harness"
)

// permissions says who may publish to what, by the first letter of the user:
// collector, processor, query API. It is written by hand, not derived from the
// configuration.
var permissions = []struct{ subject, users string }{
	// Only the collector publishes events.
	{"events.demo.unregistered", "c"},
	{"events.other.c.n", "c"},
	{"other.subject", ""},

	// The collector cannot read the stream.
	{"$JS.API.STREAM.INFO.EVENTS", "cpq"},
	{"$JS.API.STREAM.MSG.GET.EVENTS", "p"},
	{"$JS.API.DIRECT.GET.EVENTS", "pq"},
	{"$JS.API.DIRECT.GET.EVENTS.events.demo.unregistered", ""},
	{"$JS.API.CONSUMER.CREATE.EVENTS", ""},
	{"$JS.API.CONSUMER.CREATE.EVENTS.spy", "p"},
	{"$JS.API.CONSUMER.CREATE.EVENTS.spy.events.>", "p"},
	{"$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.spy", ""},
	{"$JS.API.CONSUMER.INFO.EVENTS.processor", "pq"},
	{"$JS.API.CONSUMER.INFO.EVENTS.spy", "p"},
	{"$JS.API.CONSUMER.LIST.EVENTS", "p"},
	{"$JS.API.CONSUMER.NAMES.EVENTS", "p"},
	{"$JS.API.CONSUMER.MSG.NEXT.EVENTS.spy", "p"},
	{"$JS.API.CONSUMER.PAUSE.EVENTS.spy", ""},
	{"$JS.API.CONSUMER.PAUSE.EVENTS.processor", "p"},
	{"$JS.API.CONSUMER.UNPIN.EVENTS.spy", ""},
	{"$JS.API.CONSUMER.RESET.EVENTS.spy", ""},
	{"$JS.API.CONSUMER.DELETE.EVENTS.spy", "p"},
	{"$JS.API.CONSUMER.LEADER.STEPDOWN.EVENTS.processor", ""},
	{"$JS.ACK.EVENTS.processor.1.1.1.1.0", "p"},
	{"$JS.SNAPSHOT.ACK.EVENTS.x", "q"},

	// Accepted events stay: only the processor purges, and no user deletes.
	{"$JS.API.STREAM.CREATE.EVENTS", "p"},
	{"$JS.API.STREAM.UPDATE.EVENTS", "p"},
	{"$JS.API.STREAM.PURGE.EVENTS", "p"},
	{"$JS.API.STREAM.DELETE.EVENTS", ""},
	{"$JS.API.STREAM.MSG.DELETE.EVENTS", ""},
	{"$JS.API.STREAM.SNAPSHOT.EVENTS", "q"},
	{"$JS.API.STREAM.SNAPSHOT.KV_TOKENS", "q"},
	{"$JS.API.STREAM.SNAPSHOT.KV_SERVICES", ""},
	{"$JS.API.STREAM.RESTORE.EVENTS", ""},
	{"$JS.API.STREAM.PEER.REMOVE.EVENTS", ""},
	{"$JS.API.STREAM.LEADER.STEPDOWN.EVENTS", ""},
	{"$JS.API.STREAM.LIST", ""},
	{"$JS.API.STREAM.NAMES", ""},
	{"$JS.API.STREAM.CREATE.COPY", ""},
	{"$JS.API.ACCOUNT.PURGE.$G", ""},
	{"$JS.API.INFO", "pq"},
	{"$SYS.REQ.SERVER.PING", ""},
	{"$SYS.REQ.USER.INFO", ""},

	// The query API alone changes the registry, and reads tokens.
	{"$KV.SCHEMAS.policy", "q"},
	{"$KV.SCHEMAS.secrets.pii", "q"},
	{"$KV.APPLICATIONS.demo", "q"},
	{"$KV.TOKENS.someone", "q"},
	{"$KV.APPLIED.policy", "q"},
	{"$JS.API.STREAM.INFO.KV_SCHEMAS", "cpq"},
	{"$JS.API.DIRECT.GET.KV_SCHEMAS.$KV.SCHEMAS.policy", "q"},
	{"$JS.API.DIRECT.GET.KV_SCHEMAS", "cpq"},
	{"$JS.API.CONSUMER.CREATE.KV_SCHEMAS.spy.$KV.SCHEMAS.>", ""},
	{"$JS.API.CONSUMER.DELETE.KV_SCHEMAS.spy", ""},
	{"$JS.FC.KV_SCHEMAS.spy.1", ""},
	{"$JS.API.STREAM.INFO.KV_APPLICATIONS", "cq"},
	{"$JS.API.DIRECT.GET.KV_APPLICATIONS", "cq"},
	{"$JS.API.DIRECT.GET.KV_APPLICATIONS.$KV.APPLICATIONS.demo", "q"},
	{"$JS.API.CONSUMER.CREATE.KV_APPLICATIONS.spy.$KV.APPLICATIONS.>", ""},
	{"$JS.API.STREAM.MSG.GET.KV_APPLICATIONS", ""},
	{"$JS.API.STREAM.INFO.KV_TOKENS", "q"},
	{"$JS.API.DIRECT.GET.KV_TOKENS", "q"},
	{"$JS.API.DIRECT.GET.KV_TOKENS.$KV.TOKENS.someone", "q"},
	{"$JS.API.STREAM.MSG.GET.KV_TOKENS", ""},
	{"$JS.API.CONSUMER.CREATE.KV_TOKENS.spy.$KV.TOKENS.>", ""},
	{"$JS.API.CONSUMER.CREATE.KV_TOKENS.spy", ""},
	{"$JS.API.CONSUMER.MSG.NEXT.KV_TOKENS.spy", ""},
	{"$JS.API.STREAM.INFO.CHANGES", "q"},
	{"$JS.API.DIRECT.GET.CHANGES", "q"},
	{"$JS.API.CONSUMER.CREATE.CHANGES.spy", ""},
	{"$JS.API.STREAM.CREATE.CHANGES", "q"},
	{"$JS.API.STREAM.CREATE.KV_TOKENS", "q"},
	{"$JS.API.STREAM.UPDATE.KV_TOKENS", "q"},
	{"$JS.API.STREAM.UPDATE.KV_SCHEMAS", "q"},
	{"$JS.API.STREAM.UPDATE.KV_APPLICATIONS", "q"},
	{"$JS.API.STREAM.UPDATE.KV_JOBS", "p"},
	{"$JS.API.STREAM.PURGE.CHANGES", ""},
	{"$JS.API.STREAM.PURGE.KV_SCHEMAS", ""},
	{"$JS.API.STREAM.PURGE.KV_TOKENS", ""},
	{"$JS.API.STREAM.DELETE.KV_TOKENS", ""},
	{"$JS.API.STREAM.MSG.DELETE.KV_SCHEMAS", ""},

	// Each sends its own heartbeats; replays and audits are of two.
	{"$KV.SERVICES.collector.x", "c"},
	{"$KV.SERVICES.processor.x", "p"},
	{"$KV.SERVICES.queryapi.x", "q"},
	{"$JS.API.STREAM.INFO.KV_SERVICES", "p"},
	{"$JS.API.DIRECT.GET.KV_SERVICES", "pq"},
	{"$KV.JOBS.job.x", "pq"},
	{"$JS.API.DIRECT.GET.KV_JOBS", "pq"},
	{"$JS.API.CONSUMER.CREATE.KV_JOBS.spy.$KV.JOBS.job.*", ""},

	// The collector notes uses of write keys, the query API those of tokens, and removes both.
	{"$KV.USES.key.demo.x", "cq"},
	{"$KV.USES.token.x", "q"},
	{"$JS.API.STREAM.INFO.KV_USES", "cpq"},
	{"$JS.API.STREAM.CREATE.KV_USES", "p"},
	{"$JS.API.STREAM.UPDATE.KV_USES", "p"},
	{"$JS.API.STREAM.PURGE.KV_USES", ""},
	{"$JS.API.DIRECT.GET.KV_USES", "q"},
	{"$JS.API.DIRECT.GET.KV_USES.$KV.USES.key.demo.x", "cq"},
	{"$JS.API.DIRECT.GET.KV_USES.$KV.USES.token.x", "q"},
	{"$JS.API.CONSUMER.CREATE.KV_USES.spy.$KV.USES.>", ""},

	// No user publishes to another user's inbox.
	{"_INBOX_collector.x", ""},
	{"_INBOX_processor.x", ""},
	{"_INBOX_queryapi.x", ""},
}

// hearing says who may subscribe to what.
var hearing = []struct{ subject, users string }{
	{"_INBOX_collector.>", "c"},
	{"_INBOX_collector.x.*", "c"},
	{"_INBOX_processor.>", "p"},
	{"_INBOX_queryapi.>", "q"},
	{">", ""},
	{"*", ""},
	{"*.>", ""},
	{"events.>", ""},
	{"events.demo.unregistered", ""},
	{"_INBOX.>", ""},
	{"_INBOX_other.>", ""},
	{"$JS.>", ""},
	{"$JS.API.>", ""},
	{"$JS.ACK.>", ""},
	{"$JS.EVENT.ADVISORY.>", ""},
	{"$KV.>", ""},
	{"$KV.SCHEMAS.>", "cpq"},
	{"$KV.APPLICATIONS.>", "cq"},
	{"$KV.TOKENS.>", "q"},
	{"$KV.JOBS.>", ""},
	{"$KV.USES.>", ""},
	{"$SYS.>", ""},
}

func TestPermissionsOfNATS(t *testing.T) {
	t.Parallel()
	server := startNATS(t)
	for _, user := range harness.NATSUsers {
		p := newProbe(t, server, user)
		for _, row := range permissions {
			violated := p.violated(func() error {
				return p.conn.PublishRequest(row.subject, p.conn.NewInbox(), []byte(`{}`))
			})
			if may := strings.Contains(row.users, user[:1]); may == violated {
				t.Errorf("%s may publish to %s: %t, want %t", user, row.subject, !violated, may)
			}
		}
		for _, row := range hearing {
			violated := p.violated(func() error {
				_, err := p.conn.SubscribeSync(row.subject)
				return err
			})
			if may := strings.Contains(row.users, user[:1]); may == violated {
				t.Errorf("%s may subscribe to %s: %t, want %t", user, row.subject, !violated, may)
			}
		}
	}
	// The other tests look for violations in what the server prints.
	eventually(t, func() error {
		if len(server.Alarms()) == 0 {
			return errors.New("the server printed no violation")
		}
		return nil
	})
}

func TestNATSWantsAUser(t *testing.T) {
	t.Parallel()
	server := startNATS(t)
	secret, _, _ := strings.Cut(strings.TrimPrefix(server.URLOf("queryapi"), "nats://queryapi:"), "@")
	for name, option := range map[string]nats.Option{
		"no user":            func(*nats.Options) error { return nil },
		"no password":        nats.UserInfo("processor", ""),
		"a wrong password":   nats.UserInfo("processor", secret[:len(secret)-1]),
		"another's password": nats.UserInfo("processor", secret),
		"an unknown user":    nats.UserInfo("admin", secret),
		"a token":            nats.Token(secret),
	} {
		conn, err := nats.Connect(server.URL, option)
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("with %s: %v, want a refusal", name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	for _, user := range harness.NATSUsers {
		conn, err := server.Connect(user)
		if err != nil {
			t.Fatalf("%s: %v", user, err)
		}
		conn.Close()
	}
}

// TestCollectorCannotRead asks for the stream in every way that brings it to the
// processor or the query API, whose answers show that each way works.
func TestCollectorCannotRead(t *testing.T) {
	t.Parallel()
	server := startNATS(t)
	const mark = "an event of somebody else"
	sender := newProbe(t, server, "collector")
	js, err := jetstream.New(sender.conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(waiting(t), stream.Unregistered("demo"), []byte(mark)); err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct{ name, reader, subject, body string }{
		{"by sequence", "queryapi", "$JS.API.DIRECT.GET.EVENTS", `{"seq": 1}`},
		{"the last of a subject", "queryapi", "$JS.API.DIRECT.GET.EVENTS", `{"last_by_subj": "events.demo.unregistered"}`},
		{"in a batch", "queryapi", "$JS.API.DIRECT.GET.EVENTS", `{"seq": 1, "batch": 10, "next_by_subj": "events.>"}`},
		{"from the shared consumer", "processor", "$JS.API.CONSUMER.MSG.NEXT.EVENTS.processor", `{"batch": 1}`},
	} {
		reader := newProbe(t, server, way.reader)
		sub, err := reader.conn.SubscribeSync(reader.conn.NewInbox())
		if err != nil {
			t.Fatal(err)
		}
		if err := reader.conn.PublishRequest(way.subject, sub.Subject, []byte(way.body)); err != nil {
			t.Fatal(err)
		}
		m, err := sub.NextMsgWithContext(waiting(t))
		if err != nil || string(m.Data) != mark {
			t.Errorf("%s: %s reads %v, %v", way.name, way.reader, m, err)
		}
		thief := newProbe(t, server, "collector")
		heard, err := thief.conn.SubscribeSync("_INBOX_collector.>")
		if err != nil {
			t.Fatal(err)
		}
		if !thief.violated(func() error {
			return thief.conn.PublishRequest(way.subject, "_INBOX_collector.x", []byte(way.body))
		}) {
			t.Errorf("%s: the collector may ask", way.name)
		}
		if n, _, err := heard.Pending(); err != nil || n > 0 {
			t.Errorf("%s: the collector got %d answers (%v)", way.name, n, err)
		}
	}
}

// startNATS starts a server with the shipped configuration and lets the users of
// the processor and of the query API make what the services need, as they do.
func startNATS(t *testing.T) *harness.NATS {
	t.Helper()
	server, err := harness.NewNATS(binaries(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	serveNATS(t, server)
	return server
}

// serveNATS starts a server for startNATS.
func serveNATS(t *testing.T, server *harness.NATS) {
	t.Helper()
	t.Cleanup(server.Stop)
	if err := server.Start(waiting(t)); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(
		stream.Ensure(waiting(t), as(t, server, "processor"), stream.Config{NoRegistry: true}),
		stream.EnsureRegistry(waiting(t), as(t, server, "queryapi"), stream.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	if len(server.Alarms()) > 0 {
		t.Fatal(server.Alarms())
	}
}

// probe is a connection of one user that records permission violations.
type probe struct {
	t      *testing.T
	conn   *nats.Conn
	errs   chan error
	number int
}

func newProbe(t *testing.T, server *harness.NATS, user string) *probe {
	t.Helper()
	p := &probe{t: t, errs: make(chan error, 64)}
	conn, err := server.Connect(user, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { p.errs <- err }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	p.conn = conn
	return p
}

// violated reports whether the server forbids what act does. Violations come in
// the order of what caused them, so one that is sure to come ends the wait.
func (p *probe) violated(act func() error) bool {
	p.t.Helper()
	p.number++
	last := "surely.forbidden." + strconv.Itoa(p.number)
	if err := errors.Join(act(), p.conn.Publish(last, nil), p.conn.Flush()); err != nil {
		p.t.Fatal(err)
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for violated := false; ; {
		select {
		case err := <-p.errs:
			switch {
			case !errors.Is(err, nats.ErrPermissionViolation):
				p.t.Fatal(err)
			case strings.Contains(err.Error(), last):
				return violated
			}
			violated = true
		case <-deadline.C:
			p.t.Fatal("the server forbids nothing")
		}
	}
}
