package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/harness"
)

// mayWrite are the streams that a user writes to by its task. A service changes no
// other one, whatever it asks NATS for.
var mayWrite = map[string][]string{
	"collector": {"EVENTS", "KV_SERVICES", "KV_USES"},
	"processor": {"KV_JOBS", "KV_SERVICES"},
	"queryapi":  {"KV_SCHEMAS", "KV_APPLICATIONS", "KV_TOKENS", "KV_APPLIED", "CHANGES", "KV_JOBS", "KV_SERVICES", "KV_USES"},
}

// forgery is an attempt of a user to write where it may not: requests in their order,
// and the stream that gets something if all services have one account.
type forgery struct {
	user, name string
	requests   []request
	// hits is "" for an attempt that the server refuses even then.
	hits string
}

// request is a message with the subject that its answer is directed to, "" for the
// user's inbox.
type request struct {
	subject, reply, body string
	header               nats.Header
}

const (
	evilApplication = "$KV.APPLICATIONS.shop"
	evilToken       = "$KV.TOKENS.evil"
	evilSchema      = "$KV.SCHEMAS.types.c.n"
	evilEvent       = "events.shop.unregistered"
)

// asEvent are the headers of an event.
var asEvent = nats.Header{
	stream.HeaderApplication: {"shop"}, stream.HeaderFormat: {"native"}, stream.HeaderReceivedAt: {"2026-01-02T03:04:05Z"},
}

// consumer is the body of a request for a consumer that delivers to a subject.
func consumer(of, deliver string) string {
	return fmt.Sprintf(`{"stream_name": %q, "action": "create", "config": {"name": "spy", "deliver_subject": %q, "ack_policy": "none", "deliver_policy": "all", "replay_policy": "instant", "mem_storage": true, "num_replicas": 1}}`, of, deliver)
}

var forgeries = []forgery{
	{"collector", "an acknowledgement as an application", []request{{subject: evilEvent, reply: evilApplication, body: "{}"}}, "KV_APPLICATIONS"},
	{"collector", "an acknowledgement as a token", []request{{subject: evilEvent, reply: evilToken, body: "{}"}}, "KV_TOKENS"},
	{"collector", "an acknowledgement as a schema", []request{{subject: evilEvent, reply: evilSchema, body: "{}"}}, "KV_SCHEMAS"},
	{"collector", "an acknowledgement as a job", []request{{subject: evilEvent, reply: "$KV.JOBS.job.x", body: "{}"}}, "KV_JOBS"},
	{"collector", "the acknowledgement of a heartbeat as an application", []request{{subject: "$KV.SERVICES.collector.x", reply: evilApplication, body: "{}"}}, "KV_APPLICATIONS"},
	{"collector", "a refusal as an application", []request{{subject: evilEvent, reply: evilApplication, body: "{}", header: nats.Header{"Nats-Expected-Stream": {"OTHER"}}}}, "KV_APPLICATIONS"},
	{"collector", "the state of the stream as a token", []request{{subject: "$JS.API.STREAM.INFO.EVENTS", reply: evilToken}}, "KV_TOKENS"},
	{"collector", "a schema as an application", []request{{subject: "$JS.API.DIRECT.GET.KV_SCHEMAS", reply: evilApplication, body: `{"seq": 1}`}}, "KV_APPLICATIONS"},
	{"collector", "an application of its choice as another", []request{{subject: "$JS.API.DIRECT.GET.KV_APPLICATIONS", reply: evilApplication, body: `{"last_by_subj": "$KV.APPLICATIONS.other"}`}}, "KV_APPLICATIONS"},
	{"collector", "every version at once as a token", []request{{subject: "$JS.API.DIRECT.GET.KV_APPLICATIONS", reply: evilToken, body: `{"seq": 1, "batch": 10, "next_by_subj": ">"}`}}, "KV_TOKENS"},
	{"collector", "a removal as one of another key", []request{{subject: "$JS.API.DIRECT.GET.KV_SCHEMAS", reply: evilApplication, body: `{"last_by_subj": "$KV.SCHEMAS.types.gone.n"}`}}, "KV_APPLICATIONS"},
	{"collector", "a last use of its choice as an application", []request{
		{subject: "$KV.USES.key.shop.evil", body: `{"keys": []}`},
		{subject: "$JS.API.DIRECT.GET.KV_USES.$KV.USES.key.shop.evil", reply: evilApplication},
	}, "KV_APPLICATIONS"},
	{"collector", "the acknowledgement of a last use as a job", []request{{subject: "$KV.USES.key.shop.evil2", reply: "$KV.JOBS.job.x", body: "{}"}}, "KV_JOBS"},
	{"collector", "an event that purges", []request{{subject: evilEvent, body: "{}", header: nats.Header{"Nats-Rollup": {"all"}}}}, ""},
	{"collector", "an answer as a request that purges", []request{{subject: evilEvent, reply: "$JS.API.STREAM.PURGE.EVENTS", body: "{}"}}, ""},
	{"collector", "an answer as a request that deletes", []request{{subject: evilEvent, reply: "$JS.API.STREAM.DELETE.KV_APPLICATIONS", body: "{}"}}, ""},
	{"collector", "a consumer that delivers schemas as applications", []request{{subject: "$JS.API.CONSUMER.CREATE.KV_SCHEMAS.spy", body: consumer("KV_SCHEMAS", evilApplication)}}, ""},

	{"queryapi", "a job as an event", []request{
		{subject: "$KV.JOBS.job.evil", body: `{"session_id": "x"}`, header: asEvent},
		{subject: "$JS.API.DIRECT.GET.KV_JOBS.$KV.JOBS.job.evil", reply: evilEvent},
	}, "EVENTS"},
	{"queryapi", "jobs as events", []request{
		{subject: "$KV.JOBS.job.evil2", body: `{"session_id": "x"}`, header: asEvent},
		{subject: "$JS.API.DIRECT.GET.KV_JOBS", reply: evilEvent, body: `{"seq": 1, "batch": 10, "next_by_subj": ">"}`},
	}, "EVENTS"},
	{"queryapi", "a schema as an event", []request{
		{subject: "$KV.SCHEMAS.types.evil.n", body: `{"session_id": "x"}`, header: asEvent},
		{subject: "$JS.API.DIRECT.GET.KV_SCHEMAS.$KV.SCHEMAS.types.evil.n", reply: evilEvent},
	}, "EVENTS"},
	{"queryapi", "an acknowledgement as an event", []request{{subject: "$KV.JOBS.job.evil3", reply: evilEvent, body: "{}"}}, "EVENTS"},
	{"queryapi", "an event once more", []request{{subject: "$JS.API.DIRECT.GET.EVENTS", reply: evilEvent, body: `{"seq": 1}`}}, "EVENTS"},
	{"queryapi", "an answer that settles an event", []request{{subject: "$KV.JOBS.job.evil4", reply: "$JS.ACK.EVENTS.processor.1.1.1.1.0", body: "{}"}}, ""},
	{"queryapi", "the copy of changes that feeds on itself as events", []request{{subject: "$JS.API.STREAM.UPDATE.KV_APPLIED", body: `{"name": "KV_APPLIED", "subjects": ["$KV.APPLIED.>"], "republish": {"src": "$KV.APPLIED.>", "dest": "events.>"}}`}}, ""},
	{"queryapi", "a registry that publishes as events", []request{
		{subject: "$JS.API.STREAM.UPDATE.KV_SCHEMAS", body: `{"name": "KV_SCHEMAS", "subjects": ["$KV.SCHEMAS.>"], "retention": "limits", "storage": "file", "num_replicas": 1, "max_msgs_per_subject": 1099511627776, "max_bytes": 1073741824, "max_age": 0, "max_consumers": -1, "max_msgs": -1, "max_msg_size": -1, "discard": "new", "duplicate_window": 120000000000, "allow_rollup_hdrs": true, "deny_delete": true, "allow_direct": true, "republish": {"src": "$KV.SCHEMAS.types.>", "dest": "events.>"}}`},
		{subject: "$KV.SCHEMAS.types.evil.m", body: `{}`, header: asEvent},
	}, "EVENTS"},

	{"processor", "a job as an operator's token", []request{
		{subject: "$KV.JOBS.job.evil", body: operatorRecord},
		{subject: "$JS.API.DIRECT.GET.KV_JOBS.$KV.JOBS.job.evil", reply: evilToken},
	}, "KV_TOKENS"},
	{"processor", "an acknowledgement as an application", []request{{subject: "$KV.JOBS.job.evil2", reply: evilApplication, body: "{}"}}, "KV_APPLICATIONS"},
	{"processor", "a job as a schema", []request{
		{subject: "$KV.JOBS.job.evil3", body: `{"schema": {}}`},
		{subject: "$JS.API.DIRECT.GET.KV_JOBS", reply: evilSchema, body: `{"last_by_subj": "$KV.JOBS.job.evil3"}`},
	}, "KV_SCHEMAS"},
	{"processor", "a job as an event", []request{
		{subject: "$KV.JOBS.job.evil4", body: `{"session_id": "x"}`, header: asEvent},
		{subject: "$JS.API.DIRECT.GET.KV_JOBS.$KV.JOBS.job.evil4", reply: evilEvent},
	}, "EVENTS"},
	{"processor", "a heartbeat as an event", []request{
		{subject: "$KV.SERVICES.processor.evil", body: `{"session_id": "x"}`, header: asEvent},
		{subject: "$JS.API.DIRECT.GET.KV_SERVICES", reply: evilEvent, body: `{"last_by_subj": "$KV.SERVICES.processor.evil"}`},
	}, "EVENTS"},
	{"processor", "an event that it fetches as a token", []request{{subject: "$JS.API.CONSUMER.MSG.NEXT.EVENTS.processor", reply: evilToken, body: `{"batch": 1}`}}, "KV_TOKENS"},
	{"processor", "an event that it fetches once more", []request{{subject: "$JS.API.CONSUMER.MSG.NEXT.EVENTS.processor", reply: evilEvent, body: `{"batch": 1}`}}, "EVENTS"},
	{"processor", "a confirmation as a token", []request{{subject: "$JS.ACK.EVENTS.processor.1.1.1.1.0", reply: evilToken, body: "+WPI"}}, ""},
	{"processor", "a consumer that delivers events as tokens", []request{{subject: "$JS.API.CONSUMER.CREATE.EVENTS.spy", body: consumer("EVENTS", evilToken)}}, ""},
	{"processor", "a consumer that delivers events as applications", []request{{subject: "$JS.API.CONSUMER.CREATE.EVENTS.spy2", body: strings.Replace(consumer("EVENTS", evilApplication), "spy", "spy2", 1)}}, ""},
	{"processor", "a consumer that delivers events as events", []request{{subject: "$JS.API.CONSUMER.CREATE.EVENTS.spy3", body: strings.Replace(consumer("EVENTS", evilEvent), "spy", "spy3", 1)}}, ""},
	{"processor", "a stream that copies jobs as events", []request{
		{subject: "$KV.JOBS.evil5", body: `{"session_id": "x"}`, header: asEvent},
		{subject: "$JS.API.STREAM.UPDATE.KV_JOBS", body: jobsThatPublish("events.>")},
		{subject: "$KV.JOBS.evil5", body: `{"session_id": "x"}`, header: asEvent},
	}, "EVENTS"},
	{"processor", "a stream that copies jobs as tokens", []request{
		{subject: "$JS.API.STREAM.UPDATE.KV_JOBS", body: jobsThatPublish("$KV.TOKENS.>")},
		{subject: "$KV.JOBS.evil6", body: operatorRecord},
	}, "KV_TOKENS"},
}

const operatorRecord = `{"sha256": "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92", "role": "operator"}`

// jobsThatPublish is the configuration of the jobs' bucket with a republication.
func jobsThatPublish(to string) string {
	return fmt.Sprintf(`{"name": "KV_JOBS", "description": "replays and audits", "subjects": ["$KV.JOBS.>"], "retention": "limits", "storage": "file", "num_replicas": 1, "max_msgs_per_subject": 1, "max_bytes": 268435456, "max_age": 0, "max_consumers": -1, "max_msgs": -1, "max_msg_size": -1, "discard": "new", "duplicate_window": 120000000000, "allow_rollup_hdrs": true, "deny_delete": true, "allow_direct": true, "republish": {"src": "$KV.JOBS.>", "dest": %q}}`, to)
}

// A service with its password and a client of its own cannot make NATS write where
// only another service may: not by the subject that an answer is directed to, not by
// a consumer, not by the configuration of a stream.
func TestNoServiceWritesAsAnother(t *testing.T) {
	t.Parallel()
	server := startNATS(t)
	fillStreams(t, server)
	for _, f := range forgeries {
		t.Run(f.user+" "+f.name, func(t *testing.T) {
			before := streamsOf(t, server)
			f.attempt(t, server)
			for name, state := range streamsOf(t, server) {
				if diff := cmp.Diff(before[name], state); diff != "" && !slices.Contains(mayWrite[f.user], name) {
					t.Errorf("%s changed (-before +after):\n%s", name, diff)
				}
			}
		})
	}
}

// The same attempts succeed if all services have one account, with the same
// permissions: so they are real ones.
func TestForgeriesNeedTheAccounts(t *testing.T) {
	t.Parallel()
	server, err := harness.NewEditedNATS(binaries(t), t.TempDir(), inOneAccount)
	if err != nil {
		t.Fatal(err)
	}
	serveNATS(t, server)
	fillStreams(t, server)
	for _, f := range forgeries {
		if f.hits == "" {
			continue
		}
		t.Run(f.user+" "+f.name, func(t *testing.T) {
			before := streamsOf(t, server)[f.hits]
			f.attempt(t, server)
			eventually(t, func() error {
				if now := streamsOf(t, server)[f.hits]; now.Last <= before.Last {
					return fmt.Errorf("%s is as before: %+v", f.hits, now)
				}
				return nil
			})
		})
	}
}

// inOneAccount puts the users of the shipped configuration into one account.
func inOneAccount(shipped string) string {
	before, rest, _ := strings.Cut(shipped, "\naccounts {")
	_, after, _ := strings.Cut(rest, "\n}\n")
	users := ""
	for _, user := range harness.NATSUsers {
		users += fmt.Sprintf("  {user: %s, password: $EYE_NATS_%s_PASSWORD, permissions: $%s}\n", user, strings.ToUpper(user), user)
	}
	return before + "\nauthorization {\n  users: [\n" + users + "  ]\n}\n" + after
}

// attempt makes the requests of a forgery, and waits until the server has
// processed them.
func (f forgery) attempt(t *testing.T, server *harness.NATS) {
	t.Helper()
	forbidden := make(chan struct{}, len(f.requests))
	conn, err := server.Connect(f.user, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) { forbidden <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, r := range f.requests {
		m := &nats.Msg{Subject: r.subject, Reply: r.reply, Data: []byte(r.body), Header: r.header}
		if r.reply != "" {
			if err := conn.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		} else {
			answered(t, conn, m, forbidden)
		}
		settle(t, conn, f.user)
	}
}

// answered makes a request, and waits until it is answered or forbidden.
func answered(t *testing.T, conn *nats.Conn, m *nats.Msg, forbidden <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(waiting(t))
	defer cancel()
	go func() {
		select {
		case <-forbidden:
			cancel()
		case <-ctx.Done():
		}
	}()
	if _, err := conn.RequestMsgWithContext(ctx, m); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, nats.ErrNoResponders) {
		t.Fatalf("%s: %v", m.Subject, err)
	}
}

// settle makes round trips through each account after which the answers to earlier
// requests have been published.
func settle(t *testing.T, conn *nats.Conn, user string) {
	t.Helper()
	own := "$KV.SERVICES." + user + ".settle"
	for range 3 {
		for _, subject := range []string{own, "$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.INFO.KV_SCHEMAS"} {
			if _, err := conn.RequestWithContext(waiting(t), subject, nil); err != nil {
				t.Fatalf("%s: %v", subject, err)
			}
		}
	}
}

// fillStreams writes what the forgeries copy.
func fillStreams(t *testing.T, server *harness.NATS) {
	t.Helper()
	query := as(t, server, "queryapi")
	_, first := kv.New(query, stream.BucketApplications).Replace(waiting(t), "shop", []byte(`{"keys": []}`), 0)
	// Without the condition on the revision, with which a copy would be refused.
	_, second := query.Publish(waiting(t), "$KV.APPLICATIONS.other", []byte(`{"keys": []}`))
	_, third := query.Publish(waiting(t), "$KV.SCHEMAS.types.gone.n", []byte(`{"schema": {}}`))
	_, fourth := query.PublishMsg(waiting(t), &nats.Msg{Subject: "$KV.SCHEMAS.types.gone.n", Header: nats.Header{"KV-Operation": {"DEL"}}})
	var fifth error
	for range 3 {
		_, err := as(t, server, "collector").Publish(waiting(t), evilEvent, []byte("{}"))
		fifth = errors.Join(fifth, err)
	}
	if err := errors.Join(first, second, third, fourth, fifth); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if copied := streamsOf(t, server)[stream.Changes]; copied.Last < 4 {
			return fmt.Errorf("the copy of changes is at %+v", copied)
		}
		return nil
	})
}

// streamState is what an attempt must not change of a stream.
type streamState struct {
	Messages, Last uint64
	Config         string
}

// streamsOf returns the state of every stream of every account, without consumers
// and acknowledgements.
func streamsOf(t *testing.T, server *harness.NATS) map[string]streamState {
	t.Helper()
	resp, err := http.Get(server.Monitor + "/jsz?accounts=true&streams=true&config=true") //nolint:noctx // the server is the test's
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Accounts []struct {
			Streams []struct {
				Name   string `json:"name"`
				Config any    `json:"config"`
				State  struct {
					Messages uint64 `json:"messages"`
					Last     uint64 `json:"last_seq"`
				} `json:"state"`
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	streams := map[string]streamState{}
	for _, account := range answer.Accounts {
		for _, s := range account.Streams {
			streams[s.Name] = streamState{s.State.Messages, s.State.Last, fmt.Sprint(s.Config)}
		}
	}
	if len(streams) < 8 {
		t.Fatalf("the server has the streams %v", streams)
	}
	return streams
}
