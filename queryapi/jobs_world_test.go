package queryapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/job"
)

// jobItem is a job in an answer.
type jobItem struct {
	ID             string
	State          job.State
	DryRun         bool   `json:"dry_run"`
	TargetRevision uint64 `json:"target_revision"`
	Selection      job.Selection
	Schemas        []string
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

// start starts a job, which must be accepted.
func (w *world) start(path, body string, header ...string) jobItem {
	w.t.Helper()
	got := w.send("POST", operator, path, body, header...)
	if got.status != http.StatusAccepted {
		w.t.Fatalf("%s %.200s: %d %.500s", path, body, got.status, got.raw)
	}
	j := w.readJob(got.raw)
	if want := path + "/" + j.ID; got.header.Get("Location") != want || j.ID == "" {
		w.t.Errorf("Location %q, want %q", got.header.Get("Location"), want)
	}
	return j
}

// job asks for a job.
func (w *world) job(path, id string) jobItem {
	w.t.Helper()
	return w.oneJob("GET", path, id)
}

// cancel cancels a job and returns it as it is then.
func (w *world) cancel(path, id string) jobItem {
	w.t.Helper()
	return w.oneJob("DELETE", path, id)
}

func (w *world) oneJob(method, path, id string) jobItem {
	w.t.Helper()
	got := w.send(method, operator, path+"/"+id, "")
	if got.status != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", method, id, got.status, got.raw)
	}
	return w.readJob(got.raw)
}

// list asks for all jobs under a path.
func (w *world) list(path string) []jobItem {
	w.t.Helper()
	jobs, _ := w.page(path)
	return jobs
}

// page asks for one page of jobs, and where the next one starts.
func (w *world) page(target string) ([]jobItem, string) {
	w.t.Helper()
	got := w.operate(200, "GET", target, "")
	var page map[string]json.RawMessage
	if err := json.Unmarshal([]byte(got.raw), &page); err != nil {
		w.t.Fatal(err)
	}
	path, _, _ := strings.Cut(target, "?")
	var jobs []jobItem
	if err := json.Unmarshal(page[strings.TrimPrefix(path, "/v1/")], &jobs); err != nil {
		w.t.Fatal(err)
	}
	if got.NextCursor == nil {
		return jobs, ""
	}
	return jobs, *got.NextCursor
}

func (w *world) readJob(raw string) (j jobItem) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(raw), &j); err != nil {
		w.t.Fatalf("%v in %s", err, raw)
	}
	return j
}

// bucket is where processors find the jobs.
func (w *world) bucket() *job.Bucket {
	w.t.Helper()
	b, err := job.Open(w.ctx(), w.js)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// record is a job as processors find it.
func (w *world) record(id string) job.Job {
	w.t.Helper()
	e, err := w.bucket().Get(w.ctx(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return e.Job
}

// saved changes a job as the process that runs it does.
func (w *world) saved(id string, change func(*job.Job)) {
	w.t.Helper()
	b := w.bucket()
	e, err := b.Get(w.ctx(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	change(&e.Job)
	if _, err := b.Update(w.ctx(), e); err != nil {
		w.t.Fatal(err)
	}
}

// report is what a job found so far.
func (w *world) report(j jobItem, dst any) {
	w.t.Helper()
	if err := json.Unmarshal(j.Report, dst); err != nil {
		w.t.Fatalf("%v in %s", err, j.Report)
	}
}

// ids of jobs, in their order.
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
