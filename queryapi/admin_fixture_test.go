package queryapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/api"
	"github.com/theeye/theeye/shared/event"
	"github.com/theeye/theeye/shared/job"
)

// adminAnswer is any answer of the operators' calls.
type adminAnswer struct {
	status int
	header http.Header
	raw    string

	Code, Detail     string
	Faults           []event.Fault
	Revision         uint64
	Category, Name   string
	ID, Role, Secret string
	Applications     json.RawMessage
	Schemas          []adminAnswer
	Versions         []entry
	Tokens           []adminAnswer
	Changes          []entry
	Key              writeKeyItem
	Keys             []writeKeyItem
	Time             string
	Author, Note     string
	NextCursor       *string `json:"next_cursor"`
}

// entry is a version, or a change.
type entry struct {
	Seq, Revision  uint64
	Kind, Action   string
	Category, Name string
	Time           string
	Author, Note   string
	Removed        bool
	Before, After  json.RawMessage
}

type writeKeyItem struct {
	ID, Kind, Secret string
	Origins          []string
	Disabled         bool
	ExpiresAt        string `json:"expires_at"`
	EventsPerSecond  int64  `json:"events_per_second"`
	BytesPerSecond   int64  `json:"bytes_per_second"`
}

// ask sends a request with a token; header has names and values in turn.
func (fx *fixture) ask(method, token, target, body string, header ...string) adminAnswer {
	fx.t.Helper()
	got := fx.send(method, token, target, body, header...)
	if got.header.Get("Content-Type") == "application/schema+json" || method == http.MethodHead {
		return got
	}
	if err := json.Unmarshal([]byte(got.raw), &got); err != nil {
		fx.t.Fatalf("%s %s: %v in %q", method, target, err, got.raw)
	}
	return got
}

// send is ask for an answer of another shape.
func (fx *fixture) send(method, token, target, body string, header ...string) adminAnswer {
	fx.t.Helper()
	req, err := http.NewRequestWithContext(fx.ctx(), method, fx.base+target, strings.NewReader(body))
	if err != nil {
		fx.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := fx.client.Do(req)
	if err != nil {
		fx.t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		fx.t.Fatal(err)
	}
	return adminAnswer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
}

// asOperator is ask with an operator token; the status must be want.
func (fx *fixture) asOperator(want int, method, target, body string, header ...string) adminAnswer {
	fx.t.Helper()
	got := fx.ask(method, operator, target, body, header...)
	if got.status != want {
		fx.t.Fatalf("%s %s %.200s %q: %d, want %d: %.500s", method, target, body, header, got.status, want, got.raw)
	}
	return got
}

// quoted returns a revision as If-Match carries it.
func quoted(revision uint64) string { return fmt.Sprintf("%q", fmt.Sprint(revision)) }

// typePath returns the path of a type's schema.
func typePath(category, name string) string {
	return "/v1/schemas/" + url.PathEscape(category) + "/" + url.PathEscape(name)
}

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("not within 20 seconds: " + what)
		}
		<-tick.C
	}
}

// revisionMetric returns the registry's revision as the service reports it.
func (fx *fixture) revisionMetric() uint64 {
	fx.t.Helper()
	families, err := fx.metrics.Gather()
	if err != nil {
		fx.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "eye_queryapi_registry_revision" {
			return uint64(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	fx.t.Fatal("no metric of the registry's revision")
	return 0
}

// jobItem is a job as an answer has it.
type jobItem struct {
	ID             string
	State          job.State
	DryRun         bool   `json:"dry_run"`
	TargetRevision uint64 `json:"target_revision"`
	Selection      job.Selection
	Schemas        []api.TypeName
	MaxRate        int64 `json:"max_rate"`
	Repair         bool
	Done, Total    uint64
	Rate           float64
	Phase, Error   string
	Cancelling     bool `json:"cancel_requested"`
	Author, Note   string
	CreatedAt      string   `json:"created_at"`
	StartedAt      string   `json:"started_at"`
	EndedAt        string   `json:"ended_at"`
	QueuedBehind   []string `json:"queued_behind"`
	Report         json.RawMessage
}

// startJob starts a job, which must be accepted.
func (fx *fixture) startJob(path, body string, header ...string) jobItem {
	fx.t.Helper()
	fx.publish("shop", time.Now(), `{}`) // a job of an empty range is refused
	got := fx.send("POST", operator, path, body, header...)
	if got.status != http.StatusAccepted {
		fx.t.Fatalf("%s %.200s: %d %.500s", path, body, got.status, got.raw)
	}
	j := fx.readJob(got.raw)
	if want := path + "/" + j.ID; got.header.Get("Location") != want || j.ID == "" {
		fx.t.Errorf("Location %q, want %q", got.header.Get("Location"), want)
	}
	return j
}

// showJob returns a job.
func (fx *fixture) showJob(path, id string) jobItem {
	fx.t.Helper()
	return fx.callJob("GET", path, id)
}

// cancelJob cancels a job and returns it.
func (fx *fixture) cancelJob(path, id string) jobItem {
	fx.t.Helper()
	return fx.callJob("DELETE", path, id)
}

func (fx *fixture) callJob(method, path, id string) jobItem {
	fx.t.Helper()
	got := fx.send(method, operator, path+"/"+id, "")
	if got.status != http.StatusOK {
		fx.t.Fatalf("%s %s: %d %s", method, id, got.status, got.raw)
	}
	return fx.readJob(got.raw)
}

// listJobs returns all jobs under a path.
func (fx *fixture) listJobs(path string) []jobItem {
	fx.t.Helper()
	jobs, _ := fx.jobPage(path)
	return jobs
}

// jobPage returns one page of jobs, and the cursor of the next.
func (fx *fixture) jobPage(target string) ([]jobItem, string) {
	fx.t.Helper()
	got := fx.asOperator(200, "GET", target, "")
	var page map[string]json.RawMessage
	if err := json.Unmarshal([]byte(got.raw), &page); err != nil {
		fx.t.Fatal(err)
	}
	path, _, _ := strings.Cut(target, "?")
	var jobs []jobItem
	if err := json.Unmarshal(page[strings.TrimPrefix(path, "/v1/")], &jobs); err != nil {
		fx.t.Fatal(err)
	}
	if got.NextCursor == nil {
		return jobs, ""
	}
	return jobs, *got.NextCursor
}

func (fx *fixture) readJob(raw string) (j jobItem) {
	fx.t.Helper()
	if err := json.Unmarshal([]byte(raw), &j); err != nil {
		fx.t.Fatalf("%v in %s", err, raw)
	}
	return j
}

// jobBucket returns the bucket from which processors take the jobs.
func (fx *fixture) jobBucket() *job.Bucket {
	fx.t.Helper()
	b, err := job.Open(fx.ctx(), fx.js)
	if err != nil {
		fx.t.Fatal(err)
	}
	return b
}

// jobRecord returns a job as processors read it.
func (fx *fixture) jobRecord(id string) job.Job {
	fx.t.Helper()
	e, err := fx.jobBucket().Get(fx.ctx(), id)
	if err != nil {
		fx.t.Fatal(err)
	}
	return e.Job
}

// updateJob changes a job as its runner does.
func (fx *fixture) updateJob(id string, change func(*job.Job)) {
	fx.t.Helper()
	b := fx.jobBucket()
	e, err := b.Get(fx.ctx(), id)
	if err != nil {
		fx.t.Fatal(err)
	}
	change(&e.Job)
	if _, err := b.Update(fx.ctx(), e); err != nil {
		fx.t.Fatal(err)
	}
}

// decodeReport decodes the report of a job.
func (fx *fixture) decodeReport(j jobItem, dst any) {
	fx.t.Helper()
	if err := json.Unmarshal(j.Report, dst); err != nil {
		fx.t.Fatalf("%v in %s", err, j.Report)
	}
}

// jobIDs returns the ids of jobs, in their order.
func jobIDs(jobs []jobItem) []string {
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	return ids
}

func encode(t testing.TB, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// encodeValue is encode for the members of a job.
func encodeValue(t testing.TB, v any) jsontext.Value { return jsontext.Value(encode(t, v)) }
