package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/theeye/theeye/processor/retention"
	"github.com/theeye/theeye/shared/heartbeat"
	"github.com/theeye/theeye/shared/job"
	"github.com/theeye/theeye/shared/kv"
	"github.com/theeye/theeye/shared/registry"
	"github.com/theeye/theeye/shared/registry/editor"
	"github.com/theeye/theeye/shared/stream"
	"github.com/theeye/theeye/test/harness"
)

// TestOperatorOnShippedNATS makes every call of an operator to services that
// have the shipped permissions: that the server forbids nothing of it is looked
// at when the fixture ends.
func TestOperatorOnShippedNATS(t *testing.T) {
	t.Parallel()
	o := &operator{caller: shapes[1].start(t).caller(t), seen: map[string]string{}}
	const hashing = `{"type": "object", "properties": {"mail": {"type": "string", "x-eye-pii": "hash"}}}`
	for _, call := range []struct {
		method, path, body string
		want               int
		keep               string // a member of the answer, for later calls
	}{
		{http.MethodPut, "/v1/schemas/rights/mail", hashing, http.StatusCreated, "revision"},
		{http.MethodPut, "/v1/schemas/rights/mail", strings.Replace(hashing, "hash", "drop", 1), http.StatusOK, ""},
		{http.MethodPut, "/v1/schemas/rights/mail", hashing, http.StatusOK, "validates"},
		{http.MethodGet, "/v1/schemas/rights/mail?revision={revision}", "", http.StatusOK, ""},
		{http.MethodGet, "/v1/schemas/rights/mail/history", "", http.StatusOK, ""},
		{http.MethodGet, "/v1/schemas", "", http.StatusOK, ""},
		{http.MethodPut, "/v1/policy", `{"future_skew": "6m", "oldest_age": "175200h"}`, http.StatusOK, ""},
		{http.MethodGet, "/v1/policy/history", "", http.StatusOK, ""},
		{http.MethodPost, "/v1/applications", `{"name": "rights", "kind": "server"}`, http.StatusCreated, "secret"},
		{http.MethodPost, "/v1/applications/rights/keys", `{"kind": "server", "events_per_second": 5}`, http.StatusCreated, "id"},
		{http.MethodPut, "/v1/applications/rights/keys/{id}", `{"kind": "server"}`, http.StatusOK, ""},
		{http.MethodPost, "/v1/applications/rights/keys", `{"replaces": "{id}", "overlap": "1h"}`, http.StatusCreated, ""},
		{http.MethodDelete, "/v1/applications/rights/keys/{id}", "", http.StatusOK, ""},
		{http.MethodGet, "/v1/applications/rights", "", http.StatusOK, ""},
		{http.MethodGet, "/v1/applications", "", http.StatusOK, ""},
		{http.MethodPost, "/v1/tokens", `{"id": "someone", "role": "analyst", "applications": ["rights"]}`, http.StatusCreated, "token"},
		{http.MethodGet, "/v1/tokens", "", http.StatusOK, ""},
		{http.MethodGet, "/v1/tokens/someone", "", http.StatusOK, ""},
		{http.MethodGet, "/v1/types", "", http.StatusOK, ""},
		{http.MethodGet, "/v1/changes?limit=3", "", http.StatusOK, ""},
		{http.MethodGet, "/v1/changes?kind=schema&name=mail", "", http.StatusOK, ""},
	} {
		o.call(call.method, call.path, call.body, call.want, call.keep)
	}
	id := o.sends()
	o.jobs(id)
	for _, path := range []string{"/v1/schemas/rights/mail", "/v1/tokens/someone", "/v1/applications/rights", "/v1/policy"} {
		o.call(http.MethodDelete, path, "", http.StatusOK, "")
	}
	o.status()
}

// operator remembers what answers said.
type operator struct {
	*caller
	seen map[string]string
}

func (o *operator) call(method, path, body string, want int, keep string) {
	o.t.Helper()
	for name, value := range o.seen {
		path, body = strings.ReplaceAll(path, "{"+name+"}", value), strings.ReplaceAll(body, "{"+name+"}", value)
	}
	edits := []edit{bearer(o.w.Token)}
	if method == http.MethodDelete || want == http.StatusOK && method == http.MethodPut {
		edits = append(edits, header("If-Match", "*"))
	}
	if body != "" {
		edits = append(edits, header("Content-Type", "application/json"))
	}
	r, err := o.do(o.t.Context(), method, o.w.Query+path, strings.NewReader(body), edits...)
	if err != nil || r.status != want {
		o.t.Fatalf("%s %s answers %s, %v; want %d", method, path, r, err, want)
	}
	var answer struct {
		Revision uint64
		Secret   string
		Key      struct{ ID, Secret string }
	}
	_ = json.Unmarshal(r.body, &answer) // absent members stay zero
	switch keep {
	case "revision", "validates":
		o.seen[keep] = strconv.FormatUint(answer.Revision, 10)
	case "secret":
		o.seen[keep] = answer.Key.Secret
	case "id":
		o.seen[keep] = answer.Key.ID
	case "token":
		o.seen[keep] = answer.Secret
	}
}

// sends sends an event with the new key, whose mail is hashed in the end, reads
// it with the new token, and returns its id.
func (o *operator) sends() string {
	o.t.Helper()
	for _, admin := range o.w.ProcessorAdmins {
		eventually(o.t, func() error {
			revision, err := harness.Metric(o.t.Context(), admin, "eye_processor_registry_revision")
			if want, _ := strconv.ParseFloat(o.seen["validates"], 64); err == nil && revision < want {
				err = fmt.Errorf("a processor is at revision %.0f, before %.0f", revision, want)
			}
			return err
		})
	}
	const mail = "somebody@example.com"
	id := newID()
	event := native(id, "category", `"rights"`, "name", `"mail"`, "data", `{"mail": "`+mail+`"}`)
	eventually(o.t, func() error {
		r, err := o.try("/v1/events", []byte(event), bearer(o.seen["secret"]))
		if err == nil && r.status != http.StatusAccepted {
			err = errors.New(r.String())
		}
		return err
	})
	eventually(o.t, func() error {
		r, err := o.ask("/v1/events/"+id, nil, bearer(o.seen["token"]))
		if err != nil {
			return err
		}
		text := string(r.body)
		if strings.Contains(text, mail) {
			return harness.Final(errors.New("the mail is there in the clear"))
		}
		if r.status != http.StatusOK || !strings.Contains(text, "hmac-sha256:") {
			return errors.New(r.String())
		}
		return nil
	})
	return id
}

// jobs runs jobs of each kind to their end, and traces an event.
func (o *operator) jobs(id string) {
	o.t.Helper()
	for _, start := range []struct{ path, body string }{
		{"/v1/replays", `{"dry_run": true}`}, {"/v1/replays", `{}`}, {"/v1/audits", `{}`},
	} {
		r, err := o.do(o.t.Context(), http.MethodPost, o.w.Query+start.path, strings.NewReader(start.body),
			bearer(o.w.Token), header("Content-Type", "application/json"))
		if err != nil || r.status != http.StatusAccepted {
			o.t.Fatalf("POST %s answers %s, %v", start.path, r, err)
		}
		eventually(o.t, func() error {
			var job struct{ State, Error string }
			if err := o.read(&job, r.header.Get("Location"), nil); err != nil {
				return err
			}
			switch job.State {
			case "done":
				return nil
			case "failed":
				return harness.Final(errors.New(job.Error))
			}
			return fmt.Errorf("%s %s is %s", start.path, start.body, job.State)
		})
	}
	r, err := o.ask("/v1/events/"+id+"/trace", nil)
	if err != nil || r.status != http.StatusOK {
		o.t.Errorf("the trace of %s: %s, %v", id, r, err)
	}
}

// status waits until every process is listed.
func (o *operator) status() {
	o.t.Helper()
	eventually(o.t, func() error {
		var status struct {
			Services []struct{ Service string }
		}
		if err := o.read(&status, "/v1/status", nil); err != nil {
			return err
		}
		count := map[string]int{}
		for _, s := range status.Services {
			count[s.Service]++
		}
		if count["collector"] != 1 || count["processor"] != 2 || count["queryapi"] != 1 {
			return fmt.Errorf("live are %v", count)
		}
		return nil
	})
}

// TestJobsOnShippedNATS does what replays, dry runs and audits need of NATS, as
// the users that do it.
func TestJobsOnShippedNATS(t *testing.T) {
	t.Parallel()
	server := startNATS(t)
	collector, processor, queryAPI := as(t, server, "collector"), as(t, server, "processor"), as(t, server, "queryapi")
	ctx := waiting(t)
	for range 3 {
		if _, err := collector.Publish(ctx, stream.Unregistered("demo"), []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	schemas, err := queryAPI.KeyValue(ctx, stream.BucketSchemas)
	if err != nil {
		t.Fatal(err)
	}
	revision, err := schemas.PutString(ctx, stream.KeyPolicy, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	asks, err := job.Open(ctx, queryAPI)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := asks.Create(ctx, job.Job{Kind: job.DryRun, TargetRevision: revision})
	if err != nil {
		t.Fatal(err)
	}
	runs, err := job.Open(ctx, processor)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := runs.List(ctx); err != nil || len(all) != 1 {
		t.Errorf("the processor sees %v, %v", all, err)
	}
	if _, err := runs.Update(ctx, asked); err != nil {
		t.Error(err)
	}
	if e, err := asks.Cancel(ctx, asked.ID); err != nil || !e.CancelRequested && !e.State.Final() {
		t.Errorf("cancelled: %+v, %v", e, err)
	}
	if _, err := heartbeat.List(ctx, processor); err != nil {
		t.Error(err)
	}
	if _, err := registry.At(ctx, processor, revision); err != nil {
		t.Error(err)
	}
	for _, reader := range []struct {
		js   jetstream.JetStream
		read func(context.Context, jetstream.JetStream, stream.Range) iter.Seq2[[]stream.Raw, error]
	}{{processor, stream.Read}, {processor, stream.Consume}, {queryAPI, stream.Read}} {
		js := reader.js
		rng, err := job.Selection{Application: "demo", From: asked.CreatedAt.AddDate(0, 0, -1)}.Range(ctx, js)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for portion, err := range reader.read(ctx, js, rng) {
			if err != nil {
				t.Fatal(err)
			}
			count += len(portion)
		}
		if count != 3 {
			t.Errorf("%d events are read, want 3", count)
		}
	}
	replays(t, processor)
	changesRetention(t, queryAPI, processor)
	if alarms := server.Alarms(); len(alarms) > 0 {
		t.Error(alarms)
	}
}

// changesRetention puts a policy as the one, and starts its job as the other.
func changesRetention(t *testing.T, queryAPI, processor jetstream.JetStream) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	put, err := editor.New(queryAPI).PutPolicy(waiting(t), []byte(`{"retention":{"stored":"90d"}}`), editor.Any, registry.ChangeInfo{Author: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(waiting(t))
	reg := registry.New(registry.Config{JetStream: processor, Needs: registry.NeedSchemas, Logger: quiet})
	var running sync.WaitGroup
	running.Go(func() { _ = reg.Run(ctx) })
	running.Go(func() { _ = retention.NewFollower(processor, reg, quiet).Follow(ctx) })
	defer running.Wait()
	defer cancel()
	asks, err := job.Open(ctx, queryAPI)
	if err != nil {
		t.Fatal(err)
	}
	err = harness.Poll(waiting(t), func() error {
		all, err := asks.List(ctx)
		for _, e := range all {
			if e.Kind == job.Retention && e.TargetRevision == put.Revision {
				return nil
			}
		}
		return errors.Join(err, errors.New("no job applies the retention"))
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWatchOfManyOnShippedNATS reads more applications than one answer has.
func TestWatchOfManyOnShippedNATS(t *testing.T) {
	t.Parallel()
	server := startNATS(t)
	applications, err := as(t, server, "queryapi").KeyValue(waiting(t), stream.BucketApplications)
	if err != nil {
		t.Fatal(err)
	}
	const many = 3000
	record := fmt.Sprintf(`{"keys": [{"sha256": %q, "kind": "server"}], "note": %q}`, digest("key"), strings.Repeat("n", 500))
	for i := range many {
		if _, err := applications.PutString(waiting(t), fmt.Sprintf("app-%d", i), record); err != nil {
			t.Fatal(err)
		}
	}
	for _, user := range []string{"collector", "queryapi"} {
		all, err := kv.New(as(t, server, user), stream.BucketApplications).Watch(waiting(t), false)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for e := range all.Updates() {
			if e == nil {
				break
			}
			count++
		}
		if count != many {
			t.Errorf("%s sees %d applications of %d", user, count, many)
		}
	}
	if alarms := server.Alarms(); len(alarms) > 0 {
		t.Error(alarms)
	}
}

// replays reads the stream by a consumer of its own, and purges.
func replays(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	ctx := waiting(t)
	c, err := js.CreateConsumer(ctx, stream.Name, jetstream.ConsumerConfig{
		Durable: "replay-1-1-0", AckPolicy: jetstream.AckAllPolicy,
		FilterSubjects: stream.SubjectsFor("demo", "c", "n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := c.Fetch(3)
	if err != nil {
		t.Fatal(err)
	}
	var last jetstream.Msg
	for m := range batch.Messages() {
		last = m
	}
	if last == nil {
		t.Fatal(batch.Error())
	}
	if err := last.DoubleAck(ctx); err != nil {
		t.Error(err)
	}
	if info, err := c.Info(ctx); err != nil || info.AckFloor.Stream != 3 {
		t.Errorf("consumer %+v, %v", info, err)
	}
	events, err := js.Stream(ctx, stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	list := events.ConsumerNames(ctx)
	for name := range list.Name() {
		names = append(names, name)
	}
	infos := events.ListConsumers(ctx)
	for info := range infos.Info() {
		names = append(names, info.Name)
	}
	if err := errors.Join(list.Err(), infos.Err()); err != nil || len(names) != 4 {
		t.Errorf("consumers %q, %v", names, err)
	}
	if err := events.DeleteConsumer(ctx, "replay-1-1-0"); err != nil {
		t.Error(err)
	}
	if _, _, err := stream.FirstFrom(ctx, events, 1); err != nil {
		t.Error(err)
	}
	if err := events.Purge(ctx, jetstream.WithPurgeSequence(2)); err != nil {
		t.Error(err)
	}
}

// as is JetStream for a user.
func as(t *testing.T, server *harness.NATS, user string) jetstream.JetStream {
	t.Helper()
	conn, err := server.Connect(user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
