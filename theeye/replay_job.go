package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/theeye/theeye/shared/job"
)

// jobs is a kind of work that operators start and processors do.
type jobs struct {
	noun string // as people call it, and as its command is called
	path string // where it is started and asked for
}

var (
	replays = jobs{"replay", "/v1/replays"}
	audits  = jobs{"audit", "/v1/audits"}
)

// one is the path of one job.
func (k jobs) one(id string) string { return k.path + "/" + url.PathEscape(id) }

// jobRecord is a job as the server tells it.
type jobRecord struct {
	ID             string        `json:"id"`
	State          job.State     `json:"state"`
	DryRun         bool          `json:"dry_run"`
	TargetRevision uint64        `json:"target_revision"`
	Selection      job.Selection `json:"selection"`
	// Schemas names the types that a dry run judges by schemas that are not put.
	Schemas   []string  `json:"schemas"`
	MaxRate   int64     `json:"max_rate"`
	Repair    bool      `json:"repair"`
	Done      uint64    `json:"done"`
	Total     uint64    `json:"total"`
	Rate      float64   `json:"rate"`
	Phase     string    `json:"phase"`
	Error     string    `json:"error"`
	Author    string    `json:"author"`
	Note      string    `json:"note"`
	CreatedAt time.Time `json:"created_at"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	// CancelRequested is told of a job that runs and will end.
	CancelRequested bool           `json:"cancel_requested"`
	QueuedBehind    []string       `json:"queued_behind"`
	Report          jsontext.Value `json:"report"`

	kind jobs
	raw  jsontext.Value // as it came
}

// read makes a record of an answer.
func (k jobs) read(a *answer) (*jobRecord, error) {
	j := &jobRecord{kind: k, raw: a.value()}
	if err := a.decode(j); err != nil {
		return nil, err
	}
	if j.ID == "" || j.State == "" {
		return nil, noAnswer(errors.New("it names no job"))
	}
	return j, nil
}

// String names the job, for people.
func (j *jobRecord) String() string {
	if j.DryRun {
		return "dry run " + j.ID
	}
	return j.kind.noun + " " + j.ID
}

// changes reads the report of a replay or dry run. One that has none yet has
// found nothing yet.
func (j *jobRecord) changes() (r job.Changes, err error) { return r, j.report(&r) }

// account reads the report of an audit.
func (j *jobRecord) account() (r job.Account, err error) { return r, j.report(&r) }

func (j *jobRecord) report(to any) error {
	if len(j.Report) == 0 {
		return nil
	}
	if err := json.Unmarshal(j.Report, to); err != nil {
		return noAnswer(err)
	}
	return nil
}

// found counts what lets the command fail although the job is done: events that
// a dry run says would be newly rejected, sequences that an audit misses.
func (j *jobRecord) found() (uint64, error) {
	if j.kind == audits {
		r, err := j.account()
		return r.Missing, err
	}
	if !j.DryRun {
		return 0, nil
	}
	r, err := j.changes()
	return r.NewlyRejected, err
}

// verdict is nil when the job did what it was to do and found nothing wrong:
// else the command ends with exit code 1. What was found is in the report that
// is printed.
func (j *jobRecord) verdict() error {
	switch j.State {
	case job.Failed:
		return fmt.Errorf("%s failed: %s", j, j.Error)
	case job.Cancelled:
		return fmt.Errorf("%s was cancelled", j)
	case job.Done:
		found, err := j.found()
		if err == nil && found > 0 {
			return exit(1)
		}
		return err
	}
	return nil
}

// pace is what a job that is not over does at the moment, for people.
func (j *jobRecord) pace() string {
	var parts []string
	if j.Rate >= 1 {
		parts = append(parts, fmt.Sprintf("%.0f/s", j.Rate))
	}
	if left := j.left(); left > 0 {
		parts = append(parts, left.String()+" left")
	}
	switch {
	case j.CancelRequested:
		parts = append(parts, "is being cancelled")
	case j.behind() != "":
		parts = append(parts, "waits behind "+j.behind())
	case j.Phase != "":
		parts = append(parts, cell(j.Phase))
	}
	return " " + strings.Join(parts, ", ")
}

// behind names the jobs that end before this one begins, "" without.
func (j *jobRecord) behind() string {
	ids := j.QueuedBehind
	if j.State != job.Queued || len(ids) == 0 {
		return ""
	}
	if more := len(ids) - maxBehind; more > 0 {
		return strings.Join(ids[:maxBehind], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(ids, ", ")
}

// maxBehind bounds how many of the jobs that are waited for are named.
const maxBehind = 3

// maxLeft is the longest time that is told.
const maxLeft = 1000 * time.Hour

// left is how long the job takes yet at its present rate, 0 if that is unknown.
func (j *jobRecord) left() time.Duration {
	if j.Rate <= 0 || j.Total <= j.Done {
		return 0
	}
	s := float64(j.Total-j.Done) / j.Rate
	if s > maxLeft.Seconds() {
		return 0
	}
	return max(time.Duration(s*float64(time.Second)).Round(time.Second), time.Second)
}
